import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import ssh2 from 'ssh2';
import { connect, type ConnectOptions, scanHostKeys, SshError } from '../../lib/ssh/index.js';
import { type Client, CLIENTS } from './support/clients.js';
import { newKey, Scratch, type TestKey } from './support/keys.js';
import { type FakeServer, type FakeServerOptions, startFakeServer } from './support/server.js';
import { startProxy } from './support/proxy.js';
import { freePort } from './support/sshd.js';

/** The client that the tests at hand are about. */
let current: Client;
let scratch: Scratch;
let hostKey: TestKey;
let user: TestKey;
let identity: string;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  scratch = await Scratch.make();
  hostKey = newKey();
  user = newKey();
  identity = await scratch.file('id', user.privateText);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => scratch.remove());

async function server(options: Partial<FakeServerOptions> = {}): Promise<FakeServer> {
  const started = await startFakeServer({ hostKeys: [hostKey], user, ...options });
  closers.push(() => started.close());
  return started;
}

function options(port: number, changes: Partial<ConnectOptions> = {}): ConnectOptions {
  return {
    host: 'ai-node',
    address: '127.0.0.1',
    port,
    user: 'agent0',
    hostKeys: [hostKey.fingerprint],
    auth: { kind: 'identity', path: identity },
    deadlineSec: 5,
    ...(current.client !== undefined && { client: current.client }),
    ...changes,
  };
}

/** The SshError that a connection attempt ends with. */
async function failure(attempt: Promise<unknown>): Promise<SshError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SshError)) throw new Error(`not an SshError: ${String(error)}`);
  return error;
}

/** An ed25519 key that signs with its own private half and shows another key's public one. */
function showing(key: TestKey, other: TestKey): TestKey {
  const publicBytes = (text: string): Buffer => {
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw parsed;
    return parsed.getPublicSSH().subarray(-32);
  };
  const lines = key.privateText.trim().split('\n');
  const hex = Buffer.from(lines.slice(1, -1).join(''), 'base64').toString('hex');
  const own = publicBytes(key.publicText).toString('hex');
  const forged = hex.replaceAll(own, publicBytes(other.publicText).toString('hex'));
  expect(forged).not.toBe(hex);
  const body = Buffer.from(forged, 'hex').toString('base64');
  return { ...other, privateText: [lines[0], body, lines.at(-1), ''].join('\n') };
}

/** A TCP server that accepts and then does as told. */
async function tcpServer(onConnection?: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const listening: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection?.(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        listening.close(() => resolve());
      }),
  );
  return (listening.address() as AddressInfo).port;
}

describe.each(CLIENTS)('a connection, by the $name client', (client) => {
  beforeEach(() => void (current = client));

  it('is made to a host whose key is one of several pinned', async () => {
    const { port } = await server();
    const pins = [newKey().fingerprint, hostKey.fingerprint];
    const connection = await connect(options(port, { hostKeys: pins }));
    const result = await connection.exec('anything', { stdin: Buffer.from('hello'), deadlineSec: 5 });
    expect(result).toEqual({ exitCode: 0, stdout: Buffer.from('hello'), stderr: '' });
    await connection.close();
  });

  it('is refused when the host offers another key, and no one logs in there', async () => {
    const running = await server();
    const pin = newKey().fingerprint;
    const error = await failure(connect(options(running.port, { hostKeys: [pin] })));
    expect(error.kind).toBe('host-key');
    expect(error.step).toBe('host key');
    expect(error.hostKey).toEqual({ type: 'ssh-ed25519', fingerprint: hostKey.fingerprint });
    expect(error.message).toContain(`ai-node (agent0@127.0.0.1:${String(running.port)}): host key: `);
    expect(error.message).toContain(`ssh-ed25519 ${hostKey.fingerprint}`);
    expect(error.message).toContain(pin);
  });

  it('is refused when no key is pinned, and shows the one to compare', async () => {
    const { port } = await server();
    const error = await failure(connect(options(port, { hostKeys: [] })));
    expect(error.kind).toBe('host-key');
    expect(error.message).toContain(`it offers ssh-ed25519 ${hostKey.fingerprint}`);
  });

  it('is refused when the host shows the pinned key and does not own it', async () => {
    const { port } = await server({ hostKeys: [showing(newKey(), hostKey)] });
    const error = await failure(connect(options(port)));
    expect([error.kind, error.step]).toEqual(['host-key', 'host key']);
    expect(error.got).toBe('the host shows a pinned key but cannot prove that it owns it');
  });

  it('fails for a user or key that the host does not let in', async () => {
    const { port } = await server();
    const error = await failure(connect(options(port, { user: 'mallory' })));
    expect(error.kind).toBe('auth');
    expect(error.step).toBe('authentication');
    expect(error.got).toBe(`the host does not let user "mallory" in with the key ${identity}`);
    const stranger = await scratch.file('stranger', newKey().privateText);
    const second = await failure(connect(options(port, { auth: { kind: 'identity', path: stranger } })));
    expect(second.kind).toBe('auth');
  });

  it('fails for a port that nothing listens on', async () => {
    const error = await failure(connect(options(await freePort())));
    expect([error.kind, error.step]).toEqual(['refused', 'tcp connect']);
    expect(error.got).toBe('connection refused: nothing listens on this port');
  });

  it('fails for a name that does not resolve', async () => {
    const error = await failure(connect(options(22, { address: 'no-such-host.invalid' })));
    expect([error.kind, error.step]).toEqual(['unknown-name', 'tcp connect']);
  });

  it('fails within its deadline when the port is open and silent', async () => {
    const port = await tcpServer();
    const start = performance.now();
    const error = await failure(connect(options(port, { deadlineSec: 0.4 })));
    expect([error.kind, error.step]).toEqual(['timeout', 'key exchange']);
    expect(error.got).toBe('no answer within 0.4 s');
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('fails within its deadline when the host hangs while logging in', async () => {
    const { port } = await server({ auth: 'silent' });
    const error = await failure(connect(options(port, { deadlineSec: 1 })));
    expect([error.kind, error.step]).toEqual(['timeout', 'authentication']);
  });

  it('blames no key where the host hangs up while logging in', async () => {
    const { port } = await server({ auth: 'hangs-up' });
    const error = await failure(connect(options(port)));
    expect([error.kind, error.step]).toEqual(['connection-lost', 'authentication']);
    expect(error.fix).not.toContain('authorized_keys');
  });

  it('fails when what answers is not SSH, or hangs up', async () => {
    const web = await tcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const first = await failure(connect(options(web)));
    expect(first.step).toBe('key exchange');
    expect(['protocol', 'connection-lost']).toContain(first.kind);
    const closed = await tcpServer((socket) => socket.end());
    const second = await failure(connect(options(closed)));
    expect([second.kind, second.step]).toEqual(['connection-lost', 'key exchange']);
  });

  it('can be called off, before and while it is being made', async () => {
    const calledOff = new AbortController();
    const port = await tcpServer(() => setTimeout(() => calledOff.abort(), 100));
    const before = await failure(connect(options(port, { signal: AbortSignal.abort() })));
    expect(before.kind).toBe('aborted');
    const urgent = await failure(connect(options(port, { signal: AbortSignal.abort(), urgent: true })));
    expect(urgent.kind).toBe('aborted');
    const while_ = await failure(connect(options(port, { signal: calledOff.signal })));
    expect([while_.kind, while_.step]).toEqual(['aborted', 'key exchange']);
  });
});

describe('an identity', () => {
  beforeEach(() => void (current = CLIENTS[0]!));

  it('that is missing, broken, public or encrypted is refused in clear words', async () => {
    const { port } = await server();
    const attempt = (path: string) => failure(connect(options(port, { auth: { kind: 'identity', path } })));
    const missing = await attempt(join(scratch.path, 'nowhere'));
    expect([missing.kind, missing.step]).toEqual(['identity', 'identity']);
    expect(missing.got).toBe(`the key ${join(scratch.path, 'nowhere')} does not exist`);
    const broken = await attempt(await scratch.file('broken', 'not a key\n'));
    expect(broken.got).toContain('is not a private key that can be used');
    const half = await attempt(await scratch.file('id.pub', user.publicText));
    expect(half.got).toContain('is a public key, and there is no SSH agent');
    const path = await scratch.file('encrypted', newKey('ed25519', 'secret').privateText);
    const encrypted = await attempt(path);
    expect(encrypted.got).toBe(
      `the key ${path} is protected by a passphrase, and the SSH agent does not hold it`,
    );
    expect(encrypted.fix).toContain(`ssh-add ${path}`);
  });

  it('is asked for when there is neither a file nor an agent', async () => {
    const { port } = await server();
    const none = await failure(connect(options(port, { auth: { kind: 'agent', socket: undefined } })));
    expect(none.got).toBe('there is no SSH agent (SSH_AUTH_SOCK is not set) and no identityFile');
    const dead = await failure(
      connect(options(port, { auth: { kind: 'agent', socket: join(scratch.path, 'no.sock') } })),
    );
    expect([dead.kind, dead.step]).toEqual(['identity', 'identity']);
    expect(dead.got).toContain(
      `the SSH agent at ${join(scratch.path, 'no.sock')} (SSH_AUTH_SOCK) cannot be used`,
    );
  });
});

describe.each(CLIENTS)('a jump host, by the $name client', (client) => {
  beforeEach(() => void (current = client));

  it('carries the connection, each hop verified with its own pins', async () => {
    const jumpKey = newKey();
    const jumpServer = await server({ hostKeys: [jumpKey], forward: true });
    const target = await server();
    const {
      host: _host,
      deadlineSec: _deadline,
      ...jump
    } = options(jumpServer.port, {
      hostKeys: [jumpKey.fingerprint],
    });
    const connection = await connect(options(target.port, { jump }));
    const result = await connection.exec('x', { stdin: Buffer.from('through'), deadlineSec: 5 });
    expect(result.stdout.toString()).toBe('through');
    await connection.close();

    const wrongJump = await failure(
      connect(options(target.port, { jump: { ...jump, hostKeys: [hostKey.fingerprint] } })),
    );
    expect(wrongJump.kind).toBe('host-key');
    expect(wrongJump.address).toBe(`agent0@127.0.0.1:${String(jumpServer.port)}`);
    expect(wrongJump.host).toBe('ai-node via jump host');
    const wrongTarget = await failure(
      connect(options(target.port, { jump, hostKeys: [jumpKey.fingerprint] })),
    );
    expect(wrongTarget.kind).toBe('host-key');
    expect(wrongTarget.address).toBe(`agent0@127.0.0.1:${String(target.port)}`);
  });

  it('may be one of several, which are gone through in their order', async () => {
    const hops = await Promise.all(
      [newKey(), newKey()].map(async (key) => ({
        key,
        running: await server({ hostKeys: [key], forward: true }),
      })),
    );
    const target = await server();
    const jump = hops.map(({ key, running }) => {
      const hop = options(running.port, { hostKeys: [key.fingerprint] });
      const { host: _host, deadlineSec: _deadline, ...endpoint } = hop;
      return endpoint;
    });
    const connection = await connect(options(target.port, { jump }));
    const result = await connection.exec('x', { stdin: Buffer.from('through both'), deadlineSec: 5 });
    expect(result.stdout.toString()).toBe('through both');
    expect(hops.map(({ running }) => running.connections.length)).toEqual([1, 1]);
    await connection.close();

    const [first, second] = jump;
    const wrong = { ...second!, hostKeys: [hostKey.fingerprint] };
    const error = await failure(connect(options(target.port, { jump: [first!, wrong] })));
    expect([error.kind, error.host]).toEqual(['host-key', 'ai-node via jump host']);
    expect(error.address).toBe(`agent0@127.0.0.1:${String(wrong.port)}`);
  });

  it.runIf(client.client === undefined)(
    'whose connection breaks is blamed, and not the host behind it (built-in client)',
    async () => {
      const jumpServer = await server({ forward: true });
      const proxy = await startProxy(jumpServer.port);
      closers.push(() => proxy.close());
      // As soon as the host behind it has heard something.
      const behind = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write('SSH-2.0-x\r\n');
        socket.once('data', () => proxy.reset());
      });
      await new Promise<void>((resolve) => behind.listen(0, '127.0.0.1', resolve));
      closers.push(() => new Promise((resolve) => behind.close(() => resolve())));
      const { host: _host, deadlineSec: _deadline, ...jump } = options(proxy.port);
      const { port } = behind.address() as AddressInfo;
      const error = await failure(connect(options(port, { jump })));
      expect([error.host, error.address]).toEqual([
        'ai-node via jump host',
        `agent0@127.0.0.1:${String(proxy.port)}`,
      ]);
      expect(error.got).toMatch(/the connection (was closed|broke)/);
    },
  );

  it('that may not forward, or reaches nothing, is named', async () => {
    const jumpServer = await server();
    const { host: _host, deadlineSec: _deadline, ...jump } = options(jumpServer.port);
    const error = await failure(connect(options(await freePort(), { jump })));
    expect([error.kind, error.step]).toEqual(['unreachable', 'tcp connect']);
    expect(error.got).toContain('the jump host 127.0.0.1 cannot reach it');
  });

  it('and the host behind it share one deadline', async () => {
    const jumpServer = await server({ forward: true });
    const silent = await tcpServer();
    const { host: _host, deadlineSec: _deadline, ...jump } = options(jumpServer.port);
    const error = await failure(connect(options(silent, { jump, deadlineSec: 1 })));
    // OpenSSH does not tell that the host in between has connected until the host behind it speaks.
    const step = client.client === undefined ? 'key exchange' : 'tcp connect';
    expect([error.kind, error.step]).toEqual(['timeout', step]);
    expect(error.address).toBe(`agent0@127.0.0.1:${String(silent)}`);
  });
});

describe('scanHostKeys', () => {
  it('lists what a server offers and logs in nowhere', async () => {
    const ecdsa = newKey('ecdsa');
    const { port } = await server({ hostKeys: [ecdsa, hostKey] });
    expect(await scanHostKeys('ai-node', '127.0.0.1', port, 5)).toEqual([
      { type: 'ssh-ed25519', fingerprint: hostKey.fingerprint },
      { type: 'ecdsa-sha2-nistp256', fingerprint: ecdsa.fingerprint },
    ]);
  });

  it('says what failed where there is no server', async () => {
    const refused = await failure(scanHostKeys('ai-node', '127.0.0.1', await freePort(), 5));
    expect(refused.kind).toBe('refused');
    const silent = await failure(scanHostKeys('ai-node', '127.0.0.1', await tcpServer(), 0.3));
    expect([silent.kind, silent.step]).toEqual(['timeout', 'key exchange']);
  });
});

describe('the source', () => {
  it('makes ssh2 clients in one file only, each with a host verifier', () => {
    const root = new URL('../../lib/', import.meta.url).pathname;
    const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const makers = sources.filter((name) => readFileSync(join(root, name), 'utf8').includes('.Client('));
    expect(makers).toEqual(['ssh/session.ts']);
    const text = readFileSync(join(root, 'ssh/session.ts'), 'utf8');
    const connects = text.split('client.connect(').length - 1;
    expect(connects).toBeGreaterThan(0);
    expect(text.split('hostVerifier: (').length - 1).toBe(connects);
    const users = sources.filter((name) =>
      /from 'ssh2'|import\('ssh2'\)/.test(readFileSync(join(root, name), 'utf8')),
    );
    expect(users.every((name) => name.startsWith('ssh/'))).toBe(true);
  });
});
