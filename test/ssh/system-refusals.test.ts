import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, type ConnectOptions, type SshAuth } from '../../lib/ssh/index.js';
import { readLog } from '../../lib/ssh/system/log.js';
import { wayFault } from '../../lib/ssh/system/way-there.js';
import { failure } from './support/failure.js';
import { newKey, Scratch } from './support/keys.js';
import { freePort, type Sshd, sshdMissing, startSshd } from './support/sshd.js';
import { useNoSshConfig, useSshConfig, useSshOf } from './support/ssh-config.js';

const FACE = 'the system’s OpenSSH says why it';

describe.skipIf(sshdMissing !== undefined)(
  `${FACE}${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  { timeout: 300_000 },
  () => {
    let scratch: Scratch;
    let sshd: Sshd;
    let stranger: string;
    let agent: string;
    const closers: (() => unknown)[] = [];

    const keygen = (...words: string[]): string =>
      execFileSync('ssh-keygen', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

    beforeAll(async () => {
      scratch = await Scratch.make();
      sshd = await startSshd(scratch);
      stranger = join(scratch.path, 'stranger');
      keygen('-q', '-t', 'ed25519', '-N', '', '-f', stranger);
      agent = join(scratch.path, 'agent.sock');
      const program = spawn('ssh-agent', ['-D', '-a', agent], { stdio: 'ignore' });
      closers.push(() => program.kill('SIGTERM'));
      await vi.waitUntil(() => existsSync(agent), { timeout: 60_000 });
    });
    afterEach(useNoSshConfig);
    afterAll(async () => {
      for (const close of closers) close();
      await sshd.stop();
      await scratch.remove();
    });

    /** The machine, without what a test says of it. */
    const there = (): string => `  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n`;

    async function refusal(auth: SshAuth, changes: Partial<ConnectOptions> = {}) {
      return failure(
        connect({
          host: 'web',
          address: '127.0.0.1',
          port: sshd.port,
          user: 'root',
          hostKeys: [sshd.hostKey.fingerprint],
          auth,
          deadlineSec: 60,
          client: 'system',
          ...changes,
        }),
      );
    }

    describe('is not let in:', () => {
      it('a public key whose other half no agent holds', async () => {
        const path = `${stranger}.pub`;
        const none = await refusal({ kind: 'identity', path });
        expect([none.kind, none.step]).toEqual(['auth', 'authentication']);
        expect(none.got).toBe(
          `${path} is a public key, and there is no SSH agent (SSH_AUTH_SOCK is not set) that could hold the private one`,
        );
        const empty = await refusal({ kind: 'identity', path, agentSocket: agent });
        expect(empty.got).toBe(`${path} is a public key, and the SSH agent does not hold the private one`);
        expect(empty.fix).toContain(`ssh-add ${stranger}`);
      });

      it('a public key, and an agent that is not there or does not answer', async () => {
        const path = `${stranger}.pub`;
        const gone = await refusal({ kind: 'identity', path, agentSocket: '/nowhere/agent.sock' });
        expect(gone.got).toBe(
          `${path} is a public key, and the SSH agent at /nowhere/agent.sock (SSH_AUTH_SOCK) cannot be used (No such file or directory)`,
        );
        const socket = join(scratch.path, 'mute.sock');
        const mute = createServer().listen(socket);
        closers.push(() => mute.close());
        const silent = await refusal({ kind: 'identity', path, agentSocket: socket }, { deadlineSec: 5 });
        expect([silent.kind, silent.step]).toEqual(['identity', 'identity']);
        expect(silent.got).toBe(
          `the SSH agent at ${socket} (SSH_AUTH_SOCK) cannot be used (no answer within 5 s)`,
        );
      });

      it('a certificate that has expired among so many keys that the host hung up', async () => {
        const strict = await startSshd(scratch, { lines: ['MaxAuthTries 1'] });
        closers.push(() => strict.stop());
        const [ca, key] = [join(scratch.path, 'ca2'), join(scratch.path, 'many')];
        for (const path of [ca, key]) keygen('-q', '-t', 'ed25519', '-N', '', '-f', path);
        keygen('-q', '-s', ca, '-I', 'me', '-n', 'root', '-V', '20200101:20200102', `${key}.pub`);
        const error = await refusal(
          { kind: 'identity', path: key },
          { port: strict.port, hostKeys: [strict.hostKey.fingerprint] },
        );
        expect(error.got).toMatch(/Too many authentication failures.*many-cert\.pub \(expired on 2020-01-0/);
        expect(error.fix).toMatch(/^Get a new certificate from the authority\. /);
      });

      it('a certificate in the place of its key, one that has expired, and none of either', async () => {
        const ca = join(scratch.path, 'ca');
        const key = join(scratch.path, 'certified');
        for (const path of [ca, key]) keygen('-q', '-t', 'ed25519', '-N', '', '-f', path);
        keygen('-q', '-s', ca, '-I', 'me', '-n', 'root', '-V', '20200101:20200102', `${key}.pub`);
        const named = await refusal({ kind: 'identity', path: `${key}-cert.pub` });
        expect(named.got).toMatch(
          /certified-cert\.pub is an OpenSSH certificate \(expired on 2020-01-0[12] .*\), and nothing holds the key that it is for \(there is no SSH agent/,
        );
        expect(named.fix).toContain(`Get a new certificate from the authority. Name the key (${key})`);
        const expired = await refusal({ kind: 'identity', path: key });
        expect(expired.got).toMatch(
          / \(2 keys shown\), with the certificate .*certified-cert\.pub \(expired on /,
        );
        expect(expired.fix).toBe('Get a new certificate from the authority');
        const plain = await refusal({ kind: 'identity', path: stranger });
        expect(plain.got).toBe(`the host does not let user "root" in with the key ${stranger}`);
        expect(plain.fix).toMatch(
          /^Add the public key to [^;]*; PermitRootLogin in its sshd_config must be /,
        );
        expect(plain.message).not.toContain('certificate');
      });

      it('an encrypted key without a terminal', async () => {
        const path = await scratch.file('locked', sshd.identityKey.privateText);
        keygen('-q', '-p', '-N', 'secret', '-P', '', '-f', path);
        const error = await refusal({ kind: 'identity', path });
        expect(error.got).toBe(
          `the key ${path} is protected by a passphrase, and the SSH agent does not hold it`,
        );
        expect(error.fix).toContain('run this on a terminal');
      });

      it('a key file that others may read, that is none, or that is a folder', async () => {
        const loose = await scratch.file('loose', sshd.identityKey.privateText, 0o644);
        const read = await refusal({ kind: 'identity', path: loose });
        expect(read.got).toBe(
          `your OpenSSH does not use a key that it was to use (Load key "${loose}": bad permissions)`,
        );
        expect(read.fix).toBe(`Let no one else read the file: chmod 600 ${loose}`);
        const junk = await scratch.file('junk', 'no key at all\n');
        const none = await refusal({ kind: 'identity', path: junk });
        expect(none.got).toContain(
          `your OpenSSH does not use a key that it was to use (Load key "${junk}": `,
        );
        expect(none.fix).toBe(`Try it: "ssh-keygen -y -f ${junk}" must print its public half`);
        const folder = (await scratch.folder()).path;
        const error = await refusal({ kind: 'identity', path: folder });
        expect([error.kind, error.step, error.got]).toEqual([
          'identity',
          'identity',
          `the key ${folder} is a folder`,
        ]);
        expect(error.fix).toContain('Correct identityFile');
      });

      it('an agent that is empty, not there, or cannot be reached, where there are no key files', async () => {
        await useSshConfig(scratch, 'IdentityFile none\n');
        const empty = await refusal({ kind: 'agent', socket: agent });
        expect(empty.got).toBe(
          'your OpenSSH had no key to show for user "root" (the SSH agent holds no keys)',
        );
        await useSshConfig(scratch, `IdentityFile ${stranger}\n`);
        const besides = await refusal({ kind: 'agent', socket: agent });
        expect(besides.got).toBe(
          'the host does not let user "root" in with what your OpenSSH has; the SSH agent holds no keys',
        );
        await useSshConfig(scratch, 'IdentityFile none\n');
        const gone = await refusal({ kind: 'agent', socket: '/nowhere/agent.sock' });
        expect(gone.got).toContain(
          'the SSH agent at /nowhere/agent.sock (SSH_AUTH_SOCK) cannot be used (No such file or directory)',
        );
      });
    });

    it('does not trust a host that known_hosts does not know, or knows by another key', async () => {
      const known = join(scratch.path, 'known');
      await useSshConfig(scratch, `UserKnownHostsFile ${known}\nGlobalKnownHostsFile none\n`);
      const auth = { kind: 'identity', path: sshd.identity } as const;
      const hostKeys = ['known_hosts'];
      const unknown = await refusal(auth, { hostKeys });
      expect([unknown.kind, unknown.step]).toEqual(['host-key', 'host key']);
      expect(unknown.got).toMatch(
        new RegExp(`^your known_hosts does not know the host, which shows ssh-ed25519 SHA256:`),
      );
      expect(unknown.fix).toContain(
        `ssh -i ${sshd.identity} -o IdentitiesOnly=yes -p ${String(sshd.port)} root@127.0.0.1 (it asks, and adds the key)`,
      );
      expect(unknown.message).not.toContain('Another machine');
      await scratch.file('known', `[127.0.0.1]:${String(sshd.port)} ${newKey().publicText}\n`);
      const other = await refusal(auth, { hostKeys });
      expect(other.got).toContain(`and your known_hosts has another key of it (${known}:1)`);
      expect(other.fix).toContain('Another machine may be answering');
      await scratch.file('known', `@revoked * ${sshd.hostKey.publicText}\n`);
      const revoked = await refusal(auth, { hostKeys });
      expect(revoked.got).toContain(', which your known_hosts marks as revoked');
    });

    it('does not take its own configuration, and where', async () => {
      const auth = { kind: 'identity', path: sshd.identity } as const;
      for (const [line, words] of [
        ['Compression maybe', 'line 2: unsupported option "maybe".'],
        ['Port x', "line 2: Bad port 'x'."],
        ['HostName a b', 'line 2: keyword hostname extra arguments at end of line'],
        ['KexAlgorithms foo', "line 2: Bad SSH2 KexAlgorithms 'foo'."],
        ['IdentityFile', 'line 2: no argument after keyword "identityfile"'],
        // Mistyped: OpenSSH by itself refuses it, and so the way through a jump host is not left out.
        ['ProxyJmp gate', 'line 2: Bad configuration option: proxyjmp'],
        ['Portt 2222', 'line 2: Bad configuration option: portt'],
      ] as const) {
        await useSshConfig(scratch, `Host *\n  ${line}\n`);
        const error = await refusal(auth);
        expect([error.kind, error.step]).toEqual(['local', 'identity']);
        expect(error.got.replace('ssh_config: ', 'ssh_config ')).toContain(
          `${scratch.path}/ssh_config ${words}`,
        );
        expect(error.fix).toContain('"ssh -G 127.0.0.1"');
      }
      // As it is read without -F: of its user's alone, in its user's folder.
      const folder = (await scratch.folder()).path;
      writeFileSync(join(folder, 'config'), 'Host x\n');
      chmodSync(join(folder, 'config'), 0o666);
      await useSshOf(scratch, folder);
      const open = await refusal(auth);
      expect([open.kind, open.step]).toEqual(['local', 'identity']);
      expect(open.got).toMatch(/^your OpenSSH does not read (\S+\/\.ssh\/config), which others may write to/);
      expect(open.fix).toMatch(/^Make it yours alone: "chmod 600 \S+\/\.ssh\/config"/);
    });

    it('has a ProxyCommand that says nothing, or cannot be run, and an address without its network', async () => {
      const auth = { kind: 'identity', path: sshd.identity } as const;
      await useSshConfig(scratch, 'Host *\n  ProxyCommand /bin/false %h\n');
      const mute = await refusal(auth);
      expect(mute.got).toBe(
        'the ProxyCommand of your ssh_config ended without a word before the host had said anything ("/bin/false 127.0.0.1")',
      );
      expect(mute.fix).toContain(`Correct it in ${scratch.path}/ssh_config line 2, and try it by hand`);
      await useSshConfig(scratch, 'Host *\n  ProxyCommand /no/such %h\n');
      const missing = await refusal(auth);
      expect(missing.kind).toBe('local');
      expect(missing.got).toMatch(/ProxyCommand of your ssh_config cannot be run \(.*\/no\/such: .*\)/);
      expect(missing.fix).toContain(`correct "/no/such 127.0.0.1" in ${scratch.path}/ssh_config line 2`);
      await useSshConfig(scratch, 'Host *\n  ProxyCommand echo hello\n');
      const other = await refusal(auth);
      expect(other.got).toBe(
        'the ProxyCommand of your ssh_config leads to what is not an SSH server; it says "hello"',
      );
      expect(other.fix).toContain(`Correct it in ${scratch.path}/ssh_config line 2`);
      useNoSshConfig();
      const local = await refusal(auth, { address: 'fe80::1' });
      expect(local.fix).toContain('fe80::1%eth0');
      expect(local.kind).toBe('local');
    });

    it('did not come through the way of ssh_config, and names the hop', async () => {
      const shut = await freePort();
      await useSshConfig(
        scratch,
        [
          `Host gate\n${there()}  IdentityFile ${sshd.identity}`,
          `Host bad\n${there()}  IdentityFile ${stranger}`,
          `Host closed\n  HostName 127.0.0.1\n  Port ${String(shut)}`,
          'Host refused\n  ProxyJump root@bad',
          'Host off\n  ProxyJump root@closed',
          'Host second\n  ProxyJump root@gate,root@bad',
          `Host beyond\n  HostName 127.0.0.1\n  Port ${String(shut)}\n  ProxyJump root@gate`,
          `Host pipe\n  ProxyCommand sh -c 'echo no way out of here >&2; exit 3'`,
          `Host slow\n  ProxyCommand sh -c 'echo one moment please >&2; exec sleep 100'`,
          `Host *\n${there()}  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  IdentitiesOnly yes`,
        ].join('\n'),
      );
      const auth = { kind: 'identity', path: sshd.identity } as const;
      const said = async (address: string): Promise<string> => {
        const { step, kind, got, fix } = await refusal(auth, { address, port: 22 });
        expect([step, kind]).toEqual(['tcp connect', 'unreachable']);
        if (address === 'beyond')
          expect(fix).toContain('PermitOpen in its sshd_config, and at "restrict" in');
        return got;
      };
      expect(await said('refused')).toBe(
        'the jump host "bad" (ProxyJump of your ssh_config) let no one through ' +
          '(root@127.0.0.1: Permission denied (publickey,keyboard-interactive).)',
      );
      expect(await said('off')).toContain('the jump host "closed" (ProxyJump of your ssh_config) let no one');
      expect(await said('off')).toContain(`port ${String(shut)}: Connection refused`);
      expect(await said('second')).toContain(
        'the jump host "bad" (ProxyJump of your ssh_config, of gate, bad) let no one through (root@127.0.0.1: Permission',
      );
      expect(await said('beyond')).toBe(
        'the jump host "gate" (ProxyJump of your ssh_config) cannot reach it (channel 0: open failed: connect failed: Connection refused)',
      );
      expect(await said('pipe')).toBe(
        'the ProxyCommand of your ssh_config did not reach it (no way out of here)',
      );
      const late = await refusal(auth, { address: 'slow', port: 22, deadlineSec: 10 });
      expect([late.step, late.kind]).toEqual(['tcp connect', 'timeout']);
      expect(late.got).toMatch(
        /^the ProxyCommand of your ssh_config did not reach it \(no answer (within 10 s|in time); one moment please\)$/,
      );
    });
  },
);

it('the way of ssh_config that closed before OpenSSH had greeted the host is told by its own cause', () => {
  const log =
    'debug1: Executing proxy command: exec way\r\nbanner exchange: Connection to UNKNOWN port 65535: Broken pipe\r\n';
  const auth = { kind: 'agent', socket: undefined } as const;
  const endpoint = { address: 'web', port: 22, user: 'root', hostKeys: [], auth };
  expect(wayFault(readLog(log), endpoint, { hops: [] }, 'no way out of here\n')?.got).toBe(
    'the ProxyCommand of your ssh_config did not reach it (no way out of here)',
  );
});
