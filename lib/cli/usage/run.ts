import type { Command } from 'commander';
import type { RunCommandOptions } from '../commands/run-command.js';
import {
  addCommand,
  batchSize,
  collect,
  EXCEPT,
  type Example,
  hostCount,
  JSON_LINES,
  ON,
  seconds,
  type Usage,
} from './options.js';

const EXAMPLES: readonly Example[] = [
  ["run --on 'web*' -- systemctl is-active nginx", 'one command on several hosts, equal answers once'],
  ["run --on '*' -- sh -c 'df -h / | tail -n 1'", 'every host; a shell only where one is named'],
  ['run --on ai-node --user svc -- id', 'as another account than root'],
];

export function addRun({ program, shell, finish }: Usage): void {
  addCommand(program, 'run', 'run a command on hosts, as root, and write it down in their history', EXAMPLES)
    .argument('<command...>', 'the program and its arguments, after --; no shell reads them')
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option(...JSON_LINES)
    .option('--user <account>', 'account of the hosts to run it as (default: root)')
    .option('--timeout <seconds>', 'end it on the host after so long (default: the host’s applySec)', seconds)
    .option('--canary <hosts>', 'begin with so many hosts, and go on when they are through', hostCount)
    .option('--batch <hosts>', 'then so many at a time, or per cent of all: 10 or 20%', batchSize)
    .option(
      '--max-failures <hosts>',
      'begin no further host after so many failed (default: 1 with --canary or --batch)',
      hostCount,
    )
    .action(async (words: string[], _options, command: Command) => {
      const { runOnHosts } = await import('../commands/run-command.js');
      finish(await runOnHosts(shell, words, command.optsWithGlobals<RunCommandOptions>()));
    });
}
