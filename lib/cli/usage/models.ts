import type { Command } from 'commander';
import type { CommonOptions } from '../shell.js';
import { addCommand, type Example, type Usage } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['models lock', 'look at every source of weights, and write models.lock.yaml'],
  ['models lock phi3', 'at that of one model; the others stay as they are'],
];

export function addModels({ program, shell, finish }: Usage): void {
  const models = addCommand(program, 'models', 'write down which weights hosts fetch', EXAMPLES);
  models.helpCommand(false);
  addCommand(models, 'lock', 'write size and digest of every file of the weights, and show changes', EXAMPLES)
    .argument('[model...]', 'models whose sources are looked at (default: all)')
    .action(async (names: string[], _options, command: Command) => {
      const { lockModels } = await import('../commands/models.js');
      finish(await lockModels(shell, names, command.optsWithGlobals<CommonOptions>()));
    });
}
