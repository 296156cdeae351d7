import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  GATEWAY_DIRECTORY,
  GATEWAY_SOCKET,
  gatewayConfiguration,
  type GatewayConfiguration,
} from '../../../lib/roles/gateway/configuration.js';
import { freePort, LAN, Proxy, SETTINGS, until } from '../ai/lan-proxy.js';

export const DOOR = '127.0.0.3';
export const NODE_KEY = 'key-of-the-nodes';
export const STREAM = 'data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n';

/** A model that ends what it has before it stops. */
class Model {
  port = 0;
  /** Requests that it has, and has had. */
  running = 0;
  readonly asked: { readonly authorization: string | undefined; readonly bytes: number }[] = [];
  #held: (() => void)[] = [];
  #server: Server | undefined;

  async start(): Promise<void> {
    const server = createServer((incoming, outgoing) => void this.#answer(incoming, outgoing));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (incoming.url === '/health') return void outgoing.end();
    this.running += 1;
    outgoing.once('close', () => (this.running -= 1));
    let bytes = 0;
    for await (const piece of incoming as AsyncIterable<Buffer>) bytes += piece.length;
    this.asked.push({ authorization: incoming.headers.authorization, bytes });
    if (incoming.url === '/v1/hang') return void this.#held.push(() => outgoing.end('done'));
    if (incoming.url === '/v1/break') {
      outgoing.write('data: 0\n\n');
      return void this.#held.push(() => outgoing.destroy());
    }
    for (let piece = 0; piece < 5; piece += 1) {
      outgoing.write(`data: ${piece}\n\n`);
      await wait(30);
    }
    outgoing.end();
  }

  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const end of this.#held.splice(0)) end();
  }

  /** At once, as when it is killed. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#held = [];
    server?.closeAllConnections();
    if (server !== undefined) await new Promise((done) => server.close(done));
    this.#server = undefined;
  }
}

/** A node: a model, and Debian's HAProxy with the LAN side's own configuration. */
export class Node {
  readonly model = new Model();
  lan!: Proxy;

  constructor(readonly name: string) {}

  async start(): Promise<void> {
    await this.model.start();
    const { port } = this.model;
    this.lan = new Proxy(
      {
        ...SETTINGS,
        announced: true,
        keys: ['gateway'],
        maxRequests: 512,
        maxQueued: 512,
        maxBodyBytes: 64 * 1024 ** 2,
        models: [{ name: 'phi3', address: LAN, port, hasKey: false }],
        metrics: { address: LAN, port: await freePort() },
      },
      { 'keys/gateway': NODE_KEY },
    );
    await this.lan.start();
  }

  get server() {
    return { host: this.name, address: LAN, port: this.model.port, tls: false };
  }

  async stop(): Promise<void> {
    await this.model.kill();
    await this.lan.stop();
  }
}

/** Debian's HAProxy with a gateway's configuration, its paths moved into a folder. */
export class Door {
  readonly folder = mkdtempSync(join(tmpdir(), 'citadel-gateway-'));
  log = '';
  #child: ChildProcess | undefined;

  constructor(
    readonly given: GatewayConfiguration,
    private readonly files: Readonly<Record<string, string>>,
  ) {}

  /** @returns path of the configuration */
  write(): string {
    const path = join(this.folder, 'haproxy.cfg');
    const text = gatewayConfiguration(this.given)
      .replaceAll(GATEWAY_DIRECTORY, this.folder)
      .replaceAll(GATEWAY_SOCKET, join(this.folder, 'admin.sock'));
    for (const [name, content] of Object.entries({ ...this.files, 'haproxy.cfg': text })) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), content);
    }
    return path;
  }

  async start(): Promise<void> {
    const child = spawn('haproxy', ['-W', '-f', this.write()], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece: Buffer) => (this.log += piece.toString()));
    }
    this.#child = child;
    await until(
      async () => (await this.metrics().catch(() => '')) !== '',
      () => this.log,
    );
  }

  /** Reads its files again, as the unit's reload does. */
  reload(): void {
    this.#child?.kill('SIGUSR2');
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://${DOOR}:${this.given.metricsPort}/metrics`)).text();
  }

  /** Nodes that it sends requests to. */
  async ready(): Promise<number> {
    return Number(/haproxy_backend_active_servers\{proxy="phi3"\} (\d+)/.exec(await this.metrics())?.[1]);
  }

  ask(path: string, key: string | undefined, body?: string): Promise<Response> {
    return fetch(`http://${DOOR}:${this.given.models[0]?.port ?? 0}${path}`, {
      ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
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
