import type { ExpandedManifest, HostManifest } from '../../manifest/index.js';
import { CitadelError, expandManifest, manifestDigest, sha256, withOwnKeys } from '../../manifest/index.js';
import { withoutBehindLinks } from '../diff/behind-links.js';
import { wantedContent } from '../diff/blocks.js';
import type { HostDiff } from '../diff/diff-host.js';
import { diffHost } from '../diff/diff-host.js';
import type { FileStamp, FileStamps } from '../diff/facts.js';
import { factsOf } from '../diff/facts.js';
import type { DiffInput } from '../diff/input.js';
import type { AppliedIndex, HostPlan, ObservedHost } from '../model.js';
import { fetchContents } from '../observe/fetch-contents.js';
import type { Observation } from '../observe/observation.js';
import type { ReadOptions } from '../observe/observe-host.js';
import { newerProblem } from '../observe/newer.js';
import { observe } from '../observe/observe-host.js';
import { parseIndex } from '../observe/parse-record.js';
import { requestFor } from '../observe/request.js';
import { manifestSecrets, materialise } from '../secrets/references.js';
import type { SecretResolver } from '../secrets/resolver.js';
import { resolveSecrets } from '../secrets/resolver.js';
import type { ReadTransport } from '../transport.js';
import { MAX_SHOWN_BYTES, withContentDiff } from './content-diff.js';
import { bootNotes, hostNotes } from './notes.js';
import { reinstalledUnits } from './reinstalled.js';
import { isRisky } from './risk.js';
import { planUnitActions, withUnitEffects } from './unit-actions.js';

/**
 * Everything that would have to be done to make a host equal to a manifest. One read when nothing differs; one more for
 * the contents of files that differ, and one for items that an earlier generation had. Nothing is written.
 *
 * @param transport or the promise of one: while the connection is being made, secrets are resolved and the document is
 *   digested
 * @throws CitadelError when the host cannot be read, a secret cannot be found, or the manifest cannot be had on this host
 */
export async function planHost(
  transport: ReadTransport | Promise<ReadTransport>,
  manifest: HostManifest,
  secrets: SecretResolver,
  options: ReadOptions = {},
): Promise<HostPlan> {
  // A host that cannot be reached is an error where it is waited for, not before.
  if (transport instanceof Promise) transport.catch(() => undefined);
  const desired = expandManifest(manifest);
  const digest = manifestDigest(manifest);
  const request = requestFor(desired, digest);
  const values = await resolveSecrets(manifestSecrets(desired), secrets);
  const stamps = stampsOf(desired, values);
  const host = await transport;
  const observation = await observe(host, request, options);
  return planObserved({ manifest, desired, values, digest, stamps, observation }, (paths) =>
    fetchContents(host, paths, options),
  );
}

export interface PlanInput {
  readonly manifest: HostManifest;
  /** The same, expanded. */
  readonly desired: ExpandedManifest;
  /** Values of all secrets that the manifest names. */
  readonly values: ReadonlyMap<string, Buffer>;
  readonly observation: Observation;
  /** Of the manifest; made here when absent. */
  readonly digest?: string;
  /** Of the desired files; made here when absent. */
  readonly stamps?: FileStamps;
}

type Fetch = (paths: readonly string[]) => Promise<ReadonlyMap<string, Buffer>>;

/** The plan for what was observed; `fetch` is called at most once, and only when something differs. */
export async function planObserved(input: PlanInput, fetch: Fetch): Promise<HostPlan> {
  const { manifest, desired, values } = input;
  const digest = input.digest ?? manifestDigest(manifest);
  const stamps = input.stamps ?? stampsOf(desired, values);

  const { host } = input.observation;
  refuseOtherRelease(manifest, host);
  let observed = { ...host, applied: host.applied === null ? null : withOwnKeys(host.applied) };
  const sameGeneration = observed.digest === digest && !input.observation.indexSent;
  if (sameGeneration) observed = { ...observed, applied: withOwnKeys(factsOf(desired, stamps)) };
  let diff = compare(desired, observed, stamps);
  if (diff.changes.length > 0 || observed.open !== null) {
    observed = await withFetched(observed, diff, sameGeneration, fetch, manifest.host);
    diff = compare(desired, observed, stamps);
  }
  return completePlan({ ...input, digest, stamps, observed, diff });
}

/** What is right for one release may do harm on another. @throws CitadelError that names both */
function refuseOtherRelease({ host, os }: HostManifest, seen: ObservedHost): void {
  if (os === undefined || seen.os === undefined || seen.os === os) return;
  throw new CitadelError({
    code: 'plan.release',
    path: host,
    got: `the host has ${seen.os}, and its configuration is made for ${os}`,
    fix: `Say what it is as "os" of the host in the inventory (or of its Host), or upgrade the host; nothing was changed`,
  });
}

/** Digest and size that each desired file has with its secrets in it. */
function stampsOf(desired: ExpandedManifest, values: ReadonlyMap<string, Buffer>): FileStamps {
  const stamps = new Map<string, FileStamp>();
  for (const [path, file] of Object.entries(desired.files ?? {})) {
    const bytes = materialise(file, values);
    stamps.set(path, { sha256: sha256(bytes), size: bytes.length });
  }
  return stamps;
}

/** @throws CitadelError with everything that makes a plan impossible */
function compare(desired: ExpandedManifest, observed: ObservedHost, stamps: FileStamps): HostDiff {
  const diff = diffHost(diffInput(desired, observed, stamps));
  if (diff.problems.length > 0) throw new CitadelError(diff.problems);
  return diff;
}

function diffInput(desired: ExpandedManifest, observed: ObservedHost, stamps: FileStamps): DiffInput {
  return { desired, applied: observed.applied, observed: withoutBehindLinks(desired, observed), stamps };
}

/**
 * Contents of text files that will be replaced or go, and the generation's index when the host did not send it: it
 * alone knows which secrets a file had, and what was adopted.
 */
async function withFetched(
  observed: ObservedHost,
  diff: HostDiff,
  wantIndex: boolean,
  fetch: Fetch,
  host: string,
): Promise<ObservedHost> {
  const copyOf = (path: string): string => observed.before?.get(path)?.copy ?? path;
  // Into these our blocks come, whatever their size.
  const bases = new Set(
    diff.changes.filter(({ section }) => section === 'blocks').map(({ key }) => copyOf(key)),
  );
  const paths = diff.changes
    .map((change) => change.key)
    .filter((path) => diff.touched.has(path))
    // What is put back is shown as well.
    .flatMap((path) => [path, copyOf(path)])
    .filter((path) => {
      const seen = observed.paths.get(path);
      const isWanted = bases.has(path) || (seen?.size ?? 0) <= MAX_SHOWN_BYTES;
      return seen?.kind === 'file' && isWanted && !observed.contents.has(path);
    });
  const index = `/var/lib/citadel-iac/generations/${String(observed.generation)}/index.json`;
  const asked = [...new Set(paths), ...(wantIndex && observed.generation !== null ? [index] : [])];
  if (asked.length === 0) return observed;
  const fetched = await fetch(asked);
  const contents = new Map([...observed.contents, ...fetched]);
  contents.delete(index);
  const applied: AppliedIndex | null = parseIndex(fetched.get(index)?.toString('utf8') ?? '');
  const { generation } = observed;
  const newer = newerProblem(host, { generation, index: applied });
  if (newer !== undefined) throw new CitadelError(newer);
  return { ...observed, contents, applied: applied ?? observed.applied };
}

interface CompleteInput extends PlanInput {
  readonly digest: string;
  readonly stamps: FileStamps;
  readonly observed: ObservedHost;
  readonly diff: HostDiff;
}

function completePlan(input: CompleteInput): HostPlan {
  const { manifest, desired, values, digest, stamps, observed, diff } = input;
  const comparison = diffInput(desired, observed, stamps);
  const written = new Map<string, Buffer>();
  for (const change of diff.changes) {
    const file = desired.files?.[change.key];
    if (change.section === 'blocks') {
      written.set(change.key, Buffer.from(wantedContent(comparison, change.key), 'latin1'));
    } else if (change.section === 'files' && change.action !== 'delete' && file !== undefined) {
      // No change of its mode takes an access control list away: the file is put again.
      if (diff.touched.has(change.key) || observed.paths.get(change.key)?.acl === true)
        written.set(change.key, materialise(file, values));
    }
  }
  const reinstalled = reinstalledUnits(desired, observed, written);
  const unitActions = planUnitActions({ ...diff, reinstalled, desired, observed });
  const content = { diff: comparison, written, secrets: { values, key: observed.secretKey } };
  const changes = withUnitEffects(diff.changes, unitActions, { ...diff, desired, observed }).map((change) =>
    withContentDiff(change, content),
  );
  return {
    host: manifest.host,
    manifest,
    digest,
    observed,
    changes,
    unitActions,
    checks: observed.offline === null ? (desired.checks ?? {}) : {},
    record: observed.digest !== digest,
    risky: observed.offline === null && isRisky(changes, unitActions, desired),
    notes: [...hostNotes(observed), ...bootNotes(changes, observed), ...diff.notes],
    contents: written,
    secrets: values,
  };
}
