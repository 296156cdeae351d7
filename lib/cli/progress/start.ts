import type { Inventory } from '../../inventory/index.js';
import type { CommonOptions, Shell } from '../shell.js';
import { styleFor } from '../text/style.js';
import { LiveProgress } from './live.js';
import { PlainProgress } from './plain.js';
import type { Progress } from './progress.js';

/**
 * @param lines where each step is a fact worth keeping (apply), rather than a sign of life (reading)
 */
export function startProgress(
  shell: Shell,
  hosts: readonly string[],
  lines: boolean,
  options: CommonOptions,
  { hosts: known }: Pick<Inventory, 'hosts'>,
): Progress {
  // The system's OpenSSH may ask something on the terminal, which moving lines would write over.
  const asks = hosts.some((host) => known[host]?.ssh?.client === 'system');
  if (!asks && shell.err.isTerminal && shell.env['TERM'] !== 'dumb')
    return new LiveProgress(hosts, styleFor(shell.err, shell, options));
  return new PlainProgress(shell.err, lines);
}
