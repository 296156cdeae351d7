import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type SshConnection } from '../../lib/ssh/index.js';
import { newKey, Scratch } from './support/keys.js';
import { type Proxy, startProxy } from './support/proxy.js';
import { type FakeServer, startFakeServer } from './support/server.js';
import { type Sshd, sshdMissing, startSshd } from './support/sshd.js';

/** Longer than either side thinks, so that what belongs together travels together. */
const DELAY_MS = 60;
/** On a machine that is busy with other things someone may think for longer, once. */
const BUSY = { retry: 3 };

/** Round trips between the first thing we sent and the last thing we received. */
function roundTrips(trace: string): number {
  return trace.split('ud').length - 1;
}

async function connectTo(proxy: Proxy, user: string, pin: string, identity: string): Promise<SshConnection> {
  return connect({
    host: 'ai-node',
    address: '127.0.0.1',
    port: proxy.port,
    user,
    hostKeys: [pin],
    auth: { kind: 'identity', path: identity },
    deadlineSec: 20,
  });
}

/** Waits until nothing is on its way any more, then counts what a command takes. */
async function traceOf(proxy: Proxy, connection: SshConnection, stdin: Buffer, command: string) {
  await new Promise((resolve) => setTimeout(resolve, DELAY_MS * 4));
  proxy.trace = '';
  const result = await connection.exec(command, { stdin, deadlineSec: 20 });
  return { trace: proxy.trace, result };
}

describe.skipIf(sshdMissing !== undefined)(
  `round trips with OpenSSH${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  BUSY,
  () => {
    let scratch: Scratch;
    let sshd: Sshd;
    let proxy: Proxy;
    beforeAll(async () => {
      scratch = await Scratch.make();
      sshd = await startSshd(scratch);
      proxy = await startProxy(sshd.port);
      proxy.delayMs = DELAY_MS;
    });
    afterAll(async () => {
      await proxy.close();
      await sshd.stop();
      await scratch.remove();
    });

    it('a command with its input costs two: open, then everything', async () => {
      const connection = await connectTo(proxy, 'root', sshd.hostKey.fingerprint, sshd.identity);
      for (const size of [0, 10, 30_000]) {
        const stdin = Buffer.alloc(size, 'x');
        const { trace, result } = await traceOf(proxy, connection, stdin, 'exec cat');
        expect(result.stdout.equals(stdin)).toBe(true);
        expect([size, roundTrips(trace)]).toEqual([size, 2]);
      }
      await connection.close();
    });

    // Counted after TCP, and one too many: the host's version comes unasked, half a round trip early.
    it('the handshake costs three: versions, key exchange, login', async () => {
      proxy.trace = '';
      const connection = await connectTo(proxy, 'root', sshd.hostKey.fingerprint, sshd.identity);
      expect(roundTrips(proxy.trace) - 1).toBe(3);
      await connection.close();
    });

    it('an RSA key costs two more: it has to ask which signatures the host takes, and whether the key will do', async () => {
      proxy.trace = '';
      const connection = await connectTo(proxy, 'root', sshd.hostKey.fingerprint, sshd.rsaIdentity);
      expect(roundTrips(proxy.trace) - 1).toBe(5);
      await connection.close();
    });
  },
);

describe('round trips with a server that is not OpenSSH', BUSY, () => {
  let scratch: Scratch;
  let server: FakeServer;
  let proxy: Proxy;
  const hostKey = newKey();
  const user = newKey();
  beforeAll(async () => {
    scratch = await Scratch.make();
    server = await startFakeServer({ hostKeys: [hostKey], user });
    proxy = await startProxy(server.port);
    proxy.delayMs = DELAY_MS;
  });
  afterAll(async () => {
    await proxy.close();
    await server.close();
    await scratch.remove();
  });

  it('stay two, within the window that it grants', async () => {
    const identity = await scratch.file('id', user.privateText);
    const connection = await connectTo(proxy, 'agent0', hostKey.fingerprint, identity);
    const stdin = Buffer.alloc(30_000, 'x');
    const { trace, result } = await traceOf(proxy, connection, stdin, 'cat');
    expect(result.stdout.equals(stdin)).toBe(true);
    expect(roundTrips(trace)).toBe(2);
    await connection.close();
  });
});
