import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ConnectOptions } from '../../lib/ssh/index.js';
import { loginOptions } from '../../lib/ssh/system/arguments.js';
import { readLog } from '../../lib/ssh/system/log.js';
import { failure } from './support/failure.js';
import { newKey, Scratch } from './support/keys.js';
import { startFakeServer } from './support/server.js';
import { type Sshd, sshdMissing, startSshd } from './support/sshd.js';
import { useSshConfig } from './support/ssh-config.js';

const SSH = '/usr/bin/ssh';
const CONNECT = new URL('./support/system-connect.ts', import.meta.url).pathname;

/** Processes whose command line holds a text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(join('/proc', pid, 'cmdline'), 'utf8')
          .replaceAll('\0', ' ')
          .trim();
        return line.includes(text) ? [line] : [];
      } catch {
        return [];
      }
    });
}

describe.skipIf(sshdMissing !== undefined)(
  `the system’s OpenSSH as client${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  () => {
    let scratch: Scratch;
    let sshd: Sshd;
    const before = {
      PATH: process.env['PATH'],
      TMPDIR: process.env['TMPDIR'],
      XDG: process.env['XDG_RUNTIME_DIR'],
    };

    beforeAll(async () => {
      scratch = await Scratch.make();
      delete process.env['XDG_RUNTIME_DIR'];
      sshd = await startSshd(scratch);
    });
    afterEach(() => {
      process.env['PATH'] = before.PATH;
      if (before.TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before.TMPDIR;
    });
    afterAll(async () => {
      if (before.XDG !== undefined) process.env['XDG_RUNTIME_DIR'] = before.XDG;
      await sshd.stop();
      await scratch.remove();
    });

    function options(changes: Partial<ConnectOptions> = {}): ConnectOptions {
      return {
        host: 'web',
        address: '127.0.0.1',
        port: sshd.port,
        user: 'root',
        hostKeys: [sshd.hostKey.fingerprint],
        auth: { kind: 'identity', path: sshd.identity },
        deadlineSec: 20,
        client: 'system',
        ...changes,
      };
    }

    async function says(changes: Partial<ConnectOptions>, command = 'echo in'): Promise<string> {
      const connection = await connect(options(changes));
      try {
        return (await connection.exec(command, { deadlineSec: 20 })).stdout.toString().trim();
      } finally {
        await connection.close();
      }
    }

    const configure = (text: string): Promise<void> => useSshConfig(scratch, text);

    it('follows ssh_config: aliases, Include, Match; but opens a connection of its own, and nothing else', async () => {
      const included = await scratch.file(
        'included',
        `Match originalhost alias exec "true"\n  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n` +
          `Host *\n  IdentityFile ${sshd.identity}\n`,
      );
      const shared = join(scratch.path, 'shared');
      await configure(
        `Include ${included}\nHost *\n  ControlMaster auto\n  ControlPath ${shared}\n  ControlPersist yes\n` +
          '  RemoteCommand echo configured\n  RequestTTY force\n  PermitLocalCommand yes\n' +
          `  LocalCommand touch ${join(scratch.path, 'local')}\n  DynamicForward 127.0.0.1:1\n  ExitOnForwardFailure yes\n` +
          '  StrictHostKeyChecking no\n  User nobody\n  LogLevel QUIET\n',
      );
      const alias = { address: 'alias', port: 22, auth: { kind: 'agent', socket: undefined } } as const;
      const first = await says(alias, 'echo $PPID');
      const second = await says(alias, 'echo $PPID');
      expect(first).toMatch(/^\d+$/);
      expect(second).not.toBe(first);
      expect(existsSync(shared)).toBe(false);
      expect(existsSync(join(scratch.path, 'local'))).toBe(false);
      const wrong = await failure(connect(options({ ...alias, hostKeys: [newKey().fingerprint] })));
      expect(wrong.kind).toBe('host-key');
      expect(wrong.hostKey?.fingerprint).toBe(sshd.hostKey.fingerprint);
    });

    it('goes through ProxyJump and ProxyCommand of ssh_config, and trusts its known_hosts where that is pinned', async () => {
      const known = await scratch.file(
        'known',
        `[127.0.0.1]:${String(sshd.port)} ${sshd.hostKey.publicText}\n`,
      );
      const there = `  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n`;
      await configure(
        `Host gate\n${there}Host web\n${there}  ProxyJump root@gate\nHost pipe\n${there}  ProxyCommand ${SSH} -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i ${sshd.identity} -p %p -W 127.0.0.1:%p root@127.0.0.1\n` +
          `Host *\n  IdentityFile ${sshd.identity}\n  UserKnownHostsFile ${known}\n`,
      );
      const auth = { kind: 'agent', socket: undefined } as const;
      const via = await says({ address: 'web', port: 22, auth, hostKeys: ['known_hosts'] });
      expect(via).toBe('in');
      expect(await says({ address: 'pipe', port: 22, auth })).toBe('in');
      const unknown = await failure(connect(options({ address: 'gate', port: 22, auth, hostKeys: [] })));
      expect(unknown.kind).toBe('host-key');
      expect(unknown.got).toContain('no host key is pinned');
    });

    it('keeps the connection when Ctrl-C reaches all that OpenSSH has started', async () => {
      const there = `  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n`;
      const pipe = `${SSH} -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i ${sshd.identity} -p %p -W 127.0.0.1:%p root@127.0.0.1`;
      await configure(`Host pipe\n${there}  ProxyCommand ${pipe}\n`);
      const { host: _host, deadlineSec: _deadline, client: _client, ...hop } = options();
      for (const changes of [{ jump: hop }, { address: 'pipe', port: 22 }]) {
        const child = spawn(
          process.execPath,
          ['--import', 'tsx', CONNECT, JSON.stringify(options(changes))],
          { stdio: ['pipe', 'pipe', 'inherit'], detached: true },
        );
        const says = async (): Promise<string> =>
          new Promise((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
        expect(await says()).toBe('connected\n');
        process.kill(-(child.pid ?? 0), 'SIGINT');
        expect(await says()).toBe('interrupted\n');
        // A program of ours may answer it later than the others: what ends by it has ended then.
        await new Promise((resolve) => setTimeout(resolve, 500));
        child.stdin.end();
        expect(await says()).toBe('in\n');
      }
    }, 60_000);

    it('pins a host whatever ssh_config says of localhost, fingerprints, descriptors and idle channels', async () => {
      await configure(
        'IgnoreUnknown UseKeychain,ChannelTimeout\nHost *\n  NoHostAuthenticationForLocalhost yes\n  FingerprintHash md5\n' +
          '  UseKeychain yes\n  ProxyUseFdpass yes\n  ChannelTimeout session=1s\n',
      );
      expect(await says({})).toBe('in');
      // Debian's OpenSSH only, and with Kerberos only: no host key would be shown.
      const way = { pinsCommand: 'x', log: '/dev/null', mayAsk: false, keepaliveSec: 1, connectSec: 1 };
      expect(loginOptions(options(), way)).toContain('GSSAPIKeyExchange=no');
      const other = await failure(connect(options({ hostKeys: [newKey().fingerprint] })));
      expect([other.kind, other.hostKey?.fingerprint]).toEqual(['host-key', sshd.hostKey.fingerprint]);
      const { host: _host, deadlineSec: _deadline, client: _client, ...jump } = options();
      expect(await says({ jump }, 'sleep 2; echo in')).toBe('in');
    });

    it('asks a host for its other keys before it calls one an alarm', async () => {
      expect(await says({ hostKeys: [sshd.rsaHostKey.fingerprint] })).toBe('in');
      const other = newKey().fingerprint;
      const error = await failure(connect(options({ hostKeys: [other] })));
      expect([error.kind, error.hostKey?.fingerprint]).toEqual(['host-key', sshd.hostKey.fingerprint]);
    });

    it('takes no value for an option, and works where the folder for its files has a strange name', async () => {
      const mark = join(scratch.path, 'mark');
      for (const changes of [
        { address: `-oProxyCommand=touch ${mark}` },
        { address: '-G' },
        { address: 'a b' },
        { address: '$(id)' },
        { user: `-oProxyCommand=touch ${mark}` },
        { user: 'a b' },
        { user: 'x`id`' },
      ]) {
        const error = await failure(connect(options(changes)));
        expect([error.kind, error.step]).toEqual(['local', 'identity']);
      }
      expect(existsSync(mark)).toBe(false);
      const folder = join(scratch.path, 'a b%h"\'$x');
      mkdirSync(folder, { recursive: true });
      process.env['TMPDIR'] = folder;
      const { host: _host, deadlineSec: _deadline, client: _client, ...hop } = options();
      expect(await says({ jump: [hop, hop] })).toBe('in');
      expect(readdirSync(folder)).toEqual([]);
      // So long that no control socket fits in.
      const long = join(scratch.path, 'x'.repeat(100));
      mkdirSync(long);
      process.env['TMPDIR'] = long;
      expect(await says({})).toBe('in');
    });

    it('is not started once it was called off', async () => {
      const error = await failure(connect(options({ signal: AbortSignal.abort(), urgent: true })));
      expect(error.kind).toBe('aborted');
    });

    it('is told to be missing where it is', async () => {
      process.env['PATH'] = scratch.path;
      const error = await failure(connect(options()));
      expect([error.kind, error.got]).toEqual(['local', 'there is no program "ssh" in the PATH']);
    });

    it('leaves no process and no folder: closed, refused, lost, or killed itself', async () => {
      const folder = join(scratch.path, 'left');
      mkdirSync(folder, { recursive: true });
      process.env['TMPDIR'] = folder;
      const connection = await connect(options());
      expect(processesWith(folder)).not.toEqual([]);
      await connection.close();
      await failure(connect(options({ hostKeys: [newKey().fingerprint] })));
      await failure(connect(options({ user: 'no-such-user' })));
      const lost = await connect(options());
      await failure(lost.exec('kill -9 $PPID; sleep 5', { deadlineSec: 20 }));
      expect(readdirSync(folder)).toEqual([]);
      await expect.poll(() => processesWith(folder), { timeout: 10_000 }).toEqual([]);

      // A program is at work on the host, for longer than the test waits.
      const killed = JSON.stringify({ ...options(), run: 'echo at work; exec sleep 200' });
      const child = spawn(process.execPath, ['--import', 'tsx', CONNECT, killed], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      expect(processesWith(folder)).not.toEqual([]);
      child.kill('SIGKILL');
      await expect.poll(() => processesWith(folder), { timeout: 90_000, interval: 500 }).toEqual([]);
      const left = (): string[] => readdirSync(folder).filter((name) => name.startsWith('citadel-'));
      await expect.poll(left, { timeout: 30_000, interval: 500 }).toEqual([]);
    }, 240_000);

    it('asks for a passphrase on the terminal, and no one where there is none', async () => {
      const path = await scratch.file('locked', newKey('ed25519', 'open sesame').privateText);
      const pub = execFileSync('ssh-keygen', ['-y', '-P', 'open sesame', '-f', path], { encoding: 'utf8' });
      appendFileSync(join(dirname(sshd.identity), 'authorized_keys'), pub);
      const locked = options({ auth: { kind: 'identity', path } });
      const refused = await failure(connect(locked));
      expect([refused.kind, refused.step]).toEqual(['auth', 'authentication']);
      expect(refused.fix).toContain('run this on a terminal');

      const words = [
        process.execPath,
        '--import',
        'tsx',
        CONNECT,
        `'${JSON.stringify({ ...locked, ask: true })}'`,
      ];
      const child = spawn('script', ['-qec', words.join(' '), '/dev/null'], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      let seen = '';
      child.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (/Enter passphrase for key [^\n]*: $/.test(seen)) child.stdin.write('open sesame\n');
      });
      await expect.poll(() => seen, { timeout: 60_000 }).toContain('connected');
      child.stdin.end();
      child.kill('SIGTERM');
    }, 90_000);

    it('gives up a second factor that no one answers, and leaves the terminal as it was', async () => {
      const factor = await startSshd(scratch, {
        lines: [
          'AuthenticationMethods publickey,password',
          'PasswordAuthentication yes',
          'PermitRootLogin yes',
        ],
      });
      const path = factor.identity;
      const asked = {
        ...options({
          port: factor.port,
          hostKeys: [factor.hostKey.fingerprint],
          auth: { kind: 'identity', path },
        }),
        ask: true,
        abortMs: 4000,
      };
      try {
        const words = [process.execPath, '--import', 'tsx', CONNECT, `'${JSON.stringify(asked)}'`];
        const child = spawn('script', ['-qec', `${words.join(' ')}; stty -a`, '/dev/null'], {
          stdio: ['pipe', 'pipe', 'ignore'],
        });
        let seen = '';
        child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
        const started = performance.now();
        await new Promise((resolve) => child.once('close', resolve));
        expect(performance.now() - started).toBeLessThan(30_000);
        expect(seen).toContain('password: ');
        expect(JSON.parse(/^\{.*\}/m.exec(seen)?.[0] ?? '')).toMatchObject({
          kind: 'aborted',
          step: 'authentication',
          waitedFor: 'an answer to what OpenSSH asks (a second factor, a passphrase, a touch)',
        });
        expect(seen).toMatch(/ echo /);
      } finally {
        await factor.stop();
      }
    }, 90_000);

    it('gives up its turn at the terminal while another log-in asks', async () => {
      const key = newKey();
      const silent = await startFakeServer({ hostKeys: [key], user: newKey(), auth: 'silent' });
      const person = { tell: () => undefined };
      try {
        const asks = { port: silent.port, hostKeys: [key.fingerprint], person };
        const first = failure(connect(options({ ...asks, signal: AbortSignal.timeout(3000) })));
        const second = await failure(
          connect(options({ person, urgent: true, signal: AbortSignal.timeout(200) })),
        );
        expect([second.kind, second.waitedFor]).toEqual([
          'aborted',
          'another log-in, which asks on the same terminal',
        ]);
        expect((await first).waitedFor).toContain('an answer to what OpenSSH asks');
        expect(await says({ person })).toBe('in');
      } finally {
        await silent.close();
      }
    }, 60_000);
  },
);

describe('the log of OpenSSH', () => {
  const accepted = (kind: string): string =>
    `debug1: SSH2_MSG_SERVICE_ACCEPT received\r\ndebug1: Server accepts key: /k ${kind} SHA256:${'A'.repeat(43)} explicit\r\n`;

  it('tells that a security key waits for a touch, and what is meant for a person', () => {
    expect(readLog(accepted('ED25519-SK'))).toMatchObject({ step: 'authentication', touch: 'ED25519-SK' });
    expect(readLog(accepted('ECDSA-SK-CERT')).touch).toBe('ECDSA-SK-CERT');
    expect(readLog(accepted('ED25519')).touch).toBeUndefined();
    const partial =
      'debug1: Authentications that can continue: publickey\r\n' +
      'Authenticated using "publickey" with partial success.\r\n' +
      'debug1: Authentications that can continue: keyboard-interactive\r\nDuo two-factor login\r\nhalf a li';
    expect(readLog(partial)).toMatchObject({
      partial: true,
      methods: 'keyboard-interactive',
      said: ['Duo two-factor login'],
    });
  });
});
