import { by } from '../../text/order.js';

/** What a budget needs to know of a service. */
export interface GpuClaim {
  readonly name: string;
  readonly gpus: readonly number[];
  /** Share of each GPU's memory, above 0 and at most 1. */
  readonly share: number;
  /** Names of services that never run at the same time. Need not be said on both sides. */
  readonly conflicts: readonly string[];
}

/** The services on one GPU that may run together and claim the most. */
export interface GpuPeak {
  readonly gpu: number;
  /** Sorted by name. */
  readonly claims: readonly GpuClaim[];
  /** Sum of their shares. */
  readonly total: number;
}

/**
 * For each GPU that someone uses, the greatest sum of shares that can come together. Services that conflict never run
 * together; all others may, also those that are started by hand.
 */
export function gpuPeaks(claims: readonly GpuClaim[]): GpuPeak[] {
  const gpus = [...new Set(claims.flatMap((claim) => claim.gpus))].sort((a, b) => a - b);
  return gpus.map((gpu) => {
    const here = claims.filter((claim) => claim.gpus.includes(gpu));
    const heaviest = heaviestSet(here);
    const sorted = [...heaviest].sort(by(({ name }) => name));
    return { gpu, claims: sorted, total: sum(sorted) };
  });
}

/** Whether two services never run together. */
export function conflicting(a: Conflicting, b: Conflicting): boolean {
  return a.conflicts.includes(b.name) || b.conflicts.includes(a.name);
}

type Conflicting = Pick<GpuClaim, 'name' | 'conflicts'>;

/** Only services with a conflict are tried both in and out, so the number of tries depends on those alone. */
function heaviestSet(open: readonly GpuClaim[]): GpuClaim[] {
  const [contested] = open.filter((claim) => open.some((other) => conflicting(claim, other)));
  if (contested === undefined) return [...open];
  const others = open.filter((claim) => claim !== contested);
  const without = heaviestSet(others);
  const beside = others.filter((claim) => !conflicting(claim, contested));
  const within = [contested, ...heaviestSet(beside)];
  return sum(within) >= sum(without) ? within : without;
}

/** Shares are given with few decimals: 0.4 + 0.55 must come to 0.95. */
function sum(claims: readonly GpuClaim[]): number {
  return Math.round(claims.reduce((total, { share }) => total + share, 0) * 1e6) / 1e6;
}
