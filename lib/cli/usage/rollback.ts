import type { Command } from 'commander';
import type { RollbackOptions } from '../commands/rollback.js';
import { addCommand, collect, type Example, generation, seconds, type Usage, WAIT, YES } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['rollback ai-node', 'to the newest earlier generation with another document'],
  ['rollback ai-node --to 3 --yes', 'to a generation that "history" lists, without a question'],
];

export function addRollback({ program, shell, finish }: Usage): void {
  addCommand(program, 'rollback', 'apply a past generation of a host again', EXAMPLES)
    .argument('<host>', 'the host')
    .option(
      '--to <generation>',
      'the generation (default: the newest earlier one with another document)',
      generation,
    )
    .option(
      '--allow-secret <name>',
      'give the host a secret that the project does not give it (any more); may be repeated',
      collect,
    )
    .option(...YES)
    .option(...WAIT, seconds)
    .action(async (name: string, _options, command: Command) => {
      const { rollback } = await import('../commands/rollback.js');
      finish(await rollback(shell, name, command.optsWithGlobals<RollbackOptions>()));
    });
}
