import { parseArgs } from 'node:util';
import type { Case } from './bench.js';

export interface Options {
  readonly cases: readonly Case[];
  readonly rounds: number;
  /** Minutes after which everything is given up. */
  readonly minutes: number;
  readonly keepLab: boolean;
  /** File for the figures as JSON. */
  readonly json?: string;
}

/** Reads the command line; a text is what is wrong with it. */
export function readOptions(argv: readonly string[], all: readonly Case[]): Options | 'help' | (string & {}) {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '11' },
        minutes: { type: 'string', default: '30' },
        'keep-lab': { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  const unknown = positionals.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0) return `There is no benchmark "${unknown.join('", "')}".`;
  const numbers = { rounds: Number(values.rounds), minutes: Number(values.minutes) };
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isInteger(value) || value < 1 || value > 200)
      return `--${name} wants a whole number, 1 to 200.`;
  }
  return {
    ...numbers,
    cases: positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name)),
    keepLab: values['keep-lab'],
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

export function usage(all: readonly Case[]): string {
  const width = Math.max(...all.map(({ name }) => name.length));
  return [
    'npm run bench -- [benchmark…] [--rounds N] [--minutes N] [--json FILE] [--keep-lab]',
    '',
    'Prints ratios: everything is compared with something that ran on this machine in the same minutes.',
    'Without names, all of them:',
    '',
    ...all.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`),
    '',
    '  --rounds N    runs of each thing that count, after warm-up; the median is printed (default 11)',
    '  --minutes N   give up after so long (default 30)',
    '  --json FILE   the table as JSON as well',
    '  --keep-lab    leave the lab "bench" running',
    '',
  ].join('\n');
}
