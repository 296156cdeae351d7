import { spawnSync } from 'node:child_process';
import type { Problem } from '../manifest/index.js';

/** Of what promtool says, a problem is shown with so many lines. */
const SHOWN_LINES = 10;

/**
 * What promtool says of a file of rules. Without promtool nothing: the role looks at the file itself, and the host's own promtool
 * reads it before anything is replaced.
 *
 * @param file absolute path
 * @param shown as people know it
 */
export function checkRuleFile(file: string, shown: string): Problem[] {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  // `null`: there is none, or it did not end.
  if (status === null || status === 0) return [];
  const said = `${stderr}\n${stdout}`
    .split('\n')
    .map((line) => line.replaceAll(file, shown).trim())
    .filter((line) => line !== '' && !line.startsWith('Checking '))
    .slice(0, SHOWN_LINES);
  return [
    {
      code: 'inventory.rules',
      path: shown,
      got: `promtool refuses it: ${said.join(' / ')}`,
      fix: 'Correct the rules.',
    },
  ];
}
