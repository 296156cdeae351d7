import { InvalidArgumentError, type Command } from 'commander';
import type { SilenceOptions } from '../commands/silence.js';
import type { CommonOptions } from '../shell.js';
import { addCommand, collect, EXCEPT, ON, type Example, type Usage } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['silence --on ai-node --for 2h --comment "new disk"', 'no message about this host for two hours'],
  ['silence --model phi3 --for 30m --comment "load test"', 'none about this model'],
  ['silence list', 'what is silent, until when, and why'],
  ['silence lift ID', 'end one'],
];

const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** `90m`, `2h`, `3d` → seconds. */
function duration(value: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,3})([mhd])$/.exec(value) ?? [];
  const seconds = Number(count) * (UNITS[unit] ?? 0);
  if (seconds === 0 || seconds > 30 * 86_400)
    throw new InvalidArgumentError('Give minutes, hours or days, at most 30 days: 90m, 2h, 3d.');
  return seconds;
}

export function addSilence({ program, shell, finish }: Usage): void {
  const silence = addCommand(
    program,
    'silence',
    'send no messages about a host or a model for a time',
    EXAMPLES,
  )
    .option(...ON, collect)
    .option(...EXCEPT, collect)
    .option('--model <name>', 'alerts about this model')
    .option('--for <time>', 'how long: 90m, 2h, 3d', duration)
    .option('--comment <text>', 'why, for whoever finds it')
    .action(async (_options, command: Command) => {
      const commands = await import('../commands/silence.js');
      finish(await commands.silence(shell, command.optsWithGlobals<SilenceOptions>()));
    });
  silence
    .command('list')
    .description('list silences that are in force or will be')
    .helpOption('-h, --help', 'show help')
    .action(async (_options, command: Command) => {
      const commands = await import('../commands/silence.js');
      finish(await commands.listSilences(shell, command.optsWithGlobals<CommonOptions>()));
    });
  silence
    .command('lift')
    .argument('<id>', 'as "silence list" shows it')
    .description('end a silence')
    .helpOption('-h, --help', 'show help')
    .action(async (id: string, _options, command: Command) => {
      const commands = await import('../commands/silence.js');
      finish(await commands.liftSilence(shell, id, command.optsWithGlobals<CommonOptions>()));
    });
}
