import type { Command } from 'commander';
import type { DesiredOptions } from '../desired.js';
import type { CommonOptions } from '../shell.js';
import { addCommand, collect, type Example, HOSTS, MANIFEST, type Usage, EXCEPT, ON } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['verify', 'one line per host, one more per difference'],
  ['verify ai-node || echo drift', 'in a script'],
];

export function addVerify({ program, shell, finish }: Usage): void {
  addCommand(program, 'verify', 'say whether hosts are what they should be; exit status 2 when not', EXAMPLES)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(...MANIFEST, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { verify } = await import('../commands/verify.js');
      finish(await verify(shell, names, command.optsWithGlobals<CommonOptions & DesiredOptions>()));
    });
}
