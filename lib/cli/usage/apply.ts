import { Option, type Command } from 'commander';
import type { ApplyCommandOptions } from '../commands/apply.js';
import {
  addCommand,
  collect,
  type Example,
  HOSTS,
  MANIFEST,
  seconds,
  type Usage,
  WAIT,
  YES,
} from './options.js';

const EXAMPLES: readonly Example[] = [
  ['apply', 'show what would change on all hosts, ask, carry it out'],
  ['apply dev-ops --yes', 'one host, without a question'],
  ['apply --wait 600', 'wait ten minutes for someone else’s apply'],
  ['apply --plan plan.json', 'exactly what "diff --save plan.json" showed'],
  ['apply --manifest ai-node.json', 'a document instead of the project’s code'],
];

export function addApply({ program, shell, finish }: Usage): void {
  addCommand(program, 'apply', 'make hosts what they should be, one transaction per host', EXAMPLES)
    .argument(...HOSTS)
    .option(...YES)
    .option(...WAIT, seconds)
    .option(...MANIFEST, collect)
    .addOption(
      new Option(
        '--plan <file>',
        'apply what "diff --save" wrote, and refuse if anything changed since',
      ).conflicts('wait'),
    )
    .action(async (names: string[], _options, command: Command) => {
      const { apply } = await import('../commands/apply.js');
      finish(await apply(shell, names, command.optsWithGlobals<ApplyCommandOptions>()));
    });
}
