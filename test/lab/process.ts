import { spawn } from 'node:child_process';

/** What a finished program left behind. `code` is 128 + signal number when a signal ended it, as a shell reports it. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** True when the program was ended because its time was over. */
  readonly timedOut: boolean;
}

export interface RunOptions {
  /** Given on standard input; absent: an empty one. */
  readonly input?: string | Uint8Array;
  /** Milliseconds until the program and its children are killed; default 60 000. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** The whole environment of the program; absent: ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** `inherit` shows the program's output as it comes (then `stdout` and `stderr` are empty). */
  readonly output?: 'capture' | 'inherit';
}

/** Everything the lab refuses or fails at, with what to do about it. */
export class LabError extends Error {
  constructor(got: string, fix: string, options?: ErrorOptions) {
    super(`${got} ${fix}`, options);
    this.name = 'LabError';
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Programs that run. They are in process groups of their own, so the terminal's Ctrl-C does not reach them: we do. */
const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) killGroup(pid, 'SIGTERM');
});

/** Runs a program to its end or to its deadline. Never rejects for a non-zero exit status. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const [program, ...args] = argv;
  if (program === undefined) throw new LabError('No program was named.', 'Give at least one word.');
  const sink = options.output === 'inherit' ? 'inherit' : 'pipe';
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', sink, sink],
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
    });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let timedOut = false;
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(pid);
    }, options.timeoutMs ?? 60_000);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(
        new LabError(`${program} could not be started: ${error.message}.`, 'Is it installed?', {
          cause: error,
        }),
      );
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (pid !== undefined) running.delete(pid);
      resolve({
        code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0),
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
        timedOut,
      });
    });
    // A program that ends without reading its input is not our failure.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

/** {@link run}, and a non-zero exit status is a {@link LabError} with the program's own words. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.code === 0) return result.stdout;
  const how = result.timedOut ? 'did not end in time' : `failed with exit status ${result.code}`;
  throw new LabError(`"${argv.join(' ')}" ${how}.`, result.stderr.trim() || result.stdout.trim());
}

/** Kills the process group that a program was started in. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Kills one process by its pid. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks again every `everyMs` until the answer is not undefined; fails with `what` after `timeoutMs`. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
  everyMs = 50,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (Date.now() > end)
      throw new LabError(`${what} did not happen within ${timeoutMs / 1000} s.`, 'See the console log.');
    await sleep(everyMs);
  }
}
