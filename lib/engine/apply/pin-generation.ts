import { CitadelError } from '../../manifest/index.js';
import type { Transport } from '../transport.js';
import { PIN } from './programs.js';

/**
 * Marks a generation as one that the host never drops, whatever its age, or takes the mark away.
 *
 * @throws CitadelError `history.none` when the host has no such generation, `history.pin` when it could not be marked
 */
export async function pinGeneration(
  transport: Transport,
  generation: number,
  pinned: boolean,
  options: { readonly deadlineSec?: number } = {},
): Promise<void> {
  const input = Buffer.from(`${pinned ? 'pin' : 'unpin'} ${String(generation)}\n`);
  const result = await transport.run(PIN, input, { deadlineSec: options.deadlineSec ?? 60 });
  const word = result.stdout.toString('utf8').trim();
  if (word === 'ok') return;
  if (word === 'none') {
    throw new CitadelError({
      code: 'history.none',
      path: transport.description,
      got: `The host has no generation ${String(generation)}`,
      fix: 'Choose one that "citadel-iac history" lists',
    });
  }
  throw new CitadelError({
    code: 'history.pin',
    path: transport.description,
    got: `generation ${String(generation)} could not be marked: ${result.stderr.trim() || `status ${String(result.exitCode)}`}`,
    fix: 'Run "citadel-iac doctor" for this host',
  });
}
