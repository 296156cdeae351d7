import type { ObservedHost } from '../model.js';
import type { Transport } from '../transport.js';
import { RECOVER } from './programs.js';

/**
 * Ends a transaction that died on the host, as its next boot would: afterwards the host is at the generation before it
 * or at its own. To be called before planning for an apply when `observed.open` says so: a plan of the state in
 * between would not fit the host that the recovery leaves.
 *
 * @returns whether the host has to be observed again. False when nothing was open, when a living transaction is at work
 *   (applying says who), or when the undo failed (applying says what)
 */
export async function recoverHost(
  transport: Transport,
  observed: Pick<ObservedHost, 'open'>,
  options: { readonly deadlineSec?: number } = {},
): Promise<boolean> {
  if (observed.open === null || observed.open.running) return false;
  const result = await transport.run(RECOVER, Buffer.alloc(0), { deadlineSec: options.deadlineSec ?? 900 });
  return result.stdout.toString('utf8').trim() === 'recovered';
}
