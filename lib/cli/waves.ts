import type { Fleet, Outcome } from './fleet.js';

/** How hosts are gone through: a few first, then some at a time. */
export interface WaveOptions {
  /** Hosts of the first wave. */
  readonly canary?: number;
  /** Hosts of each further one: a number, or per cent of all. */
  readonly batch?: { readonly count: number } | { readonly percent: number };
  /** Failed hosts after which nothing further begins. @default 1 with `canary` or `batch`, else no number */
  readonly maxFailures?: number;
}

/** The hosts in waves, in their order. */
export function wavesOf(hosts: readonly string[], { canary = 0, batch }: WaveOptions): string[][] {
  const size =
    batch === undefined
      ? hosts.length
      : 'count' in batch
        ? batch.count
        : Math.ceil((hosts.length * batch.percent) / 100);
  const waves = [hosts.slice(0, canary)];
  for (let at = canary; at < hosts.length; at += size) waves.push(hosts.slice(at, at + size));
  return waves.filter((wave) => wave.length > 0);
}

export interface WaveResult<T> {
  readonly outcomes: readonly Outcome<T>[];
  readonly notBegun: readonly string[];
  /** Hosts that failed, where that is why others were not begun. */
  readonly stoppedBy: readonly string[];
}

/**
 * Works through the hosts in waves: the next wave begins when all of the one before have ended well, or when fewer have failed
 * than are allowed; none has after a canary that failed. What has begun goes on to its end.
 *
 * @param isGood whether a host is through
 * @param say told of each wave before it begins, where there are several
 */
export async function inWaves<T>(
  fleet: Pick<Fleet, 'each'>,
  hosts: readonly string[],
  options: WaveOptions,
  signal: AbortSignal,
  work: (host: string) => Promise<T>,
  isGood: (outcome: Outcome<T>) => boolean,
  say: (wave: readonly string[], number: number, of: number) => void,
): Promise<WaveResult<T>> {
  const { canary, batch } = options;
  const most = options.maxFailures ?? (canary === undefined && batch === undefined ? Infinity : 1);
  const waves = wavesOf(hosts, options);
  const outcomes: Outcome<T>[] = [];
  const failed: string[] = [];
  const begun = new Set<string>();
  for (const [index, wave] of waves.entries()) {
    const canaryFailed = canary !== undefined && index === 1 && failed.length > 0;
    if (failed.length >= most || canaryFailed || (index > 0 && signal.aborted)) break;
    if (waves.length > 1) say(wave, index + 1, waves.length);
    const ended = await fleet.each(wave, async (host) => {
      if (failed.length >= most || (signal.aborted && waves.length > 1)) throw new NotBegun();
      begun.add(host);
      try {
        const value = await work(host);
        if (!isGood({ host, value })) failed.push(host);
        return value;
      } catch (error) {
        failed.push(host);
        throw error;
      }
    });
    outcomes.push(...ended.filter(({ host }) => begun.has(host)));
  }
  const notBegun = hosts.filter((host) => !begun.has(host));
  return { outcomes, notBegun, stoppedBy: notBegun.length === 0 ? [] : failed };
}

class NotBegun extends Error {}
