import type {
  AppliedIndex,
  HostPlan,
  ObservedBefore,
  ObservedHost,
  ObservedPath,
} from '../../../lib/engine/model.js';
import { planObserved } from '../../../lib/engine/plan/plan-host.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { expandManifest, manifestDigest, manifestSchema, sha256 } from '../../../lib/manifest/index.js';

type SeenPath = Partial<ObservedPath> & { readonly content?: string; readonly base64?: string };

/** A planning case; what is left out of `observed` is a live host where nothing is. */
export interface Case {
  readonly desired: Omit<HostManifest, 'version' | 'host'>;
  /** The last generation's index; `"same"`: the host has a generation of this very manifest and sends no index. */
  readonly applied?: AppliedIndex | 'same';
  readonly observed?: {
    readonly paths?: Readonly<Record<string, SeenPath>>;
    readonly units?: Readonly<Record<string, unknown>>;
    readonly packages?: Readonly<Record<string, string>>;
    readonly stuckPackages?: Readonly<Record<string, string>>;
    readonly groups?: Readonly<Record<string, number>>;
    readonly users?: Readonly<Record<string, unknown>>;
    readonly mounts?: Readonly<Record<string, unknown>>;
    readonly offline?: {
      readonly privileged: boolean;
      readonly accounts: boolean;
      readonly unitFiles: Readonly<Record<string, string>> | null;
    };
    readonly before?: Readonly<Record<string, ObservedBefore>>;
    readonly secretKey?: string;
    readonly open?: ObservedHost['open'];
    readonly debts?: readonly string[];
  };
  readonly secrets?: Readonly<Record<string, string>>;
  readonly changes?: readonly unknown[];
  readonly unitActions?: readonly string[];
  readonly notes?: readonly string[];
  readonly risky?: boolean;
  readonly record?: boolean;
  /** Paths whose contents are asked for after the first look. */
  readonly fetched?: readonly string[];
  /** Contents that will be written. */
  readonly writes?: Readonly<Record<string, string>>;
  readonly problems?: readonly string[];
}

/** Plans a case, with no host asked; also which paths were fetched after the first look. */
export async function planCase(test: Case): Promise<{ plan: HostPlan; fetched: string[] }> {
  const manifest = manifestSchema.parse({ version: 1, host: 'lab', ...test.desired });
  const seen = test.observed ?? {};
  const live = new Map<string, Buffer>();
  const paths = new Map<string, ObservedPath>();
  const contents = new Map<string, Buffer>();
  for (const [path, { content, base64, ...facts }] of Object.entries(seen.paths ?? {})) {
    const bytes = base64 === undefined ? Buffer.from(content ?? '') : Buffer.from(base64, 'base64');
    const kind = facts.kind ?? 'file';
    live.set(path, bytes);
    if (
      manifest.blocks?.[path] !== undefined ||
      (test.applied as AppliedIndex | undefined)?.blocks?.[path] !== undefined
    ) {
      contents.set(path, bytes);
    }
    paths.set(path, {
      kind,
      owner: 'root',
      group: 'root',
      uid: 0,
      gid: 0,
      mode: kind === 'directory' ? '0755' : '0644',
      size: bytes.length,
      ...(kind === 'file' ? { sha256: sha256(bytes) } : {}),
      ...facts,
    });
  }
  const same = test.applied === 'same';
  const observed: ObservedHost = {
    generation: test.applied === undefined ? null : 4,
    digest: test.applied === undefined ? null : same ? manifestDigest(manifest) : 'f'.repeat(64),
    applied: test.applied === undefined || same ? null : test.applied,
    debts: seen.debts ?? [],
    open: seen.open ?? null,
    paths,
    contents,
    units: seen.offline ? null : mapOf(seen.units ?? {}),
    packages: mapOf(seen.packages ?? {}),
    stuckPackages: mapOf(seen.stuckPackages ?? {}),
    groups: mapOf(seen.groups ?? {}),
    users: mapOf(seen.users ?? {}),
    mounts: seen.offline ? null : mapOf(seen.mounts ?? {}),
    ...(seen.before === undefined ? {} : { before: mapOf<ObservedBefore>(seen.before) }),
    secretKey: seen.secretKey === undefined ? null : Buffer.from(seen.secretKey),
    offline: seen.offline
      ? { ...seen.offline, unitFiles: seen.offline.unitFiles === null ? null : mapOf(seen.offline.unitFiles) }
      : null,
  };
  const values = new Map(
    Object.entries(test.secrets ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
  );
  const fetched: string[] = [];
  const result = await planObserved(
    {
      manifest,
      desired: expandManifest(manifest),
      values,
      observation: { host: observed, indexSent: !same },
    },
    (wanted) => {
      fetched.push(...wanted);
      return Promise.resolve(
        new Map(wanted.flatMap((path) => (live.has(path) ? [[path, live.get(path) as Buffer]] : []))),
      );
    },
  );
  return { plan: result, fetched };
}

function mapOf<Value>(record: Readonly<Record<string, unknown>>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(record) as [string, Value][]);
}
