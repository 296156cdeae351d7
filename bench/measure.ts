import { spawn } from 'node:child_process';

/** What one timed run of a program left behind. */
export interface Timed {
  /** Milliseconds from the start to the end, or to the first line of standard output. */
  readonly ms: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TimedOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until it is killed, which makes the run an error; default 60 000. */
  readonly timeoutMs?: number;
  /** Stop the clock at the first line of standard output, and the program with it. */
  readonly untilFirstLine?: boolean;
  /** Exit statuses that count as a run; default 0. */
  readonly expect?: readonly number[];
}

/** Runs a program once. A run that did not do its work is no measurement, so it is an error with the program's words. */
export async function timed(argv: readonly string[], options: TimedOptions = {}): Promise<Timed> {
  const run = await once(argv, options);
  if (options.untilFirstLine === true ? !run.stdout.includes('\n') : !wanted(run.code, options)) {
    const words = `${run.stdout}${run.stderr}`.trim().slice(-2000);
    throw new Error(`"${argv.join(' ')}" ended with ${String(run.code)}:\n${words}`);
  }
  return run;
}

function wanted(code: number | null, options: TimedOptions): boolean {
  return code !== null && (options.expect ?? [0]).includes(code);
}

function once(argv: readonly string[], options: TimedOptions): Promise<Timed> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    let stdout = '';
    let stderr = '';
    let firstLineMs: number | undefined;
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (options.untilFirstLine !== true || firstLineMs !== undefined || !stdout.includes('\n')) return;
      firstLineMs = performance.now() - start;
      child.kill('SIGTERM');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ ms: firstLineMs ?? performance.now() - start, code, stdout, stderr });
    });
  });
}

/** Something that can be measured again and again, in milliseconds or any other unit. */
export type Contender = () => Promise<number>;

export interface RoundOptions {
  /** Runs of each contender that count. */
  readonly rounds: number;
  /** Runs of each before those; default 1. */
  readonly warmUp?: number;
}

/**
 * Measures contenders by turns, so that whatever else the machine does meets all of them alike.
 * Returns all values of each, in the order of the runs.
 */
export async function byTurns<K extends string>(
  contenders: Readonly<Record<K, Contender>>,
  options: RoundOptions,
): Promise<Record<K, number[]>> {
  const names = Object.keys(contenders) as K[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  const warmUp = options.warmUp ?? 1;
  for (let round = 0; round < warmUp + options.rounds; round += 1) {
    for (const name of names) {
      const value = await contenders[name]();
      if (round >= warmUp) values[name].push(value);
    }
  }
  return values;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/**
 * The least of each: for round trips, which are a difference of two times. A busy machine only ever adds to a time, by
 * more than a round trip, and the least is what it added nothing to.
 */
export function least<K extends string>(values: Readonly<Record<K, readonly number[]>>): Record<K, number> {
  const entries = Object.entries<readonly number[]>(values).map(([name, list]) => [name, Math.min(...list)]);
  return Object.fromEntries(entries) as Record<K, number>;
}

/** The medians of what {@link byTurns} returned. */
export function medians<K extends string>(values: Readonly<Record<K, readonly number[]>>): Record<K, number> {
  const entries = Object.entries<readonly number[]>(values).map(([name, list]) => [name, median(list)]);
  return Object.fromEntries(entries) as Record<K, number>;
}
