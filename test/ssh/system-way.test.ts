import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ConnectOptions } from '../../lib/ssh/index.js';
import { failure } from './support/failure.js';
import { Scratch } from './support/keys.js';
import { type Sshd, sshdMissing, startSshd } from './support/sshd.js';
import { useNoSshConfig, useSshConfig } from './support/ssh-config.js';

const CONNECT = new URL('./support/system-connect.ts', import.meta.url).pathname;

describe.skipIf(sshdMissing !== undefined)(
  `the way of ssh_config, where no one can be asked${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  { timeout: 300_000 },
  () => {
    let scratch: Scratch;
    let sshd: Sshd;
    /** Takes a password as well as a key. */
    let asking: Sshd;
    let stranger: string;

    beforeAll(async () => {
      scratch = await Scratch.make();
      sshd = await startSshd(scratch);
      asking = await startSshd(scratch, {
        lines: ['PasswordAuthentication yes', 'KbdInteractiveAuthentication yes', 'PermitRootLogin yes'],
      });
      stranger = join(scratch.path, 'stranger');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
    });
    afterEach(useNoSshConfig);
    afterAll(async () => {
      await sshd.stop();
      await asking.stop();
      await scratch.remove();
    });

    const at = (machine: Sshd, identity: string): string =>
      `  HostName 127.0.0.1\n  Port ${String(machine.port)}\n  IdentityFile ${identity}\n`;

    /** Machines: "gate" lets in; "asks" wants a password of us; others are behind them. */
    async function configure(): Promise<void> {
      const included = await scratch.file('included', `Host included\n  ProxyJump asks\n`);
      const loop = `Host round\n  ProxyJump about\nHost about\n  ProxyJump round\n`;
      await useSshConfig(
        scratch,
        [
          `Include ${included}`,
          `Host gate\n${at(sshd, sshd.identity)}`,
          `Host asks\n${at(asking, stranger)}`,
          `Host inner\n  ProxyJump gate\n${at(asking, stranger)}`,
          'Host one\n  ProxyJump root@asks',
          'Host far\n  ProxyJump gate,asks',
          'Host near\n  ProxyJump asks,gate',
          'Host own\n  ProxyJump inner',
          'Match originalhost matched exec "true"\n  ProxyJump root@asks',
          `Host url\n  ProxyJump ssh://root@asks:${String(asking.port)}`,
          'Host token\n  ProxyJump %r@asks',
          `Host pipe\n  ProxyCommand ssh -W %h:%p asks`,
          'Host deep\n  ProxyJump behind',
          `Host behind\n  ProxyCommand ssh -W [%h]:%p asks\n${at(sshd, sshd.identity)}`,
          loop,
          // The good ways.
          `Host twice\n  ProxyJump gate,gate2`,
          `Host gate2\n${at(sshd, sshd.identity)}  ProxyJump none`,
          `Host chained\n  ProxyJump gate3`,
          `Host gate3\n${at(sshd, sshd.identity)}  ProxyJump gate`,
          `Host *\n${at(sshd, sshd.identity)}  User root\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  IdentitiesOnly yes\n  BatchMode no`,
        ].join('\n'),
      );
    }

    function options(address: string, changes: Partial<ConnectOptions> = {}): ConnectOptions {
      return {
        host: 'web',
        address,
        port: 22,
        user: 'root',
        hostKeys: [sshd.hostKey.fingerprint],
        auth: { kind: 'agent', socket: undefined },
        deadlineSec: 30,
        client: 'system',
        ...changes,
      };
    }

    it.each([
      ['one', 'asks', ''],
      ['far', 'asks', ', of gate, asks'],
      ['near', 'asks', ', of asks, gate'],
      ['own', 'inner', ', of gate, inner'],
      ['matched', 'asks', ''],
      ['included', 'asks', ''],
      ['url', 'asks', ''],
      ['token', 'asks', ''],
    ])('%s: the jump host %s is given no password', async (address, hop, way) => {
      await configure();
      const before = asking.log().length;
      const error = await failure(connect(options(address)));
      expect(error.got).toMatch(
        new RegExp(
          `^the jump host "${hop}" \\(ProxyJump of your ssh_config${way}\\) let no one through \\(root@127.0.0.1: Permission denied`,
        ),
      );
      await sleep(200);
      expect(asking.log().slice(before)).not.toMatch(/Failed (password|keyboard)|Postponed keyboard/);
    });

    it.each(['pipe', 'deep'])('%s: nor is that of a ProxyCommand', async (address) => {
      await configure();
      const before = asking.log().length;
      const error = await failure(connect(options(address)));
      expect(error.got).toContain('Permission denied');
      await sleep(200);
      expect(asking.log().slice(before)).not.toMatch(/Failed (password|keyboard)|Postponed keyboard/);
    });

    it('is not asked on the terminal either, nor is that of a jump host of the inventory', async () => {
      await configure();
      const { host: _host, deadlineSec: _deadline, client: _client, ...jump } = options('one');
      for (const each of [options('far'), options('gate', { jump })]) {
        const words = [process.execPath, '--import', 'tsx', CONNECT, `'${JSON.stringify(each)}'`];
        const child = spawn('script', ['-qec', words.join(' '), '/dev/null'], {
          stdio: ['pipe', 'pipe', 'ignore'],
        });
        let seen = '';
        child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
        await new Promise((resolve) => child.once('close', resolve));
        expect(seen).toContain('let no one through');
        expect(seen).not.toContain('password:');
      }
    });

    it('is gone where every hop lets us in, over chains as over hops with a way of their own', async () => {
      await configure();
      for (const address of ['twice', 'chained']) {
        const connection = await connect(options(address));
        expect((await connection.exec('echo in', { deadlineSec: 20 })).stdout.toString()).toBe('in\n');
        await connection.close();
      }
    });

    it('is told where it goes in a circle, and how to log in to a hop by hand', async () => {
      await configure();
      const round = await failure(connect(options('round')));
      expect(round.got).toBe('ProxyJump of your ssh_config leads back to itself (about)');
      const near = await failure(connect(options('far')));
      expect(near.fix).toContain('Log in to it by hand (ssh -v -J gate asks)');
      const url = await failure(connect(options('url')));
      expect(url.fix).toContain(`(ssh -v -l root -p ${String(asking.port)} asks)`);
    });
  },
);
