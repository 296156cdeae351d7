import type { Command } from 'commander';
import type { CommonOptions } from '../shell.js';
import { addCommand, type Example, HOSTS, type Usage, collect, EXCEPT, ON } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['doctor', 'the inventory and every host'],
  ['doctor ai-node', 'also shows the host key of a new host, to compare and pin'],
];

export function addDoctor({ program, shell, finish }: Usage): void {
  addCommand(program, 'doctor', 'test reach, host key, log-in, sudo, tools, space; say how to fix', EXAMPLES)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .action(async (names: string[], _options, command: Command) => {
      const { doctor } = await import('../commands/doctor.js');
      finish(await doctor(shell, names, command.optsWithGlobals<CommonOptions>()));
    });
}
