import { InvalidArgumentError, type Command } from 'commander';
import type { ExitCode } from '../exit-code.js';
import type { Shell } from '../shell.js';

/** What a command's usage is added to. The command itself is loaded when it is called, so that none pays for the others. */
export interface Usage {
  readonly program: Command;
  readonly shell: Shell;
  readonly finish: (code: ExitCode) => void;
}

export type Example = readonly [command: string, meaning: string];

export const NAME = 'citadel-iac';
export const HOSTS = ['[host...]', 'hosts to work on (default: all)'] as const;
export const ON = [
  '--on <hosts>',
  'hosts to work on: names, globs, ranges as web[01:40], @GROUP, @failed, @rest; may be repeated',
] as const;
export const EXCEPT = ['--except <hosts>', 'hosts to leave out, said as with --on'] as const;
export const MANIFEST = [
  '--manifest <file>',
  'take what a host should be from a file that "render --json HOST" wrote; may be repeated',
] as const;
export const JSON_LINES = [
  '--json-lines',
  'print each host’s result as a line of JSON, as soon as it is known',
] as const;
export const YES = ['-y, --yes', 'do not ask'] as const;
export const WAIT = [
  '--wait [seconds]',
  'wait for another apply on the host to end (default: an hour)',
] as const;

export function addCommand(
  program: Command,
  name: string,
  description: string,
  lines: readonly Example[],
): Command {
  const command = program.command(name).description(description).helpOption('-h, --help', 'show help');
  return command.addHelpText('after', examples(lines)).showSuggestionAfterError();
}

export function examples(lines: readonly Example[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const text = lines.map(([command, meaning]) => `  $ ${NAME} ${command.padEnd(width)}  # ${meaning}`);
  return `\nExamples:\n${text.join('\n')}\n`;
}

export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export function seconds(value: string): number {
  if (!/^\d{1,5}$/.test(value)) throw new InvalidArgumentError('Give whole seconds, at most 99999.');
  return Number(value);
}

export function generation(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('Give a number that "history" lists.');
  return Number(value);
}

export function hostCount(value: string): number {
  if (!/^[1-9]\d{0,4}$/.test(value))
    throw new InvalidArgumentError('Give a number of hosts from 1 to 99999.');
  return Number(value);
}

export function batchSize(value: string): { readonly count: number } | { readonly percent: number } {
  const percent = /^([1-9]\d?|100)%$/.exec(value)?.[1];
  return percent === undefined ? { count: hostCount(value) } : { percent: Number(percent) };
}
