import type { Command } from 'commander';
import type { AdoptOptions } from '../commands/adopt.js';
import { addCommand, type Example, HOSTS, type Usage, YES, collect, EXCEPT, ON } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['adopt', 'what was changed by hand on all hosts, as a patch to the project'],
  ['adopt ai-node | git apply', 'take it over, to look at it as any other change'],
  ['adopt ai-node --write', 'show it, ask, and write it to the project’s files'],
  ['adopt --json | jq .hosts', 'for a program'],
];

export function addAdopt({ program, shell, finish }: Usage): void {
  addCommand(
    program,
    'adopt',
    'offer what was changed by hand as a patch to templates and inventory; exit status 2 when something was',
    EXAMPLES,
  )
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option('--write', 'write the changed files, after asking')
    .option(...YES)
    .action(async (names: string[], _options, command: Command) => {
      const { adopt } = await import('../commands/adopt.js');
      finish(await adopt(shell, names, command.optsWithGlobals<AdoptOptions>()));
    });
}
