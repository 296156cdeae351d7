import { HOST_RESOURCE } from '../address.js';
import { CitadelError } from '../../manifest/problem.js';
import type { HostManifest } from '../../manifest/schema.js';
import { fromDynamic, toDynamic } from './cty/msgpack.js';
import { isObject, type CtyObject, type CtyValue } from './cty/value.js';
import { diagnose, errorDiagnostic, warningDiagnostic } from './diagnostics.js';
import type { EnginePort } from './engine-port.js';
import { hostsOf, Sessions } from './hosts.js';
import type { Log } from './plugin/log.js';
import type { ProviderService } from './plugin/rpc.js';
import { applyHost, type ApplyInput } from './resource/apply.js';
import { documentOf } from './resource/manifest.js';
import { changedSince, decodeMarks, encodeMarks } from './resource/marks.js';
import { emptyManifest, planDestroy, planHost, planUnknown, type PlanResult } from './resource/plan.js';
import { readHost } from './resource/read.js';
import { textOf } from './resource/state.js';
import { upgradeState } from './resource/upgrade.js';
import { wantedHost, type WantedHost } from './resource/wanted.js';
import { HOST_SCHEMA_VERSION, hostSchema, providerSchema } from './schema.js';
import type { Session } from './session.js';
import type * as wire from './wire/messages.js';

export interface ProviderDeps {
  /** Loads the engine; called by the first request that needs it. */
  readonly engine: () => Promise<EnginePort>;
  readonly log: Log;
  /** Where Terraform runs, absolute: relative paths of documents start there. */
  readonly folder: string;
  /** Who asks, for the host's lock and history. */
  readonly who: string;
}

const CAPABILITIES: wire.ServerCapabilities = { plan_destroy: true, get_provider_schema_optional: true };
const UNTOUCHED = 'Nothing was changed: the host and the state are as they were.';
const NO_PRIVATE = new Uint8Array();

/** The provider of any number of hosts: requests in, answers out; what a person can fix comes back as diagnostics. */
export class CitadelProvider implements ProviderService {
  private sessions = Sessions.unknown();
  /** Hosts that the state has, as far as this process was told. */
  private readonly known = new Set<string>();
  /** Hosts that this process has created. */
  private readonly created = new Set<string>();

  constructor(private readonly deps: ProviderDeps) {}

  async close(): Promise<void> {
    await this.sessions.close();
  }

  async GetMetadata(): Promise<wire.GetMetadataResponse> {
    return Promise.resolve({
      server_capabilities: CAPABILITIES,
      diagnostics: [],
      resources: [{ type_name: HOST_RESOURCE }],
    });
  }

  async GetProviderSchema(): Promise<wire.GetProviderSchemaResponse> {
    return Promise.resolve({
      provider: providerSchema,
      resource_schemas: { [HOST_RESOURCE]: hostSchema },
      diagnostics: [],
      server_capabilities: CAPABILITIES,
    });
  }

  async ValidateProviderConfig(
    request: wire.ValidateProviderConfigRequest,
  ): Promise<wire.ValidateProviderConfigResponse> {
    return this.diagnosed('provider', async () => {
      const config = fromDynamic(request.config);
      if (isObject(config)) hostsOf(await this.deps.engine(), config);
      return { diagnostics: [] };
    });
  }

  async ValidateResourceConfig(
    request: wire.ValidateResourceConfigRequest,
  ): Promise<wire.ValidateResourceConfigResponse> {
    const config = fromDynamic(request.config);
    return this.diagnosed('provider', () => {
      if (isObject(config)) wantedHost(config, 'provider');
      return Promise.resolve({ diagnostics: [] });
    });
  }

  async UpgradeResourceState(
    request: wire.UpgradeResourceStateRequest,
  ): Promise<wire.UpgradeResourceStateResponse> {
    const { version } = request;
    const stored = JSON.parse(
      Buffer.from(request.raw_state?.json ?? []).toString('utf8') || 'null',
    ) as CtyValue;
    const host = textOf(stored, 'name') ?? 'provider';
    if (version > HOST_SCHEMA_VERSION) {
      const summary = `[${host}] The state was written by a later version of citadel-iac`;
      const detail = `It has version ${version}, this provider knows ${HOST_SCHEMA_VERSION}. Check out and install the later version.`;
      return { diagnostics: [errorDiagnostic(summary, detail)] };
    }
    return this.diagnosed(host, async () => {
      const engine = await this.deps.engine();
      const state = upgradeState(stored, version, (data) => engine.parseRecorded(data));
      this.known.add(textOf(state, 'name') ?? '');
      return { upgraded_state: toDynamic(state), diagnostics: [] };
    });
  }

  async ConfigureProvider(request: wire.ConfigureProviderRequest): Promise<wire.ConfigureProviderResponse> {
    return this.diagnosed('provider', async () => {
      await this.sessions.close();
      this.sessions = Sessions.unknown();
      const config = fromDynamic(request.config);
      const engine = await this.deps.engine();
      if (isObject(config)) this.sessions = new Sessions(engine, hostsOf(engine, config));
      return { diagnostics: [] };
    });
  }

  async ReadResource(request: wire.ReadResourceRequest): Promise<wire.ReadResourceResponse> {
    const current = fromDynamic(request.current_state);
    const host = textOf(current, 'name') ?? 'provider';
    return this.diagnosed(
      host,
      async () => {
        const session = this.sessions.reached(host, 'read');
        this.deps.log('info', 'reading the host', { host });
        const read = await readHost(session, current, await this.documentIfThere(session));
        // Another private part alone would make "plan -refresh-only" say that something changed.
        const kept = read.same && changedSince(decodeMarks(request.private), read.marks).length === 0;
        const marks = kept ? request.private : encodeMarks(read.marks);
        return { new_state: toDynamic(read.state), private: marks, diagnostics: [] };
      },
      { new_state: toDynamic(current), private: request.private },
    );
  }

  async PlanResourceChange(
    request: wire.PlanResourceChangeRequest,
  ): Promise<wire.PlanResourceChangeResponse> {
    const prior = fromDynamic(request.prior_state);
    const config = fromDynamic(request.config);
    // Only both say that the resource goes: a value that is missing alone must not pass for it.
    const destroying = config === null && fromDynamic(request.proposed_new_state) === null;
    const before = textOf(prior, 'name');
    const host = textOf(destroying ? prior : config, 'name') ?? before ?? 'provider';
    return this.diagnosed(
      host,
      async () => {
        const seen = decodeMarks(request.prior_private);
        const wanted = destroying || !isObject(config) ? undefined : wantedHost(config, host);
        const name = textOf(config, 'name');
        const replace = before !== undefined && name !== undefined && name !== before;
        // The other host is emptied for it, so its way must be there when the plan is made.
        if (replace) this.sessions.reached(before, 'destroyed');
        if (replace && wanted === undefined) throw replacedByUnknown(name);
        const planned = destroying
          ? await this.planDestroy(host, seen)
          : await this.planWanted(wanted, { prior, config: isObject(config) ? config : {}, seen }, host);
        return {
          planned_state: toDynamic(planned.state),
          requires_replace: replace ? [{ steps: [{ attribute_name: 'name' }] }] : [],
          planned_private: encodeMarks(planned.marks),
          diagnostics: remarks(host, planned),
        };
      },
      { planned_state: toDynamic(prior), requires_replace: [], planned_private: NO_PRIVATE },
    );
  }

  async ApplyResourceChange(
    request: wire.ApplyResourceChangeRequest,
  ): Promise<wire.ApplyResourceChangeResponse> {
    const prior: CtyValue = fromDynamic(request.prior_state);
    const planned = fromDynamic(request.planned_state);
    const destroying = planned === null && fromDynamic(request.config) === null;
    const host = textOf(destroying ? prior : planned, 'name') ?? 'provider';
    // With create_before_destroy the old resource goes last, and with it would go what the new one has just made.
    const superseded = destroying && this.created.has(host);
    if (superseded) return { new_state: toDynamic(null), private: NO_PRIVATE, diagnostics: [] };
    return this.diagnosed(
      host,
      async () => {
        const values: CtyObject | null = destroying ? null : isObject(planned) ? planned : {};
        const wanted = values === null ? undefined : wantedHost(values, host);
        const session = this.sessions.reached(wanted?.name ?? host, destroying ? 'destroyed' : 'changed');
        if (values !== null && wanted === undefined) throw unknownAtApply(host);
        const manifest = values === null ? emptyManifest(host) : await this.document(session, wanted);
        const input: ApplyInput = {
          prior,
          planned: values,
          manifest,
          seen: decodeMarks(request.planned_private),
        };
        const applied = await applyHost(session, input, {
          who: this.deps.who,
          onProgress: (line) => this.deps.log('info', line, { host }),
        });
        if (prior === null && applied.state !== null) this.created.add(host);
        for (const note of applied.notes) this.deps.log('warn', note, { host });
        return { new_state: toDynamic(applied.state), private: NO_PRIVATE, diagnostics: applied.diagnostics };
      },
      { new_state: toDynamic(prior), private: NO_PRIVATE },
      'The state is as it was; the next plan says how the host is.',
    );
  }

  async ImportResourceState(
    request: wire.ImportResourceStateRequest,
  ): Promise<wire.ImportResourceStateResponse> {
    const host = request.id;
    return this.diagnosed(
      host,
      async () => {
        const session = this.sessions.reached(host, 'imported');
        const read = await readHost(session, null, await this.documentIfThere(session));
        if (read.generation === null) throw nothingToImport(host);
        const imported = {
          type_name: HOST_RESOURCE,
          state: toDynamic(read.state),
          private: encodeMarks(read.marks),
        };
        return { imported_resources: [imported], diagnostics: [] };
      },
      { imported_resources: [] },
    );
  }

  /** The first Ctrl-C: the transaction runs on the host and goes on there, so it is followed to its end. */
  async StopProvider(): Promise<wire.StopProviderResponse> {
    this.deps.log('warn', 'asked to stop: transactions that run on hosts are followed to their end');
    return Promise.resolve({ Error: '' });
  }

  /** @param wanted absent while it is known only after another apply */
  private async planWanted(
    wanted: WantedHost | undefined,
    input: Pick<Parameters<typeof planHost>[1], 'prior' | 'config' | 'seen'>,
    host: string,
  ): Promise<PlanResult> {
    const replacing = input.prior === null && this.known.has(wanted?.name ?? host);
    const session = wanted === undefined ? undefined : this.sessions.of(wanted.name);
    if (session === undefined || wanted === undefined) {
      if (replacing) throw replacedByUnknown(host);
      return planUnknown(input.config);
    }
    return planHost(session, { ...input, replacing }, await this.document(session, wanted));
  }

  private async planDestroy(host: string, seen: ReturnType<typeof decodeMarks>): Promise<PlanResult> {
    const session = this.sessions.of(host);
    return session === undefined ? { state: null, marks: {}, notes: [] } : planDestroy(session, seen);
  }

  /** @throws CitadelError for an absent document, or another one than is wanted */
  private async document(session: Session, wanted: WantedHost | undefined): Promise<HostManifest> {
    const engine = await this.deps.engine();
    const { connection } = session;
    return documentOf(connection, this.deps.folder, (data) => engine.parseManifest(data), wanted?.digest);
  }

  /** A read must be possible without it: what is wrong with a document is said by the plan, and a destroy needs none. */
  private async documentIfThere(session: Session): Promise<HostManifest | undefined> {
    try {
      return await this.document(session, undefined);
    } catch (error) {
      if (error instanceof CitadelError) return undefined;
      throw error;
    }
  }

  /** Errors become diagnostics next to an answer that loses nothing. */
  private async diagnosed<T extends { readonly diagnostics: readonly wire.Diagnostic[] }>(
    host: string,
    work: () => Promise<T>,
    otherwise?: Omit<T, 'diagnostics'>,
    state = UNTOUCHED,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.deps.log('error', error instanceof Error ? (error.stack ?? error.message) : String(error));
      return { ...otherwise, diagnostics: diagnose(error, host, state) } as unknown as T;
    }
  }
}

function remarks(host: string, { emptying, notes }: PlanResult): wire.Diagnostic[] {
  const list = notes.map((note) => `- ${note}`).join('\n');
  return [
    ...(emptying === undefined ? [] : [warningDiagnostic(`[${host}] THIS EMPTIES THE HOST`, emptying)]),
    ...(notes.length === 0 ? [] : [warningDiagnostic(`[${host}] What to know about this plan`, list)]),
  ];
}

/** The old one goes first: what follows it must be sure before that. */
function replacedByUnknown(host: string): CitadelError {
  return new CitadelError({
    code: 'provider.replace.unknown',
    path: host,
    property: 'digest',
    got: 'or the way to the host is known only after an apply, and the host would be emptied before that',
    fix: 'Apply what it comes from first (-target), then replace the host',
  });
}

function unknownAtApply(host: string): CitadelError {
  return new CitadelError({
    code: 'provider.digest.unknown',
    path: host,
    property: 'digest',
    got: 'is not known at the time of the apply',
    fix: 'Apply what it comes from first, then plan again',
  });
}

function nothingToImport(host: string): CitadelError {
  return new CitadelError({
    code: 'provider.import.empty',
    path: host,
    got: 'The host has no generation: nothing of ours was ever applied to it',
    fix: 'Deploy it; the first plan shows, line by line, what it would replace',
  });
}
