import { HOST_RESOURCE } from '../address.js';
import { CitadelError } from '../../manifest/problem.js';
import { readConfiguration, type RawConfiguration } from './configuration.js';
import { fromDynamic, toDynamic } from './cty/msgpack.js';
import { isObject, type CtyValue } from './cty/value.js';
import { diagnose, errorDiagnostic, warningDiagnostic } from './diagnostics.js';
import type { EnginePort, HostConnection } from './engine-port.js';
import { nullAttribute } from './null-attribute.js';
import type { Log } from './plugin/log.js';
import type { ProviderService } from './plugin/rpc.js';
import { applyHost } from './resource/apply.js';
import { checkNames } from './resource/manifest.js';
import { decodeMarks, encodeMarks } from './resource/marks.js';
import { planDestroy, planHost } from './resource/plan.js';
import { readHost } from './resource/read.js';
import { conform, textOf } from './resource/state.js';
import { wantedHost } from './resource/wanted.js';
import { HOST_SCHEMA_VERSION, hostSchema, providerSchema } from './schema.js';
import { Session } from './session.js';
import type * as wire from './wire/messages.js';

export interface ProviderDeps {
  /** Loads the engine; called by the first request that needs it. */
  readonly engine: () => Promise<EnginePort>;
  readonly log: Log;
  /** Who asks, for the host's lock and history. */
  readonly who: string;
}

const CAPABILITIES: wire.ServerCapabilities = { plan_destroy: true, get_provider_schema_optional: true };
const UNTOUCHED = 'Nothing was changed: the host and the state are as they were.';
const NO_PRIVATE = new Uint8Array();

/** The provider: requests in, answers out; what a person can fix comes back as diagnostics. */
export class CitadelProvider implements ProviderService {
  private session: Session | undefined;
  private host = 'provider';
  /** Hosts that the state has, as far as this process was told. */
  private readonly known = new Set<string>();
  /** Hosts that this process has created. */
  private readonly created = new Set<string>();

  constructor(private readonly deps: ProviderDeps) {}

  async close(): Promise<void> {
    await this.session?.close();
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
    const raw = readConfiguration(fromDynamic(request.config));
    return this.diagnosed(async () => {
      if (raw !== undefined) connectionOf(await this.deps.engine(), raw);
      return { diagnostics: [] };
    });
  }

  async ValidateResourceConfig(
    request: wire.ValidateResourceConfigRequest,
  ): Promise<wire.ValidateResourceConfigResponse> {
    const config = fromDynamic(request.config);
    return this.diagnosed(async () => {
      const engine = await this.deps.engine();
      if (isObject(config)) wantedHost(config, this.host, (data) => engine.parseManifest(data));
      return { diagnostics: [] };
    });
  }

  async UpgradeResourceState(
    request: wire.UpgradeResourceStateRequest,
  ): Promise<wire.UpgradeResourceStateResponse> {
    const { version } = request;
    if (version > HOST_SCHEMA_VERSION) {
      const summary = `[${this.host}] The state was written by a later version of citadel-iac`;
      const detail = `It has version ${version}, this provider knows ${HOST_SCHEMA_VERSION}. Check out and install the later version.`;
      return { diagnostics: [errorDiagnostic(summary, detail)] };
    }
    const stored = JSON.parse(
      Buffer.from(request.raw_state?.json ?? []).toString('utf8') || 'null',
    ) as CtyValue;
    const state = conform(stored);
    this.known.add(textOf(state, 'name') ?? '');
    return Promise.resolve({ upgraded_state: toDynamic(state), diagnostics: [] });
  }

  async ConfigureProvider(request: wire.ConfigureProviderRequest): Promise<wire.ConfigureProviderResponse> {
    const raw = readConfiguration(fromDynamic(request.config));
    return this.diagnosed(async () => {
      await this.session?.close();
      this.session = undefined;
      if (raw === undefined) return { diagnostics: [] };
      const engine = await this.deps.engine();
      this.session = new Session(engine, connectionOf(engine, raw));
      this.host = raw.host;
      return { diagnostics: [] };
    });
  }

  async ReadResource(request: wire.ReadResourceRequest): Promise<wire.ReadResourceResponse> {
    const current = fromDynamic(request.current_state);
    return this.diagnosed(
      async () => {
        const { session, engine } = await this.ready('read');
        this.deps.log('info', 'reading the host', { host: session.host });
        const read = await readHost(session, current, (data) => engine.parseRecorded(data));
        return { new_state: toDynamic(read.state), private: encodeMarks(read.marks), diagnostics: [] };
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
    const seen = decodeMarks(request.prior_private);
    const replacing = prior === null && this.known.has(textOf(config, 'name') ?? '');
    return this.diagnosed(
      async () => {
        const engine = await this.deps.engine();
        const planned = destroying
          ? await planDestroy(this.session, prior, seen)
          : await planHost(
              this.session,
              { prior, config: isObject(config) ? config : {}, seen, replacing, where: this.host },
              (data) => engine.parseManifest(data),
            );
        return {
          planned_state: toDynamic(planned.state),
          requires_replace: planned.replace ? [{ steps: [{ attribute_name: 'name' }] }] : [],
          planned_private: encodeMarks(planned.marks),
          diagnostics: this.remarks(planned.notes),
        };
      },
      { planned_state: toDynamic(prior), requires_replace: [], planned_private: NO_PRIVATE },
    );
  }

  async ApplyResourceChange(
    request: wire.ApplyResourceChangeRequest,
  ): Promise<wire.ApplyResourceChangeResponse> {
    const prior = fromDynamic(request.prior_state);
    const planned = fromDynamic(request.planned_state);
    const destroying = planned === null && fromDynamic(request.config) === null;
    const seen = decodeMarks(request.planned_private);
    // With create_before_destroy the old resource goes last, and with it would go what the new one has just made.
    const superseded = destroying && this.created.has(textOf(prior, 'name') ?? '');
    if (superseded) return { new_state: toDynamic(null), private: NO_PRIVATE, diagnostics: [] };
    return this.diagnosed(
      async () => {
        const { session, engine } = await this.ready('changed');
        const applied = await applyHost(
          session,
          { prior, planned: destroying ? null : isObject(planned) ? planned : {}, seen },
          (data) => engine.parseManifest(data),
          {
            who: this.deps.who,
            onProgress: (line) => this.deps.log('info', line, { host: session.host }),
          },
        );
        if (prior === null && applied.state !== null) this.created.add(session.host);
        for (const note of applied.notes) this.deps.log('warn', note, { host: session.host });
        return { new_state: toDynamic(applied.state), private: NO_PRIVATE, diagnostics: applied.diagnostics };
      },
      { new_state: toDynamic(prior), private: NO_PRIVATE },
      'The state is as it was; the next plan says how the host is.',
    );
  }

  async ImportResourceState(
    request: wire.ImportResourceStateRequest,
  ): Promise<wire.ImportResourceStateResponse> {
    return this.diagnosed(
      async () => {
        const { session, engine } = await this.ready('imported');
        checkNames({ name: request.id, document: request.id, provider: session.host });
        const read = await readHost(session, { name: request.id }, (data) => engine.parseRecorded(data));
        if (read.state === null) throw nothingToImport(session.host);
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
    this.deps.log('warn', 'asked to stop: a transaction that runs on the host is followed to its end', {
      host: this.host,
    });
    return Promise.resolve({ Error: '' });
  }

  private async ready(
    done: 'read' | 'changed' | 'imported',
  ): Promise<{ readonly session: Session; readonly engine: EnginePort }> {
    if (this.session === undefined) {
      throw new CitadelError({
        code: 'provider.configuration.unknown',
        path: this.host,
        got: `The host cannot be ${done} while its provider block is not known`,
        fix: 'Give the block fixed values, or apply what they come from first',
      });
    }
    return { session: this.session, engine: await this.deps.engine() };
  }

  private remarks(notes: readonly string[]): wire.Diagnostic[] {
    if (notes.length === 0) return [];
    return [
      warningDiagnostic(
        `[${this.host}] What to know about this plan`,
        notes.map((note) => `- ${note}`).join('\n'),
      ),
    ];
  }

  /** Errors become diagnostics beside an answer that loses nothing. */
  private async diagnosed<T extends { readonly diagnostics: readonly wire.Diagnostic[] }>(
    work: () => Promise<T>,
    otherwise?: Omit<T, 'diagnostics'>,
    state = UNTOUCHED,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.deps.log('error', error instanceof Error ? (error.stack ?? error.message) : String(error));
      return { ...otherwise, diagnostics: diagnose(error, this.host, state) } as unknown as T;
    }
  }
}

/** @throws CitadelError with every problem of the block */
function connectionOf(engine: EnginePort, raw: RawConfiguration): HostConnection {
  if (raw.host === '') {
    const fix = "Write the host's name there, as its document has it";
    throw new CitadelError(nullAttribute('provider', 'host', fix, 'is null or empty'));
  }
  return {
    host: raw.host,
    target: engine.parseTarget(raw.target, raw.host),
    secrets: engine.parseSecrets(raw.secrets, raw.host),
  };
}

function nothingToImport(host: string): CitadelError {
  return new CitadelError({
    code: 'provider.import.empty',
    path: host,
    got: 'The host has no generation: nothing of ours was ever applied to it',
    fix: 'Deploy it; the first plan shows, line by line, what it would replace',
  });
}
