import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { LabHost } from './host.js';
import { labFolder } from './layout.js';
import type { Operator } from './operator.js';
import { LabError } from './process.js';

/** What goes wrong in the real world, on demand. Everything here is on the operator's side and ends with the test. */

export interface Endpoint {
  /** Where the operator's programs connect to. */
  readonly address: string;
  readonly port: number;
  /** Ends it, and every connection through it. */
  stop(): Promise<void>;
}

export interface ProxyStats {
  readonly connections: number;
  /** Bytes that came from clients, and from the target. */
  readonly toTarget: number;
  readonly fromTarget: number;
}

export interface TcpProxy extends Endpoint {
  /** Resets every connection (RST to both sides). */
  cut(): Promise<void>;
  /** Keeps every connection open and hands nothing on. */
  stall(): Promise<void>;
  resume(): Promise<void>;
  stats(): Promise<ProxyStats>;
}

export interface ProxyOptions {
  /** Port of the host; default 22. */
  readonly port?: number;
  /** Bytes from the client after which a connection breaks; default never. */
  readonly breakAfterBytes?: number;
}

/**
 * A proxy to a port of a host that adds `roundTripMs` to every round trip, the TCP handshake included.
 * It keeps the order and joins nothing; the host's keys are its own, since it forwards bytes.
 */
export async function latencyProxy(
  operator: Operator,
  host: LabHost,
  roundTripMs: number,
  options: ProxyOptions = {},
): Promise<TcpProxy> {
  const program = join(labFolder, 'programs/proxy.mjs');
  const words = [host.address, options.port ?? 22, roundTripMs, options.breakAfterBytes ?? 0].map(String);
  const helper = new Helper(
    operator.spawn([process.execPath, program, ...words], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const port = await helper.port();
  const command = async (word: string): Promise<void> => {
    await helper.ask(word);
  };
  return {
    address: '127.0.0.1',
    port,
    cut: () => command('cut'),
    stall: () => command('stall'),
    resume: () => command('resume'),
    stats: async () => JSON.parse(await helper.ask('stats')) as ProxyStats,
    stop: () => helper.stop(),
  };
}

/** Something that accepts connections on the operator's loopback and then says nothing. */
export async function silentListener(operator: Operator): Promise<Endpoint> {
  const program = join(labFolder, 'programs/silent-listener.mjs');
  const helper = new Helper(
    operator.spawn([process.execPath, program], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  return { address: '127.0.0.1', port: await helper.port(), stop: () => helper.stop() };
}

/**
 * Destroys the operator's established connections to a port of a host: their programs get an error at once, the host a
 * reset. Returns how many there were.
 */
export async function cutConnections(operator: Operator, host: LabHost, port = 22): Promise<number> {
  const filter = ['state', 'established', 'dst', host.address, 'dport', '=', `:${port}`];
  const killed = await operator.mustExec(['ss', '--kill', '--no-header', '--numeric', '--tcp', ...filter]);
  return killed.split('\n').filter((line) => line.trim() !== '').length;
}

export interface FilledDisk {
  /** Deletes the file that fills it. */
  free(): Promise<void>;
}

/** Fills the filesystem that holds `folder` on the host, all but `leaveBytes`. */
export async function fillDisk(host: LabHost, folder: string, leaveBytes: number): Promise<FilledDisk> {
  const file = `${folder}/.lab-fills-this-disk`;
  const [blocks = 0, size = 0] = (await host.mustExec(['stat', '-f', '-c', '%a %S', folder]))
    .trim()
    .split(' ')
    .map(Number);
  const bytes = blocks * size - leaveBytes;
  if (bytes <= 0) throw new LabError(`${folder} has no more than ${leaveBytes} bytes free.`, 'Leave fewer.');
  await host.mustExec(['fallocate', '--length', String(bytes), file]);
  return {
    free: async () => {
      await host.mustExec(['rm', '-f', file]);
    },
  };
}

/** A program that answers one line to each line. */
class Helper {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  readonly #ended: Promise<void>;

  constructor(child: ChildProcess) {
    if (child.stdout === null || child.stdin === null)
      throw new LabError('A helper has no pipes.', 'Spawn it with pipes.');
    this.#child = child;
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#lines.push(line);
      else next(line);
    });
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        for (const next of this.#waiting.splice(0)) next(undefined);
        resolve();
      });
    });
  }

  async port(): Promise<number> {
    const line = await this.#line();
    const port = Number(/^listening (\d+)$/.exec(line)?.[1]);
    if (Number.isNaN(port))
      throw new LabError(`A helper of the lab said "${line}".`, 'It should have been a port.');
    return port;
  }

  ask(command: string): Promise<string> {
    this.#child.stdin?.write(`${command}\n`);
    return this.#line();
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await this.#ended;
    clearTimeout(timer);
  }

  #line(): Promise<string> {
    const ready = this.#lines.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new LabError('A helper of the lab did not answer within 10 s.', 'Is node on the PATH?'));
      }, 10_000);
      this.#waiting.push((line) => {
        clearTimeout(timer);
        if (line === undefined)
          reject(new LabError('A helper of the lab has ended.', 'See its standard error.'));
        else resolve(line);
      });
    });
  }
}
