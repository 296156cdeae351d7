import type { Shell } from '../shell.js';
import { LiveProgress } from './live.js';
import { PlainProgress } from './plain.js';
import type { Progress } from './progress.js';

/**
 * @param lines where each step is a fact worth keeping (apply), rather than a sign of life (reading)
 */
export function startProgress(shell: Shell, hosts: readonly string[], lines: boolean): Progress {
  if (shell.err.isTerminal && shell.env['TERM'] !== 'dumb') return new LiveProgress(hosts);
  return new PlainProgress(shell.err, lines);
}
