import type { Command } from 'commander';
import type { CommonOptions } from '../shell.js';
import { addCommand, collect, EXCEPT, type Example, HOSTS, ON, type Usage } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['inventory web01', 'what it has, and the file and line of each value'],
  ["inventory --on '@web' --json", 'for a program'],
];

export function addInventory({ program, shell, finish }: Usage): void {
  addCommand(program, 'inventory', 'say what hosts have, and where each value comes from', EXAMPLES)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { inventory } = await import('../commands/inventory.js');
      finish(await inventory(shell, names, command.optsWithGlobals<CommonOptions>()));
    });
}
