import type { ManifestMount } from '../../manifest/index.js';
import type { AppliedItem, ObservedMount } from '../model.js';
import type { DiffInput, DiffOutput } from './input.js';
import { foreignFstabLines } from './fstab.js';
import { appliedItems, countOf, isAdopted, leavingKeys, originOf, sortedEntries } from './input.js';
import { causeOf, leavingCause } from './three-way.js';

/**
 * Options that the kernel shows again as they were given. Others are for mount(8) or systemd, or the kernel adds them
 * of its own accord, and say nothing about drift.
 */
const COMPARED_OPTIONS: ReadonlySet<string> = new Set([
  'ro',
  'noexec',
  'nosuid',
  'nodev',
  'noatime',
  'nodiratime',
  'sync',
  'dirsync',
]);
/** For mount(8), systemd or the kernel's defaults: the kernel has nothing to show for them. */
const NEVER_SHOWN =
  /^(defaults|(no)?auto|rw|exec|suid|dev|async|(no)?atime|(no)?diratime|(no)?relatime|(no)?strictatime|(no)?lazytime|(no)?users?|group|owner|_netdev|nofail|r?bind|loop(=.*)?|offset=.*|[xX]-.*|comment=.*|credentials=.*|silent|loud|acl|user_xattr|(usr|grp)quota|(no)?barrier(=.*)?)$/;
/** File systems that the kernel makes itself: the name of their source says nothing. */
const OF_KERNEL: ReadonlySet<string> = new Set([
  'proc',
  'sysfs',
  'tmpfs',
  'ramfs',
  'devtmpfs',
  'devpts',
  'mqueue',
  'hugetlbfs',
  'debugfs',
  'tracefs',
  'securityfs',
  'configfs',
  'fusectl',
  'pstore',
  'bpf',
  'efivarfs',
  'cgroup',
  'cgroup2',
]);
/** mount(8): these imply noexec, nosuid and nodev unless the opposite is given. */
const USER_OPTIONS: ReadonlySet<string> = new Set(['user', 'users', 'group', 'owner']);

/** Mounts that should be there; a mount that is only to be present in fstab is the business of its block. */
export function diffMounts(input: DiffInput, output: DiffOutput): void {
  foreignFstabLines(input, output);
  const { desired, observed } = input;
  const applied = appliedItems(input, 'mounts');
  if (observed.mounts === null) {
    const count = Object.values(desired.mounts ?? {}).filter((mount) => mount.state === 'mounted').length;
    if (count > 0)
      output.notes.push(`${countOf(count, 'mount')} left out: nothing is mounted in an offline root`);
    return;
  }
  for (const [path, mount] of sortedEntries(desired.mounts)) {
    const seen = observed.mounts.get(path);
    const want = { ...mount };
    const last = applied[path];
    if (mountHolds(want, seen) && optionsGiven(mount, last, seen)) continue;
    output.changes.push({
      section: 'mounts',
      key: path,
      action: seen === undefined ? 'create' : 'update',
      cause: causeOf(want, last, last !== undefined && mountHolds(last, seen)),
      ...(seen === undefined ? {} : { before: mountView(seen) }),
      after: { source: mount.source, type: mount.type, options: mount.options },
      ...originOf(input, 'mounts', path),
    });
  }
  for (const path of leavingKeys(applied, desired.mounts)) {
    const seen = observed.mounts.get(path);
    const last = applied[path] ?? {};
    if (seen === undefined || last['state'] !== 'mounted') continue;
    if (isAdopted(last)) {
      output.notes.push(`mount ${path} left the configuration and stays: it was there before it was managed`);
      continue;
    }
    const cause = leavingCause(mountHolds(last, seen));
    output.changes.push({ section: 'mounts', key: path, action: 'delete', cause, before: mountView(seen) });
  }
}

function mountView(seen: ObservedMount): Readonly<Record<string, unknown>> {
  return { source: seen.source, type: seen.type, options: seen.options };
}

function mountHolds(facts: AppliedItem, seen: ObservedMount | undefined): boolean {
  if (facts['state'] === 'present') return true;
  if (seen === undefined) return false;
  const options = Array.isArray(facts['options']) ? facts['options'].map(String) : [];
  return (
    ((OF_KERNEL.has(seen.type) && facts['type'] === seen.type) ||
      sameSource(String(facts['source']), options, seen)) &&
    sameType(String(facts['type']), seen.type) &&
    sameOptions(options, seen.options)
  );
}

/**
 * Whether the options are those that were given the last time: most can be changed while it is mounted, and only a few can
 * be compared. Where there was no last time, the kernel must show all that it can show.
 */
function optionsGiven(
  mount: ManifestMount,
  last: AppliedItem | undefined,
  seen: ObservedMount | undefined,
): boolean {
  if (mount.state === 'present' || seen === undefined) return true;
  const given = last?.['options'];
  if (!Array.isArray(given)) {
    return mount.options.every(
      (option) => NEVER_SHOWN.test(option) || COMPARED_OPTIONS.has(option) || seen.options.includes(option),
    );
  }
  // Options for systemd and for mount(8) are read from fstab.
  const live = (options: readonly string[]): string[] =>
    [...new Set(options)].filter((option) => !NEVER_SHOWN.test(option)).sort();
  const [before, now] = [live(given.map(String)), live(mount.options)];
  return before.length === now.length && before.every((option, n) => option === now[n]);
}

/** A source by label or UUID is looked up in what findmnt knows; where it knows nothing, the device is taken on trust. */
function sameSource(wanted: string, options: readonly string[], seen: ObservedMount): boolean {
  const columns: readonly (readonly [RegExp, string | undefined])[] = [
    [/^(?:LABEL=|\/dev\/disk\/by-label\/)(.*)$/, seen.label],
    [/^(?:UUID=|\/dev\/disk\/by-uuid\/)(.*)$/, seen.uuid],
    [/^(?:PARTLABEL=|\/dev\/disk\/by-partlabel\/)(.*)$/, seen.partLabel],
    [/^(?:PARTUUID=|\/dev\/disk\/by-partuuid\/)(.*)$/, seen.partUuid],
  ];
  for (const [form, value] of columns) {
    const name = form.exec(wanted)?.[1];
    if (name === undefined) continue;
    const plainName = name.replace(/^"(.*)"$/, '$1');
    return value === undefined
      ? seen.source.startsWith('/dev/')
      : value.toLowerCase() === plainName.toLowerCase();
  }
  if (options.includes('bind') || options.includes('rbind')) {
    // findmnt shows the device and, in brackets, the directory within it.
    return seen.fsRoot === undefined || wanted === seen.fsRoot || wanted.endsWith(seen.fsRoot);
  }
  const device = seen.source.replace(/\[.*\]$/, '');
  if (wanted === device || wanted === seen.source) return true;
  // Other names of one device cannot be told apart from here.
  return /^\/dev\/(disk|mapper|md|[^/]+\/)/.test(wanted) && device.startsWith('/dev/');
}

function sameType(wanted: string, seen: string): boolean {
  return (
    wanted === 'auto' ||
    wanted === 'none' ||
    wanted === seen ||
    (wanted === 'nfs' && seen === 'nfs4') ||
    seen === `fuse.${wanted}`
  );
}

function sameOptions(wanted: readonly string[], seen: readonly string[]): boolean {
  const expected = new Set(wanted.filter((option) => COMPARED_OPTIONS.has(option)));
  if (wanted.some((option) => USER_OPTIONS.has(option)))
    return [...expected].every((option) => seen.includes(option));
  const found = seen.filter((option) => COMPARED_OPTIONS.has(option));
  return expected.size === found.length && found.every((option) => expected.has(option));
}
