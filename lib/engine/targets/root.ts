import { type ChildProcess, spawn } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CitadelError, type RootTarget } from '../../manifest/index.js';
import { Tail } from '../../ssh/index.js';
import type {
  ProgramResult,
  ReadProgram,
  RemoteProgram,
  RunOptions,
  Transport,
  WriteProgram,
} from '../transport.js';
import type { TargetDeps } from './ssh.js';

const STDERR_BYTES = 64 * 1024;
/** What a program may count on; nothing of the operator's own environment reaches it. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/**
 * A directory of this machine as a host: programs run here, with the directory as their root prefix.
 *
 * @throws CitadelError `root.missing`, `root.not-directory`, `root.own` (the directory is `/`: this machine itself)
 */
export async function openRootTransport(target: RootTarget, deps: TargetDeps): Promise<Transport> {
  const root = await checkedRoot(target.root, deps);
  return new RootTransport(root, deps.host, () => openRootTransport(target, deps));
}

async function checkedRoot(given: string, deps: TargetDeps): Promise<string> {
  const path = given === '~' || given.startsWith('~/') ? `${deps.home}${given.slice(1)}` : given;
  const problem = (code: string, got: string, fix: string, cause?: unknown): CitadelError =>
    new CitadelError({ code, path: deps.host, property: 'root', got, fix }, { cause });
  let real: string;
  try {
    real = await realpath(resolve(path));
  } catch (error) {
    throw problem(
      'root.missing',
      `the directory ${path} cannot be opened (${error instanceof Error ? error.message : String(error)})`,
      'Mount or create it, or correct root',
      error,
    );
  }
  if (!(await stat(real)).isDirectory()) {
    throw problem(
      'root.not-directory',
      `${path} is not a directory`,
      'Name the directory that is the root of the host',
    );
  }
  if (real === '/') {
    throw problem(
      'root.own',
      `${path} is the root of this very machine`,
      'Name a mounted disk or an image; to manage this machine, reach it over ssh',
    );
  }
  return real;
}

class RootTransport implements Transport {
  readonly kind = 'root';
  readonly description: string;
  readonly reconnect: () => Promise<Transport>;
  readonly #host: string;

  constructor(root: string, host: string, reopen: () => Promise<Transport>) {
    this.description = root;
    this.#host = host;
    this.reconnect = reopen;
  }

  read(program: ReadProgram, input: Buffer, options: RunOptions): Promise<ProgramResult> {
    return this.#spawn(program, input, options);
  }

  run(
    program: WriteProgram,
    input: Buffer | AsyncIterable<Uint8Array>,
    options: RunOptions,
  ): Promise<ProgramResult> {
    return this.#spawn(program, input, options);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #spawn(
    program: RemoteProgram,
    input: Buffer | AsyncIterable<Uint8Array>,
    options: RunOptions,
  ): Promise<ProgramResult> {
    return new Promise((resolvePromise, reject) => {
      const { signal } = options;
      const stdout: Buffer[] = [];
      const stderr = new Tail(STDERR_BYTES);
      // A process group of its own, so that what the program started ends with it.
      const child = spawn('/bin/sh', ['-c', program.script, program.name, this.description], {
        env: ENVIRONMENT,
        cwd: '/',
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const fail = (code: string, got: string, fix: string, cause?: unknown): void => {
        endGroup(child);
        settle();
        reject(
          new CitadelError(
            { code, path: this.#host, got: `${this.description}: ${program.name}: ${got}`, fix },
            { cause },
          ),
        );
      };
      const timer = setTimeout(() => {
        fail(
          'root.timeout',
          `no result within ${String(options.deadlineSec)} s`,
          'Look at the disk, or allow more time',
        );
      }, options.deadlineSec * 1000);
      const onAbort = (): void => fail('root.aborted', 'given up on request', 'Run it again');
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();

      child.stdout.on('data', (chunk: Buffer) => {
        stdout.push(chunk);
        try {
          options.onStdout?.(chunk);
        } catch (error) {
          fail('root.local', `its output could not be handled: ${words(error)}`, 'Run it again', error);
        }
      });
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      child.on('error', (error) =>
        fail('root.local', `it could not be started: ${words(error)}`, 'Look at /bin/sh', error),
      );
      child.on('close', (code, ending) => {
        settle();
        const exitCode = code ?? 128 + (ending === null ? 0 : constants.signals[ending]);
        resolvePromise({ exitCode, stdout: Buffer.concat(stdout), stderr: stderr.text() });
      });
      const source = Buffer.isBuffer(input)
        ? Readable.from([input], { objectMode: false })
        : Readable.from(input);
      pipeline(source, child.stdin).catch((error: unknown) => {
        // A program may end before it has read all of its input; its exit status tells why.
        if (!isBrokenPipe(error))
          fail('root.local', `its input could not be read: ${words(error)}`, 'Run it again', error);
      });
    });
  }
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

function isBrokenPipe(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(
    String(error.code),
  );
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
