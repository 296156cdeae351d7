import { run } from '../../lib/cli/run.js';
import { CitadelError } from '../../lib/manifest/index.js';
import { CHANGE, planOf, shellDouble, type ShellDouble, type ShellScript } from './doubles.js';

/** One call of the command line tool, its words separated by spaces, in a world of doubles. */
export async function call(line: string, script: ShellScript = {}): Promise<ShellDouble & { code: number }> {
  const shell = shellDouble(script);
  const code = await run(line.split(' ').filter(Boolean), shell, '1.2.3');
  return { ...shell, code };
}

/** What the engine says of a host that does not answer. */
export const down = new CitadelError({
  code: 'ssh.unreachable',
  path: 'beta',
  got: 'nothing answers',
  fix: 'Start it.',
});

/** A plan of one change for the host `alpha`. */
export const differing = planOf('alpha', { changes: [CHANGE] });
