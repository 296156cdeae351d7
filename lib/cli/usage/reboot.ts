import type { Command } from 'commander';
import type { RebootOptions } from '../commands/reboot.js';
import { addCommand, collect, EXCEPT, type Example, HOSTS, ON, seconds, type Usage, YES } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['reboot ai-node', 'stop its models, reboot it, wait, and prove that its GPUs work'],
  ["reboot --on '@web' --yes", 'one host after another, without a question; none after one that fails'],
];

export function addReboot({ program, shell, finish }: Usage): void {
  addCommand(program, 'reboot', 'reboot hosts one after another, and prove each', EXAMPLES)
    .argument(HOSTS[0], 'hosts to reboot')
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(...YES)
    .option('--timeout <seconds>', 'how long a host may take to be back (default: an hour)', seconds)
    .action(async (names: string[], _options, command: Command) => {
      const { reboot } = await import('../commands/reboot.js');
      finish(await reboot(shell, names, command.optsWithGlobals<RebootOptions>()));
    });
}
