import { spawn, spawnSync } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { scanHostKeys, SshError } from '../../lib/ssh/index.js';
import { freePort } from './support/sshd.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).reverse()) await close();
});

/**
 * A server that answers a first SYN late: its queue is full, so the kernel drops the SYN, and takes the next one, a second
 * later. On each line of input it takes what waits.
 */
const SLOW = `
import socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(0)
print("listening", flush=True)
sys.stdin.readline()
kept = []
while True:
    kept.append(server.accept()[0])
    kept[-1].sendall(b"HTTP/1.1 418 slow\\r\\n\\r\\n")
    kept[-1].shutdown(socket.SHUT_WR)
`;

const noPython = spawnSync('python3', ['-V']).status === 0 ? undefined : 'needs python3';

/** Has a name of the test's own resolve to these. */
function resolveTo(addresses: readonly string[]): void {
  const lookup = (_name: string, _options: unknown, done: (error: null, all: object[]) => void): void =>
    done(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as never);
}

async function refusal(port: number): Promise<string> {
  const error: unknown = await scanHostKeys('web', 'web.test', port, 20).then(
    String,
    (reason: unknown) => reason,
  );
  return error instanceof SshError ? error.got : String(error);
}

describe.skipIf(noPython !== undefined || process.platform !== 'linux')(
  `a name with several addresses (skipped: ${noPython ?? 'not Linux'})`,
  () => {
    it.each([
      ['before', ['127.0.0.1', '127.0.0.2']],
      ['behind', ['127.0.0.2', '127.0.0.1']],
    ])('is reached at the live one, which takes a second, %s a dead one', async (_, addresses) => {
      const port = await freePort();
      const server = spawn('python3', ['-c', SLOW, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
      closers.push(() => server.kill('SIGKILL'));
      await once(server.stdout, 'data');
      // Fills its queue.
      const first = connectTcp(port, '127.0.0.1');
      closers.push(() => first.destroy());
      first.on('error', () => undefined);
      await once(first, 'connect');
      resolveTo(addresses);
      const start = performance.now();
      const refused = refusal(port);
      // After Node's own 250 ms for an address, and before the second SYN.
      setTimeout(() => server.stdin.write('\n'), 500);
      expect(await refused).toBe('what answers is not an SSH server; it says "HTTP/1.1 418 slow"');
      expect(performance.now() - start).toBeGreaterThan(500);
    });
  },
);
