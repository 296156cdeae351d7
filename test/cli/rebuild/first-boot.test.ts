import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { call } from '../call.js';
import { recoveryDouble } from '../doubles.js';

interface UserData {
  readonly hostname: string;
  readonly users: readonly Record<string, unknown>[];
  readonly ssh_keys: { readonly ed25519_private: string; readonly ed25519_public: string };
  readonly disable_root: boolean;
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'citadel-first-boot-'));

describe('rebuild --first-boot', () => {
  it('writes user data that only its owner reads, with a host key of which it prints the fingerprint', async () => {
    const file = join(folder(), 'user-data');
    const { code, printed, engineDouble } = await call(`rebuild alpha --first-boot ${file}`, {
      app: {
        buildHosts: () => [
          {
            version: 1,
            host: 'alpha',
            users: {
              agent0: {
                uid: 1000,
                home: '/home/agent0',
                shell: '/bin/bash',
                groups: [],
                system: false,
                authorizedKeys: ['ssh-rsa BBBB a person'],
              },
            },
          },
        ],
      },
    });
    expect(code, printed.err).toBe(0);
    expect(engineDouble.calls).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith('#cloud-config\n')).toBe(true);
    const data = parse(text) as UserData;
    expect(data).toMatchObject({
      hostname: 'alpha',
      users: [
        {
          name: 'agent0',
          uid: 1000,
          lock_passwd: true,
          sudo: 'ALL=(ALL:ALL) NOPASSWD:ALL',
          ssh_authorized_keys: ['ssh-rsa BBBB a person', 'ssh-ed25519 AAAA'],
        },
      ],
      disable_root: true,
    });
    expect(printed.out).not.toContain(data.ssh_keys.ed25519_private.slice(40, 60));
    // OpenSSH's own word on the pair.
    const key = join(folder(), 'key');
    writeFileSync(key, data.ssh_keys.ed25519_private, { mode: 0o600 });
    const halves = spawnSync('ssh-keygen', ['-y', '-f', key], { encoding: 'utf8' });
    expect(halves.stdout.split(' ').slice(0, 2)).toEqual(data.ssh_keys.ed25519_public.split(' ').slice(0, 2));
    const fingerprint =
      spawnSync('ssh-keygen', ['-lf', key], { encoding: 'utf8' }).stdout.split(' ')[1] ?? '-';
    expect(printed.out).toContain(`Put ${fingerprint} into hosts.alpha.ssh.hostKeys of inv.yaml`);
  });

  it('lets root in where the host is managed as root', async () => {
    const file = join(folder(), 'user-data');
    const { code } = await call(`rebuild beta --first-boot ${file}`, {});
    expect(code).toBe(0);
    expect(parse(readFileSync(file, 'utf8'))).toMatchObject({
      users: [{ name: 'root', ssh_authorized_keys: ['ssh-ed25519 AAAA'] }],
      disable_root: false,
    });
  });

  it('replaces no file, and refuses where no key would let anyone in', async () => {
    const file = join(folder(), 'user-data');
    writeFileSync(file, 'mine');
    const there = await call(`rebuild alpha --first-boot ${file}`, {});
    expect(there.code).toBe(1);
    expect(there.printed.err).toContain('Name a file that is not there yet');
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const recovery = recoveryDouble({ authorizedKey: () => Promise.resolve(undefined) });
    const locked = await call(`rebuild alpha --first-boot ${file}`, { engine: { recovery } });
    expect(locked.printed.err).toContain('no key is known that would let agent0 in');
  });
});
