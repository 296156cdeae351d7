import type { OwnProblem } from '../../../constructs/host/index.js';
import type { Size } from '../../../constructs/units.js';
import { order } from '../../../text/order.js';
import { gibibytes } from '../../../text/size.js';
import type { Disk } from './disk.js';

/** What no file may take: the file system's own tables, and room that keeps it fast. */
const RESERVE = 0.05;

export interface Weights {
  /** Name of the model. */
  readonly model: string;
  readonly size: Size;
}

/**
 * Whether a disk holds all weights, and those of the largest model once more: bringing a model back unpacks it in the staging
 * area while the damaged one is still there.
 */
export function diskProblems(disk: Disk, weights: readonly Weights[]): OwnProblem[] {
  const { size, mountPoint } = disk;
  const largest = [...weights].sort(
    (a, b) => b.size.toBytes() - a.size.toBytes() || order(a.model, b.model),
  )[0];
  if (size === undefined || largest === undefined) return [];
  const sum = weights.reduce((bytes, each) => bytes + each.size.toBytes(), 0);
  const needed = sum + largest.size.toBytes();
  const usable = size.toBytes() * (1 - RESERVE);
  if (needed <= usable) return [];
  return [
    {
      code: 'construct.storage.budget',
      property: `disks[${JSON.stringify(mountPoint)}].size`,
      got:
        `the weights of ${weights.length === 1 ? 'one model' : `${weights.length} models`} take ${gibibytes(sum)} GiB, and bringing back ` +
        `the largest (${largest.model}) takes ${gibibytes(largest.size.toBytes())} GiB more: ${gibibytes(needed)} GiB of the ${gibibytes(usable)} GiB ` +
        `that files may take on a disk of ${gibibytes(size.toBytes())} GiB`,
      fix: 'Use a larger disk, or take a model off it',
    },
  ];
}
