import { sha256 } from '../../../manifest/canonical.js';
import type { Lines } from './text.js';

/** How the items of a host look in a plan: one line each, made here for what is wanted and for what is found alike. */

export interface Owned {
  readonly owner: string;
  readonly group: string;
  readonly mode: string;
}

/** `0755 root:root`, and what stands there where it is not a directory: `symlink to /tmp 0777 root:root`. */
export function describeDirectory(it: Owned, found?: string): string {
  const is = `${it.mode} ${it.owner}:${it.group}`;
  return found === undefined ? is : `${found} ${is}`;
}

/** `0644 root:root 88 lines 3b4240aa11ff`; `text` in words where its lines are not at hand. */
export function describeFile(it: Owned, text: Lines | string): string {
  return `${describeDirectory(it)} ${typeof text === 'string' ? text : describeLines(text)}`;
}

/** `1 line 3b4240aa11ff`, `2 lines, the last one open, 0c1d2e3f4a5b`: the digest is of the text with secrets by name. */
export function describeLines({ lines, no_newline_at_end: open }: Lines): string {
  const count = lines.length === 1 ? '1 line' : `${lines.length} lines`;
  const text = lines.map((line) => `${line}\n`).join('');
  const digest = sha256(open === true ? text.slice(0, -1) : text).slice(0, 12);
  return open === true ? `${count}, the last one open, ${digest}` : `${count} ${digest}`;
}

export function describePackage(version: string | undefined): string {
  return version ?? 'installed';
}

export function describeGroup(gid: number | undefined): string {
  return gid === undefined ? 'any number' : `gid ${gid}`;
}

export interface Account {
  /** Absent where any will do. */
  readonly uid: number | undefined;
  readonly group: string;
  readonly home: string;
  readonly shell: string;
  readonly groups: readonly string[];
}

/** `uid 1000, group ada, /home/ada, /bin/sh, in adm ops`. */
export function describeUser({ uid, group, home, shell, groups }: Account): string {
  const parts = [uid === undefined ? '' : `uid ${uid}`, `group ${group}`, home, shell];
  if (groups.length > 0) parts.push(`in ${[...new Set(groups)].sort().join(' ')}`);
  return parts.filter((part) => part !== '').join(', ');
}

/** `names 1 line 3b4240aa11ff, others 2 lines 0c1d2e3f4a5b`. */
export function describeBlocks(blocks: readonly (readonly [string, Lines])[]): string {
  return blocks.map(([name, lines]) => `${name} ${describeLines(lines)}`).join(', ');
}

export function describeMount(it: {
  readonly source: string;
  readonly type: string;
  readonly options: readonly string[];
  readonly state: string;
}): string {
  return [it.source, it.type, it.options.join(','), it.state].filter((part) => part !== '').join(' ');
}

/** `enabled, active`; what the document leaves open is not said. */
export function describeUnit(enabled: string | null, active: string | null): string {
  const parts = [enabled, active].filter((part) => part !== null && part !== '');
  return parts.length === 0 ? 'as it is' : parts.join(', ');
}
