import type { ExpandedManifest, ManifestBlocks } from '../../manifest/index.js';
import { LOCKED_SINCE, primaryGroup } from '../../manifest/index.js';
import { dayOf } from '../diff/access.js';
import { normalBlock } from '../diff/block-text.js';
import type { AppliedIndex, AppliedItem } from '../model.js';
import type { PathOperation } from './path-operations.js';
import { record, UNIT_SEPARATOR } from './records.js';

/**
 * `ops/after`: all that must be true of the host before the new generation counts; `remote/tx-prove.sh` compares. Digests
 * of files are those of `index.json`, which stands next to it.
 *
 * @param index what the plan makes of each item
 * @param operations what the transaction does to paths: only there it is known which paths go
 */
export function afterRecords(
  desired: ExpandedManifest,
  index: AppliedIndex,
  operations: readonly PathOperation[],
): string {
  const lines: string[] = [];
  const units = restartedBy(desired);
  const paths = { ...index.directories, ...index.files, ...index.symlinks };
  for (const path of Object.keys(paths).sort()) {
    lines.push(pathLine(path, paths[path] ?? {}, units.get(path) ?? []));
  }
  for (const { op, path } of operations) {
    if (op === 'del') lines.push(record('path', path, 'gone', '', '', '', '', units.get(path)?.join(' ')));
  }
  for (const [path, blocks] of sorted(desired.blocks)) {
    lines.push(...blockLines(path, blocks, units.get(path) ?? []));
  }
  for (const [name, { version, state, hold }] of sorted(desired.packages)) {
    // One that is to be absent has gone by then, or its removal failed.
    if (state !== 'absent') lines.push(record('package', name, version, hold === true ? 'hold' : ''));
  }
  for (const [name, { gid }] of sorted(desired.groups)) lines.push(record('group', name, gid));
  for (const [name, user] of sorted(desired.users)) {
    const { uid, home, shell, groups } = user;
    lines.push(record('user', name, uid, primaryGroup(name, user), home, shell, groups.join(',')));
    if (user.expires !== undefined) lines.push(record('access', name, dayOf(user.expires), ''));
  }
  for (const [name] of sorted(desired.absentUsers))
    lines.push(record('access', name, dayOf(LOCKED_SINCE), 'locked'));
  for (const [name, { enabled, state }] of sorted(desired.units)) {
    lines.push(record('unit', name, enabled ?? '', state));
  }
  for (const [path, mount] of sorted(desired.mounts)) {
    if (mount.state === 'mounted') lines.push(record('mount', path));
  }
  return lines.join('');
}

function pathLine(path: string, facts: AppliedItem, units: readonly string[]): string {
  const text = (name: string): string => (typeof facts[name] === 'string' ? facts[name] : '');
  if (facts['type'] === 'symlink')
    return record('path', path, 'l', text('target'), '', '', '', units.join(' '));
  if (facts['type'] === 'absent') return record('path', path, 'absent', '', '', '', '', units.join(' '));
  const kind = facts['type'] === 'directory' ? 'd' : 'f';
  // As find(1) prints it.
  const mode = text('mode').replace(/^0+(?=.)/, '');
  return record('path', path, kind, text('owner'), text('group'), mode, text('sha256'), units.join(' '));
}

/** The text line by line as it is: a block may have tabs, which no other field can hold. */
function blockLines(path: string, blocks: ManifestBlocks, units: readonly string[]): string[] {
  return sorted(blocks).flatMap(([name, text]) => [
    record('block', path, name, units.join(' ')),
    ...normalBlock(text)
      .split('\n')
      .slice(0, -1)
      .map((line) => `text${UNIT_SEPARATOR}${line}\n`),
  ]);
}

/** Units that start again, or read again, when a path changes. */
function restartedBy(desired: ExpandedManifest): Map<string, string[]> {
  const units = new Map<string, string[]>();
  for (const [name, unit] of sorted(desired.units)) {
    for (const path of new Set([...unit.restartOn, ...unit.reloadOn])) {
      const list = units.get(path);
      if (list === undefined) units.set(path, [name]);
      else list.push(name);
    }
  }
  return units;
}

function sorted<Value>(
  section: Readonly<Record<string, Value>> | undefined,
): readonly (readonly [string, Value])[] {
  return Object.entries(section ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
