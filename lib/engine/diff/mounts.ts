import type { AppliedItem, ObservedMount } from '../model.js';
import type { DiffInput, DiffOutput } from './input.js';
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
/** mount(8): these imply noexec, nosuid and nodev unless the opposite is given. */
const USER_OPTIONS: ReadonlySet<string> = new Set(['user', 'users', 'group', 'owner']);

/** Mounts that should be there; a mount that is only to be present in fstab is the business of its block. */
export function diffMounts(input: DiffInput, output: DiffOutput): void {
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
    if (mountHolds(want, seen)) continue;
    const last = applied[path];
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
    sameSource(String(facts['source']), options, seen) &&
    sameType(String(facts['type']), seen.type) &&
    sameOptions(options, seen.options)
  );
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
  return wanted === 'auto' || wanted === 'none' || wanted === seen || (wanted === 'nfs' && seen === 'nfs4');
}

function sameOptions(wanted: readonly string[], seen: readonly string[]): boolean {
  const expected = new Set(wanted.filter((option) => COMPARED_OPTIONS.has(option)));
  if (wanted.some((option) => USER_OPTIONS.has(option)))
    return [...expected].every((option) => seen.includes(option));
  const found = seen.filter((option) => COMPARED_OPTIONS.has(option));
  return expected.size === found.length && found.every((option) => expected.has(option));
}
