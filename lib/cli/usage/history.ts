import type { Command } from 'commander';
import type { HistoryOptions } from '../commands/history.js';
import { addCommand, type Example, generation, HOSTS, type Usage, collect, EXCEPT, ON } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['history', 'every host'],
  ['history ai-node --json', 'for a program'],
  ['history ai-node --pin 12', 'keep generation 12 for good'],
];

export function addHistory({ program, shell, finish }: Usage): void {
  addCommand(program, 'history', 'list the generations that hosts keep', EXAMPLES)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option('--pin <generation>', 'never drop this generation (one host)', generation)
    .option('--unpin <generation>', 'let this generation go again when its time comes', generation)
    .action(async (names: string[], _options, command: Command) => {
      const { history } = await import('../commands/history.js');
      finish(await history(shell, names, command.optsWithGlobals<HistoryOptions>()));
    });
}
