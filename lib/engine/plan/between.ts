import type { ExpandedManifest, HostManifest, ManifestMount } from '../../manifest/index.js';
import { expandManifest, manifestDigest, primaryGroup, sha256 } from '../../manifest/index.js';
import { normalBlock, replaceBlocks } from '../diff/block-text.js';
import { factsOf } from '../diff/facts.js';
import type {
  AppliedIndex,
  Change,
  HostPlan,
  ObservedHost,
  ObservedMount,
  ObservedPath,
  ObservedUnit,
} from '../model.js';
import { manifestSecrets, materialise } from '../secrets/references.js';
import { planObserved } from './plan-host.js';

/** Stands for a number that the host alone knows; it is shown nowhere. */
const UNKNOWN_ID = -1;

/**
 * What an apply of `after` would do to a host that is exactly as `before` wants it: the difference of two documents, in
 * the terms of a plan, with no host asked. Secrets have no value here and count as unchanged.
 *
 * @param before `null` for a host that nothing was ever applied to
 * @throws CitadelError when the second cannot follow the first
 */
export async function planBetween(before: HostManifest | null, after: HostManifest): Promise<HostPlan> {
  const known = before === null ? { version: 1 as const, host: after.host } : before;
  const past = expandManifest(known);
  const desired = expandManifest(after);
  const values = new Map(
    [...manifestSecrets(past), ...manifestSecrets(desired)].map((name) => [
      name,
      Buffer.from(`@@secret:${name}@@`),
    ]),
  );
  const observed = hostAsWanted(known, past, values, before !== null);
  const plan = await planObserved(
    { manifest: after, desired, values, observation: { host: observed, indexSent: true } },
    () => Promise.resolve(new Map()),
  );
  return { ...plan, changes: plan.changes.map(withoutUnknown) };
}

/** A host on which everything is as a document says, and nothing else is there. */
function hostAsWanted(
  manifest: HostManifest,
  wanted: ExpandedManifest,
  values: ReadonlyMap<string, Buffer>,
  applied: boolean,
): ObservedHost {
  const paths = new Map<string, ObservedPath>();
  const contents = new Map<string, Buffer>();
  const own = (owner: string, group: string, mode: string) => ({
    owner,
    group,
    mode,
    uid: UNKNOWN_ID,
    gid: UNKNOWN_ID,
  });
  const file = (path: string, bytes: Buffer, owned: ReturnType<typeof own>): void => {
    paths.set(path, { kind: 'file', ...owned, size: bytes.length, sha256: sha256(bytes) });
    contents.set(path, bytes);
  };
  for (const [path, { owner, group, mode }] of Object.entries(wanted.directories ?? {})) {
    paths.set(path, { kind: 'directory', ...own(owner, group, mode), size: 0, entries: 0 });
  }
  for (const [path, entry] of Object.entries(wanted.files ?? {})) {
    file(path, materialise(entry, values), own(entry.owner, entry.group, entry.mode));
  }
  for (const [path, blocks] of Object.entries(wanted.blocks ?? {})) {
    const texts = new Map(
      Object.entries(blocks).map(([name, text]) => [name, Buffer.from(normalBlock(text)).toString('latin1')]),
    );
    file(path, Buffer.from(replaceBlocks('', texts, new Set()), 'latin1'), own('root', 'root', '0644'));
  }
  for (const [path, { target }] of Object.entries(wanted.symlinks ?? {})) {
    paths.set(path, { kind: 'symlink', ...own('root', 'root', '0777'), size: 0, target });
  }
  const stamps = new Map(
    [...contents].map(([path, bytes]) => [path, { sha256: sha256(bytes), size: bytes.length }]),
  );
  return {
    generation: applied ? 0 : null,
    digest: applied ? manifestDigest(manifest) : null,
    applied: applied ? asMadeByUs(factsOf(wanted, stamps)) : null,
    debts: [],
    open: null,
    paths,
    contents,
    units: new Map(Object.entries(wanted.units ?? {}).map(([name, unit]) => [name, unitAsWanted(unit)])),
    packages: new Map(
      Object.entries(wanted.packages ?? {})
        .filter(([, { state }]) => state !== 'absent')
        .map(([name, { version }]) => [name, version ?? 'any']),
    ),
    stuckPackages: new Map(
      Object.entries(wanted.packages ?? {}).flatMap(([name, { hold }]) =>
        hold === true ? [[name, 'held']] : [],
      ),
    ),
    groups: new Map(Object.entries(wanted.groups ?? {}).map(([name, { gid }]) => [name, gid ?? UNKNOWN_ID])),
    users: new Map(
      Object.entries(wanted.users ?? {}).map(([name, { expires, ...user }]) => [
        name,
        {
          ...user,
          ...(expires === undefined ? {} : { expires, locked: false }),
          uid: user.uid ?? UNKNOWN_ID,
          gid: UNKNOWN_ID,
          group: primaryGroup(name, user),
        },
      ]),
    ),
    mounts: new Map(
      Object.entries(wanted.mounts ?? {})
        .filter(([, mount]) => mount.state === 'mounted')
        .map(([path, mount]) => [path, mountAsWanted(mount)]),
    ),
    secretKey: null,
    offline: null,
  };
}

/** Documents do not know what stood on a host before them. */
function asMadeByUs(index: AppliedIndex): AppliedIndex {
  const made = (items: AppliedIndex['files']): AppliedIndex['files'] =>
    Object.fromEntries(
      Object.entries(items ?? {}).map(([path, item]) => [path, { ...item, adopted: false }]),
    );
  return { ...index, files: made(index.files) ?? {}, symlinks: made(index.symlinks) ?? {} };
}

function unitAsWanted(unit: NonNullable<ExpandedManifest['units']>[string]): ObservedUnit {
  return {
    load: 'loaded',
    active: unit.state === 'running' ? 'active' : 'inactive',
    fileState: unit.enabled === null ? 'static' : unit.enabled ? 'enabled' : 'disabled',
    needDaemonReload: false,
  };
}

/** A source by label or UUID is compared with what the kernel knows of the device, so it is given there as well. */
function mountAsWanted({ source, type, options }: ManifestMount): ObservedMount {
  const [, key, value] = /^(LABEL|UUID|PARTLABEL|PARTUUID)=(.*)$/.exec(source) ?? [];
  const member = { LABEL: 'label', UUID: 'uuid', PARTLABEL: 'partLabel', PARTUUID: 'partUuid' }[key ?? ''];
  return { source, type, options, ...(member !== undefined && { [member]: value }) };
}

function withoutUnknown(change: Change): Change {
  const known = (view: Change['before']): Change['before'] =>
    view && Object.fromEntries(Object.entries(view).filter(([, value]) => value !== UNKNOWN_ID));
  const { before, after, ...rest } = change;
  return {
    ...rest,
    ...(before !== undefined && { before: known(before) ?? {} }),
    ...(after !== undefined && { after: known(after) ?? {} }),
  };
}
