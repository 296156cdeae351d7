import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ConnectOptions, SshError, SshPool } from '../../lib/ssh/index.js';
import { CLIENTS } from './support/clients.js';
import { newKey, Scratch, type TestKey } from './support/keys.js';
import { type FakeServer, type FakeServerOptions, startFakeServer } from './support/server.js';
import { sshdMissing, startSshd } from './support/sshd.js';

let scratch: Scratch;
let hostKey: TestKey;
let user: TestKey;
let identity: string;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  scratch = await Scratch.make();
  hostKey = newKey();
  user = newKey();
  identity = await scratch.file('id', user.privateText);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => scratch.remove());

async function server(options: Partial<FakeServerOptions> = {}): Promise<FakeServer> {
  const started = await startFakeServer({ hostKeys: [hostKey], user, ...options });
  closers.push(() => started.close());
  return started;
}

interface Gate {
  readonly port: number;
  /** The most connections that were open to it and had not been let through, at any time. */
  most: number;
  made: number;
}

/** In front of a server: lets each connection wait, then passes it on, or says `words` and hangs up on the first `drops`. */
async function gate(to: number, waitMs: number, drops = 0, words = ''): Promise<Gate> {
  const sockets = new Set<Socket>();
  let waiting = 0;
  const listening = createServer((near) => {
    sockets.add(near);
    near.on('error', () => undefined);
    state.made += 1;
    if (state.made <= drops) {
      near.end(words);
      return;
    }
    waiting += 1;
    state.most = Math.max(state.most, waiting);
    setTimeout(() => {
      waiting -= 1;
      const far = connectTcp(to, '127.0.0.1');
      sockets.add(far);
      far.on('error', () => undefined);
      near.pipe(far).pipe(near);
    }, waitMs);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const state: Gate = { port: (listening.address() as AddressInfo).port, most: 0, made: 0 };
  closers.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        listening.close(resolve);
      }),
  );
  return state;
}

describe.each(CLIENTS)('many connections, by the $name client', ({ client }) => {
  function options(port: number, changes: Partial<ConnectOptions> = {}): ConnectOptions {
    return {
      host: 'node',
      address: '127.0.0.1',
      port,
      user: 'agent0',
      hostKeys: [hostKey.fingerprint],
      auth: { kind: 'identity', path: identity },
      deadlineSec: 30,
      ...(client !== undefined && { client }),
      ...changes,
    };
  }
  const jumpOver = (port: number) => {
    const { host: _host, deadlineSec: _deadline, ...jump } = options(port);
    return jump;
  };

  it('behind a jump host share one connection to it, and log in eight at a time', async () => {
    const jump = await server({ forward: true });
    const target = await server();
    const slow = await gate(target.port, 50);
    const pool = new SshPool();
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const connections = await Promise.all(
      numbers.map((n) =>
        connect(options(slow.port, { host: `n${String(n)}`, jump: jumpOver(jump.port), pool })),
      ),
    );
    const said = await Promise.all(
      connections.map((each, n) =>
        each.exec('x', { stdin: Buffer.from(`hello ${String(n)}`), deadlineSec: 30 }),
      ),
    );
    expect(said.map(({ stdout }) => stdout.toString())).toEqual(numbers.map((n) => `hello ${String(n)}`));
    expect(jump.connections).toHaveLength(1);
    expect(slow.most).toBeGreaterThan(1);
    expect(slow.most).toBeLessThanOrEqual(8);

    // Others are still behind it when one leaves; the last one takes it away.
    const [first, ...rest] = connections;
    await first!.close();
    expect(
      (await rest[0]!.exec('x', { stdin: Buffer.from('still'), deadlineSec: 30 })).stdout.toString(),
    ).toBe('still');
    for (const each of rest) await each.close();
    const later = await connect(options(target.port, { jump: jumpOver(jump.port), pool }));
    await later.close();
    expect(jump.connections).toHaveLength(2);
  }, 60_000);

  it('log in no more at a time than the pool says, and one that hangs delays no other', async () => {
    const target = await server();
    const slow = await gate(target.port, 50);
    const silent = await gate(target.port, 3_600_000);
    const pool = new SshPool(3);
    const hung = connect(options(silent.port, { deadlineSec: 2, pool })).catch((error: unknown) => error);
    const connections = await Promise.all(
      Array.from({ length: 6 }, () => connect(options(slow.port, { pool }))),
    );
    expect(slow.most).toBeLessThanOrEqual(3);
    for (const each of connections) await each.close();
    expect(await hung).toMatchObject({ kind: 'timeout' });
  }, 60_000);

  it('are made again where sshd dropped them for there being too many, with a word and without', async () => {
    const target = await server();
    for (const words of ['Exceeded MaxStartups\r\n', '']) {
      const busy = await gate(target.port, 0, 2, words);
      const connection = await connect(options(busy.port));
      await connection.close();
      expect(busy.made).toBe(3);
    }
  }, 60_000);

  it('are given up with what sshd said, within the deadline', async () => {
    const target = await server();
    const busy = await gate(target.port, 0, 1_000_000, 'Exceeded MaxStartups\r\n');
    const error: unknown = await connect(options(busy.port, { deadlineSec: 4 })).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SshError);
    expect((error as SshError).got).toContain('MaxStartups');
    expect(busy.made).toBeGreaterThan(1);
  }, 60_000);

  it('behind a jump host that cannot be logged in to fail each in its own name, after one attempt for all', async () => {
    const jump = await server({ forward: true });
    const wrong = { ...jumpOver(jump.port), hostKeys: [newKey().fingerprint] };
    const pool = new SshPool();
    const errors = await Promise.all(
      ['a', 'b', 'c'].map((host) =>
        connect(options(1, { host, jump: wrong, pool })).catch((error: unknown) => error),
      ),
    );
    expect(errors).toMatchObject(
      ['a', 'b', 'c'].map((host) => ({ kind: 'host-key', host: `${host} via jump host` })),
    );
    // OpenSSH asks a host for its other keys before it calls one an alarm.
    expect(jump.connections.length).toBe(client === 'system' ? 2 : 1);
  }, 60_000);

  it.skipIf(sshdMissing !== undefined)(
    'reach forty hosts behind a real sshd that drops log-ins from the tenth on',
    async () => {
      const sshd = await startSshd(scratch, { lines: ['MaxStartups 10:100:10', 'MaxSessions 10'] });
      closers.push(() => sshd.stop());
      const target = await server();
      const pool = new SshPool();
      const jump = {
        address: '127.0.0.1',
        port: sshd.port,
        user: 'root',
        hostKeys: [sshd.hostKey.fingerprint],
        auth: { kind: 'identity', path: sshd.identity },
      } as const;
      const connections = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          connect(options(target.port, { host: `n${String(n)}`, jump, pool })),
        ),
      );
      for (const each of connections) await each.close();
      expect(target.connections).toHaveLength(40);
      expect(sshd.log().match(/Accepted publickey/g)).toHaveLength(1);
    },
    120_000,
  );
});
