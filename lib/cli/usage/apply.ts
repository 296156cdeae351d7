import { Option, type Command } from 'commander';
import type { ApplyCommandOptions } from '../commands/apply.js';
import {
  addCommand,
  batchSize,
  collect,
  type Example,
  hostCount,
  HOSTS,
  JSON_LINES,
  MANIFEST,
  seconds,
  type Usage,
  WAIT,
  YES,
  EXCEPT,
  ON,
} from './options.js';

const EXAMPLES: readonly Example[] = [
  ['apply', 'show what would change on all hosts, ask, carry it out'],
  ['apply dev-ops --yes', 'one host, without a question'],
  ['apply --wait 600', 'wait ten minutes for someone else’s apply'],
  ['apply --canary 1 --batch 20%', 'one host, then a fifth at a time; stop at the first failure'],
  ['apply --plan plan.json', 'exactly what "diff --save plan.json" showed'],
  ['apply --manifest ai-node.json', 'a document instead of the project’s code'],
];

export function addApply({ program, shell, finish }: Usage): void {
  addCommand(program, 'apply', 'make hosts what they should be, one transaction per host', EXAMPLES)
    .argument(...HOSTS)
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(...JSON_LINES)
    .option(...YES)
    .option(...WAIT, seconds)
    .option(...MANIFEST, collect)
    .option('--reboot', 'then reboot hosts that owe it, one after another, and prove each')
    .option('--canary <hosts>', 'begin with so many hosts, and go on when they are through', hostCount)
    .option('--batch <hosts>', 'then so many at a time, or per cent of all: 10 or 20%', batchSize)
    .option(
      '--max-failures <hosts>',
      'begin no further host after so many failed (default: 1 with --canary or --batch)',
      hostCount,
    )
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
