import type { Command } from 'commander';
import type { CarryOutOptions } from '../carry-out-options.js';
import { addCommand, type Example, seconds, type Usage, WAIT, YES } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['retire web1', 'show what would be taken off it, ask, do it, and say what is left to do'],
];

export function addRetire({ program, shell, finish }: Usage): void {
  addCommand(program, 'retire', 'take everything that was deployed off a host that is to leave', EXAMPLES)
    .argument('<host>', 'the host')
    .option(...YES)
    .option(...WAIT, seconds)
    .action(async (name: string, _options, command: Command) => {
      const { retire } = await import('../commands/retire.js');
      finish(await retire(shell, name, command.optsWithGlobals<CarryOutOptions>()));
    });
}
