import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connect,
  type ConnectOptions,
  scanHostKeys,
  type SshConnection,
  SshError,
} from '../../lib/ssh/index.js';
import { CLIENTS } from './support/clients.js';
import { newKey, Scratch } from './support/keys.js';
import { type Proxy, startProxy } from './support/proxy.js';
import { type Sshd, sshdMissing, startSshd } from './support/sshd.js';

const MIB = 1024 * 1024;

function sha(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

describe.skipIf(sshdMissing !== undefined).each(CLIENTS)(
  `OpenSSH's server, by the $name client${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  ({ client }) => {
    let scratch: Scratch;
    let sshd: Sshd;
    let proxy: Proxy;
    let connection: SshConnection;
    /** 50 MiB in which no two pieces are alike. */
    const big = Buffer.alloc(50 * MIB);
    for (let at = 0; at < big.length; at += 4) big.writeUInt32LE((at * 2654435761) >>> 0, at);

    beforeAll(async () => {
      scratch = await Scratch.make();
      sshd = await startSshd(scratch);
      proxy = await startProxy(sshd.port);
      connection = await connect(options());
    });
    afterAll(async () => {
      await connection.close();
      await proxy.close();
      await sshd.stop();
      await scratch.remove();
    });

    function options(changes: Partial<ConnectOptions> = {}): ConnectOptions {
      return {
        host: 'dev-ops',
        address: '127.0.0.1',
        port: sshd.port,
        user: 'root',
        hostKeys: [sshd.hostKey.fingerprint],
        auth: { kind: 'identity', path: sshd.identity },
        deadlineSec: 10,
        ...(client !== undefined && { client }),
        ...changes,
      };
    }

    async function failure(attempt: Promise<unknown>): Promise<SshError> {
      const error: unknown = await attempt.then(String, (reason: unknown) => reason);
      if (!(error instanceof SshError)) throw new Error(`not an SshError: ${String(error)}`);
      return error;
    }

    it('runs commands and reports their ends', async () => {
      expect(connection.serverVersion).toMatch(/^OpenSSH_/);
      const ok = await connection.exec('cat; echo oops >&2; exit 3', {
        stdin: Buffer.from('in\0put\n'),
        deadlineSec: 10,
      });
      expect(ok).toEqual({ exitCode: 3, stdout: Buffer.from('in\0put\n'), stderr: 'oops\n' });
      expect(await connection.exec('kill -9 $$', { deadlineSec: 10 })).toMatchObject({
        exitCode: 137,
        signal: 'SIGKILL',
      });
    });

    it('takes 50 MiB of input, whole and streamed', async () => {
      const whole = await connection.exec('sha256sum', { stdin: big, deadlineSec: 60 });
      expect(whole.stdout.toString()).toBe(`${sha(big)}  -\n`);
      async function* parts(): AsyncGenerator<Uint8Array> {
        for (let start = 0; start < big.length; start += 300_001) {
          yield await Promise.resolve(big.subarray(start, start + 300_001));
        }
      }
      const streamed = await connection.exec('sha256sum', { stdin: parts(), deadlineSec: 60 });
      expect(streamed.stdout.toString()).toBe(`${sha(big)}  -\n`);
    });

    it('takes input around the sizes at which it travels with the request', async () => {
      for (const size of [1, 32 * 1024, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 3 * MIB]) {
        const stdin = big.subarray(0, size);
        const result = await connection.exec('sleep 0.05; sha256sum', { stdin, deadlineSec: 20 });
        expect([size, result.stdout.toString()]).toEqual([size, `${sha(stdin)}  -\n`]);
      }
    });

    it('gives 50 MiB of output, while it takes as much', async () => {
      const sum = createHash('sha256');
      const result = await connection.exec('cat', {
        stdin: big,
        deadlineSec: 60,
        onStdout: (chunk) => void sum.update(chunk),
      });
      expect(result.stdout.equals(big)).toBe(true);
      expect(sum.digest('hex')).toBe(sha(big));
    });

    it('ends a command that does not read its input', async () => {
      const result = await connection.exec('head -c 5; exit 4', { stdin: big, deadlineSec: 20 });
      expect(result.exitCode).toBe(4);
      expect(result.stdout).toHaveLength(5);
    });

    it('keeps its input apart between commands that run at the same time', async () => {
      const inputs = Array.from({ length: 20 }, (_, index) => Buffer.alloc(40_000 + index, `${index}-`));
      const results = await Promise.all(
        inputs.map((stdin) => connection.exec('cat', { stdin, deadlineSec: 20 })),
      );
      expect(results.map((result, index) => result.stdout.equals(inputs[index]!))).toEqual(
        Array(20).fill(true),
      );
    });

    it('is left by a command whose deadline passed, and serves the next', async () => {
      const slow = await failure(connection.exec('sleep 20', { deadlineSec: 0.3, label: 'observe' }));
      expect([slow.kind, slow.step, slow.got]).toEqual([
        'timeout',
        'exec',
        'observe: no result within 0.3 s',
      ]);
      expect((await connection.exec('echo alive', { deadlineSec: 10 })).stdout.toString()).toBe('alive\n');
    });

    it('lets RSA keys in with sha2 signatures', async () => {
      const second = await connect(options({ auth: { kind: 'identity', path: sshd.rsaIdentity } }));
      expect((await second.exec('echo in', { deadlineSec: 10 })).stdout.toString()).toBe('in\n');
      await second.close();
    });

    it('refuses a stranger’s key and an unknown user alike', async () => {
      const path = await scratch.file('stranger', newKey().privateText);
      const stranger = await failure(connect(options({ auth: { kind: 'identity', path } })));
      expect([stranger.kind, stranger.step]).toEqual(['auth', 'authentication']);
      const nobody = await failure(connect(options({ user: 'no-such-user' })));
      expect(nobody.got).toBe(`the host does not let user "no-such-user" in with the key ${sshd.identity}`);
    });

    it('shows its keys to doctor', async () => {
      expect(await scanHostKeys('dev-ops', '127.0.0.1', sshd.port, 10)).toEqual([
        { type: 'ssh-ed25519', fingerprint: sshd.hostKey.fingerprint },
        { type: 'ssh-rsa', fingerprint: sshd.rsaHostKey.fingerprint },
      ]);
    });

    it('is lost when its process dies under a command', async () => {
      const second = await connect(options());
      // $PPID is the sshd process that serves this very connection.
      const dying = await failure(second.exec('kill -9 $PPID; sleep 20', { deadlineSec: 10 }));
      expect(dying.kind).toBe('connection-lost');
      await second.close();
    });

    it('is lost when the cable is pulled, whatever the command does', async () => {
      const second = await connect(
        options({ port: proxy.port, keepaliveSec: client === undefined ? 0.2 : 1 }),
      );
      const running = failure(
        second.exec('while :; do echo x; sleep 0.05; done', {
          deadlineSec: 20,
          onStdout: () => (proxy.cut = true),
        }),
      );
      expect((await running).kind).toBe('connection-lost');
      await second.close();
      proxy.cut = false;
    });

    it('talks to itself over a jump', async () => {
      const { host: _host, deadlineSec: _deadline, ...jump } = options();
      const second = await connect(options({ jump }));
      const result = await second.exec('sha256sum', { stdin: big.subarray(0, 5 * MIB), deadlineSec: 30 });
      expect(result.stdout.toString()).toBe(`${sha(big.subarray(0, 5 * MIB))}  -\n`);
      await second.close();
    });

    it('lets the keys of an agent in, and counts those it does not want', async () => {
      const socket = join(scratch.path, 'agent.sock');
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
      try {
        const add = async (path: string): Promise<void> => {
          for (let attempt = 0; ; attempt += 1) {
            try {
              execFileSync('ssh-add', ['-q', path], {
                env: { ...process.env, SSH_AUTH_SOCK: socket },
                stdio: 'ignore',
              });
              return;
            } catch (error) {
              if (attempt > 50) throw error;
              await sleep(20);
            }
          }
        };
        const auth = { kind: 'agent', socket } as const;
        await add(await scratch.file('other', newKey('ecdsa').privateText));
        const none = await failure(connect(options({ auth })));
        expect([none.kind, none.step]).toEqual(['auth', 'authentication']);
        const offered = client === undefined ? 'the key of the SSH agent' : 'what your OpenSSH has';
        expect(none.got).toBe(`the host does not let user "root" in with ${offered}`);
        await add(sshd.identity);
        const second = await connect(options({ auth }));
        expect((await second.exec('echo in', { deadlineSec: 10 })).stdout.toString()).toBe('in\n');
        await second.close();
        execFileSync('ssh-add', ['-q', '-d', sshd.identity], {
          env: { ...process.env, SSH_AUTH_SOCK: socket },
          stdio: 'ignore',
        });
        for (let index = 0; index < 6; index += 1) {
          await add(await scratch.file(`more-${String(index)}`, newKey().privateText));
        }
        const tooMany = await failure(connect(options({ auth })));
        expect(tooMany.got).toMatch(
          client === undefined
            ? /hung up after 6 of the 7 keys .*Too many authentication failures/
            : /Too many authentication failures, after 6 keys/,
        );
        expect(tooMany.fix).toContain('identityFile');
      } finally {
        agent.kill('SIGTERM');
      }
    });
  },
);
