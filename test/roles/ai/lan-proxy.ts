import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request, createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  LAN_DIRECTORY,
  LAN_SOCKET,
  lanConfiguration,
  type LanConfiguration,
} from '../../../lib/roles/ai/lan/index.js';

/** The LAN side's address here: any of the loopback that models do not listen on. */
export const LAN = '127.0.0.2';

export const SETTINGS: Omit<LanConfiguration, 'models' | 'metrics'> = {
  paths: ['/v1/'],
  keys: [],
  tls: false,
  maxBodyBytes: 1000,
  idleSec: 10,
  maxRequests: 2,
  maxQueued: 1,
  scrapers: ['192.0.2.1'],
};

/** What a model was asked. */
export interface Asked {
  readonly url: string;
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
}

/** A model on the loopback, which says what it was asked. `/v1/hang` answers when told, `/v1/stream` piece by piece. */
export class Model {
  readonly asked: Asked[] = [];
  readonly #held: (() => void)[] = [];
  #server: Server | undefined;
  port = 0;

  async start(): Promise<void> {
    const server = createServer((incoming, outgoing) => {
      const { url = '', method = '', headers } = incoming;
      this.asked.push({ url, method, headers });
      incoming.resume();
      if (url === '/v1/hang') return void this.#held.push(() => outgoing.end('done'));
      if (url === '/v1/stream') {
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.write('data: one\n\n');
        return void this.#held.push(() => outgoing.end('data: two\n\n'));
      }
      outgoing.end('answer');
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Requests that wait for {@link release}. */
  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.release();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    this.#server = undefined;
  }
}

/** Debian's HAProxy with the configuration of a host, its paths moved into a folder. */
export class Proxy {
  readonly folder = mkdtempSync(join(tmpdir(), 'citadel-lan-'));
  log = '';
  #child: ChildProcess | undefined;

  constructor(
    public given: LanConfiguration,
    private readonly files: Readonly<Record<string, string>> = {},
  ) {}

  /** @returns path of the configuration */
  write(given: LanConfiguration = this.given, files = this.files): string {
    this.given = given;
    for (const name of ['keys', 'models']) mkdirSync(join(this.folder, name), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
    const path = join(this.folder, 'haproxy.cfg');
    const text = lanConfiguration(given)
      .replaceAll(LAN_DIRECTORY, this.folder)
      .replaceAll(LAN_SOCKET, join(this.folder, 'admin.sock'));
    writeFileSync(path, text);
    return path;
  }

  async start(): Promise<void> {
    const child = spawn('haproxy', ['-W', '-f', this.write()], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece: Buffer) => (this.log += piece.toString()));
    }
    this.#child = child;
    await until(
      () => reached(this.given.metrics.port),
      () => this.log,
    );
  }

  /** Reads its files again, as the unit's reload does. */
  reload(): void {
    this.#child?.kill('SIGUSR2');
  }

  /** Lines of the access log. */
  get lines(): string[] {
    return this.log.split('\n').filter((line) => line.startsWith('model='));
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function reached(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, LAN);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

/** Waits for what must come, as long as a slow machine needs. */
export async function until(what: () => boolean | Promise<boolean>, words = () => ''): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await what()) return;
    await wait(50);
  }
  throw new Error(`it never came: ${what.toString()}\n${words()}`);
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** One request to the LAN side, with the path exactly as it is given. */
export function ask(
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly onPiece?: (text: string) => void;
  } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body, onPiece } = options;
  return new Promise((done, fail) => {
    const outgoing = request({ host: LAN, port, path, method, headers, agent: false }, (incoming) => {
      let text = '';
      incoming.on('data', (piece: Buffer) => {
        text += piece.toString();
        onPiece?.(piece.toString());
      });
      incoming.on('end', () => done({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
      incoming.on('error', fail);
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, LAN);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
