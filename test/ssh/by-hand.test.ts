import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ConnectOptions, sshByHand, UNCONFIGURED } from '../../lib/ssh/index.js';
import { CLIENTS } from './support/clients.js';
import { failure } from './support/failure.js';
import { Scratch } from './support/keys.js';
import { type Sshd, sshdMissing, startSshd } from './support/sshd.js';
import { useNoSshConfig, useSshConfig } from './support/ssh-config.js';

const agent = { kind: 'agent', socket: undefined } as const;
const web = { address: 'web', port: 22, user: 'ops', auth: agent };

describe('the command for a person to try', () => {
  it('has account, port, key and jump hosts of the connection', () => {
    expect(sshByHand(web, [])).toBe('ssh ops@web');
    const identity = { kind: 'identity', path: '/home/a b/id' } as const;
    expect(sshByHand({ ...web, port: 2222, user: 'DOMAIN\\me', auth: identity }, [], '-v')).toBe(
      "ssh -v -i '/home/a b/id' -o IdentitiesOnly=yes -p 2222 'DOMAIN\\me@web'",
    );
    const hops = [
      { address: 'gate', port: 22, user: 'g', auth: agent },
      { address: 'fd00::1', port: 2200, user: 'h', auth: agent },
    ];
    expect(sshByHand(web, hops)).toBe("ssh -J 'g@gate,h@[fd00::1]:2200' ops@web");
  });
});

describe.skipIf(sshdMissing !== undefined)(
  `messages of a log-in that failed${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  { timeout: 120_000 },
  () => {
    let scratch: Scratch;
    let sshd: Sshd;
    let closed: Sshd;
    beforeAll(async () => {
      scratch = await Scratch.make();
      sshd = await startSshd(scratch);
      closed = await startSshd(scratch, { lines: ['AllowTcpForwarding no'] });
    });
    afterEach(useNoSshConfig);
    afterAll(async () => {
      await sshd.stop();
      await closed.stop();
      await scratch.remove();
    });

    const at = (machine: Sshd): ConnectOptions => ({
      host: 'web',
      address: '127.0.0.1',
      port: machine.port,
      user: 'root',
      hostKeys: [machine.hostKey.fingerprint],
      auth: { kind: 'identity', path: machine.identity },
      deadlineSec: 30,
    });

    it('name a command that goes through hops with keys and accounts of their own', async () => {
      const options = `StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n`;
      await useSshConfig(scratch, options);
      for (const hops of [[], [at(sshd)], [at(sshd), at(sshd), at(sshd)]]) {
        const command = `${sshByHand(at(sshd), hops, '-o', 'BatchMode=yes')} echo reached`;
        expect(execFileSync('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()).toBe(
          'reached\n',
        );
      }
    });

    it('name a command that reads no ssh_config where the client reads none', async () => {
      await useSshConfig(scratch, 'Host 127.0.0.*\n  ProxyCommand /bin/false\n');
      const trust = [
        '-o',
        'BatchMode=yes',
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
      ];
      const command = `${sshByHand(at(sshd), [], ...UNCONFIGURED, ...trust)} echo reached`;
      expect(execFileSync('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()).toBe(
        'reached\n',
      );
      expect(sshByHand(at(sshd), [at(sshd)], ...UNCONFIGURED)).toMatch(
        /^ssh -F none .* -o 'ProxyCommand=ssh -F none /,
      );
    });

    it('say what a jump host cannot reach as the jump host knows it', async () => {
      await useSshConfig(
        scratch,
        `Host alias\n  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n` +
          `Host hop\n  HostName 127.0.0.1\n  Port ${String(closed.port)}\n  IdentityFile ${closed.identity}\n` +
          `Host behind\n  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n  ProxyJump root@hop\n` +
          'Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n',
      );
      const nc = `Try "nc -vz 127.0.0.1 ${String(sshd.port)}"`;
      const system = { ...at(sshd), port: 22, client: 'system' } as const;
      const own = await failure(connect({ ...system, address: 'behind' }));
      expect(own.got).toContain('the jump host "hop" (ProxyJump of your ssh_config) cannot reach it');
      expect(own.fix).toContain(`${nc} there`);
      const jump = await failure(
        connect({ ...system, address: 'alias', jump: { ...at(closed), port: 22, address: 'hop' } }),
      );
      expect(jump.got).toContain('the jump host hop cannot reach it');
      expect(jump.fix).toContain(`${nc} on the jump host`);
    });

    it('name the alias, and what the inventory says besides', async () => {
      await useSshConfig(scratch, 'Host pipe\n  ProxyCommand false\n');
      const identity = `-i ${sshd.identity} -o IdentitiesOnly=yes`;
      const pipe = await failure(connect({ ...at(sshd), address: 'pipe', client: 'system' }));
      expect(pipe.fix).toContain(`ssh -v ${identity} -p ${String(sshd.port)} root@pipe`);
    });

    it.each(CLIENTS)(
      'tell the pinned key with a wrong type from another machine ($name)',
      async ({ client }) => {
        const { hostKey, rsaHostKey } = sshd;
        for (const [wrong, type, key] of [
          ['ssh-rsa', 'ssh-ed25519', hostKey],
          ['ssh-ed25519', 'ssh-rsa', rsaHostKey],
        ] as const) {
          const hostKeys = [`${wrong} ${key.fingerprint}`];
          const error = await failure(
            connect({ ...at(sshd), hostKeys, ...(client !== undefined && { client }) }),
          );
          expect(error.got).toBe(
            `the host has the key ${type} ${key.fingerprint}, and hostKeys says that this fingerprint is of a key of type ${wrong}`,
          );
          expect(error.message).not.toContain('Another machine');
        }
      },
    );

    it.each(CLIENTS)(
      'say where the host was reached, which ssh_config may say ($name)',
      async ({ client }) => {
        await useSshConfig(scratch, `Host alias\n  HostName 127.0.0.1\n  Port ${String(sshd.port)}\n`);
        const system = { ...at(sshd), address: 'alias', port: 22, client: 'system' } as const;
        const connection = await connect(client === 'system' ? system : at(sshd));
        expect(connection.reached).toEqual(
          client === 'system' ? { address: '127.0.0.1', port: sshd.port } : undefined,
        );
        await connection.close();
      },
    );
  },
);
