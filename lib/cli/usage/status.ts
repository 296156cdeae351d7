import type { Command } from 'commander';
import type { CommonOptions } from '../shell.js';
import { addCommand, collect, EXCEPT, type Example, HOSTS, JSON_LINES, ON, type Usage } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['status', 'generation, drift, backups and what is owed, of every host'],
  ["status --on 'web*' --json", 'for a program'],
];

export function addStatus({ program, shell, finish }: Usage): void {
  addCommand(program, 'status', 'say where hosts stand, from one read of each', EXAMPLES)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(...JSON_LINES)
    .action(async (names: string[], _options, command: Command) => {
      const { status } = await import('../commands/status.js');
      finish(await status(shell, names, command.optsWithGlobals<CommonOptions>()));
    });
}
