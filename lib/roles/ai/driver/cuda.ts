/** Where a CUDA of a requirements file was read from. */
export interface PinnedCuda {
  /** `13.0`, or `13` where no more is known. */
  readonly version: string;
  /** Number of its line, from 1. */
  readonly line: number;
  /** As written: `nvidia-cuda-runtime==13.0.96`. */
  readonly from: string;
}

/**
 * Oldest branch of the driver that works with a major release of CUDA, newest first. Source: CUDA Compatibility, "Minor Version
 * Compatibility", table 1.
 */
export const OLDEST_BRANCH: readonly (readonly [cuda: number, branch: number])[] = [
  [13, 580],
  [12, 525],
  [11, 450],
];

const TORCH = /^torch\s*===?\s*[0-9][A-Za-z0-9.]*\+cu(\d{2})(\d)\b/i;
const RUNTIME = /^nvidia[-_.]cuda[-_.]runtime(?:[-_.]cu\d+)?\s*===?\s*(\d+)(?:\.(\d+))?[0-9A-Za-z.]*/i;

/**
 * The CUDA that the PyTorch of a requirements file was built for, or `undefined`: PyTorch's own mark (`torch==2.8.0+cu128`), else
 * the runtime that it pins.
 */
export function pinnedCuda(requirements: string): PinnedCuda | undefined {
  const lines = requirements.split(/\r?\n/).map((line) => line.trim());
  for (const pattern of [TORCH, RUNTIME]) {
    for (const [index, line] of lines.entries()) {
      const [from, major, minor] = pattern.exec(line) ?? [];
      if (from === undefined || major === undefined) continue;
      return { version: minor === undefined ? major : `${major}.${minor}`, line: index + 1, from };
    }
  }
  return undefined;
}

/** The oldest branch that works with it; of a CUDA that the table does not have, that of the newest it has below it. */
export function oldestBranch(cuda: string): number | undefined {
  const major = Number.parseInt(cuda, 10);
  return OLDEST_BRANCH.find(([known]) => known <= major)?.[1];
}
