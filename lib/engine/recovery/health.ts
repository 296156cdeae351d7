import type { ReadOptions } from '../observe/observe-host.js';
import type { ReadTransport } from '../transport.js';
import { HEALTH } from './programs.js';

const NO_PROGRAM = 66;

/** What a host's own health program says; `null` where the host has none. */
export async function readHealth(
  transport: ReadTransport,
  options: ReadOptions = {},
): Promise<{ readonly well: boolean; readonly words: string } | null> {
  const result = await transport.read(HEALTH, Buffer.alloc(0), {
    deadlineSec: Math.max(options.deadlineSec ?? 0, 120),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (result.exitCode === NO_PROGRAM) return null;
  return { well: result.exitCode === 0, words: result.stdout.toString('utf8').trim() };
}
