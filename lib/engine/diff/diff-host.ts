import type { Problem } from '../../manifest/index.js';
import { SECTIONS } from '../../manifest/index.js';
import type { Change } from '../model.js';
import { diffGroups, diffUsers } from './accounts.js';
import { diffBlocks } from './blocks.js';
import { diffChecks } from './checks.js';
import { diffAbsentPaths } from './absent-paths.js';
import type { DiffInput, DiffOutput } from './input.js';
import { diffMounts } from './mounts.js';
import { diffPackages } from './packages.js';
import { diffPaths } from './paths.js';
import { diffUnits } from './units.js';

/** All differences of a host, without the lines that differ: those need contents that are fetched only then. */
export interface HostDiff {
  /** In the order of the sections, and of the keys within each. */
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
  /** Paths whose contents, target or kind change, are created or go: what units can depend on. */
  readonly touched: ReadonlySet<string>;
}

/**
 * Compares what a host should be (D), what the last generation made of it (L) and what it is (O). Where O is as D wants
 * it there is no change, whatever L says. What L has and D has not goes; what L never had is never touched.
 */
export function diffHost(input: DiffInput): HostDiff {
  const output: DiffOutput = { changes: [], notes: [], problems: [], touched: new Set() };
  diffPackages(input, output);
  diffGroups(input, output);
  diffUsers(input, output);
  diffPaths(input, output);
  diffAbsentPaths(input, output);
  diffBlocks(input, output);
  diffMounts(input, output);
  diffUnits(input, output);
  diffChecks(input, output);
  return { ...output, changes: output.changes.sort(bySectionAndKey) };
}

function bySectionAndKey(a: Change, b: Change): number {
  const order = SECTIONS.indexOf(a.section) - SECTIONS.indexOf(b.section);
  if (order !== 0) return order;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
