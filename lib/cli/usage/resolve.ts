import { Option, type Command } from 'commander';
import type { ResolveOptions } from '../commands/resolve.js';
import { addCommand, type Example, type Usage, YES } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['resolve dev-ops', 'what could not be undone, path by path, and what stands there now'],
  ['resolve dev-ops --retry', 'the cause is gone: undo what is left'],
  ['resolve dev-ops --accept', 'go on with what is there now; the copies of before are kept'],
];

export function addResolve({ program, shell, finish }: Usage): void {
  addCommand(program, 'resolve', 'end a transaction that a host could not undo', EXAMPLES)
    .argument('<host>', 'the host')
    .addOption(new Option('--retry', 'undo what is left').conflicts('accept'))
    .option('--accept', 'go on with what is there now')
    .option(...YES)
    .action(async (name: string, _options, command: Command) => {
      const { resolve } = await import('../commands/resolve.js');
      finish(await resolve(shell, name, command.optsWithGlobals<ResolveOptions>()));
    });
}
