import { describe, expect, it } from 'vitest';
import { manifestSchema } from '../../lib/manifest/index.js';

const user = { home: '/home/a', shell: '/bin/sh', groups: [], system: false };
const accepts = (more: object): boolean =>
  manifestSchema.safeParse({ version: 1, host: 'h', ...more }).success;
const key = (line: string): boolean => accepts({ users: { a: { ...user, authorizedKeys: [line] } } });

describe('lines of authorized_keys', () => {
  it.each([
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB anna@laptop',
    'ssh-rsa AAAAB3NzaC1yc2E=',
    'sk-ssh-ed25519@openssh.com AAAAGnNr== token',
    'ssh-ed25519-cert-v01@openssh.com AAAA',
    'from="10.0.0.0/8,!10.0.0.1",no-pty ecdsa-sha2-nistp256 AAAA x',
    'command="echo \\"ssh me\\" twice",restrict ssh-ed25519 AAAA',
    'cert-authority ssh-ed25519 AAAA ca',
  ])('are taken: %s', (line) => expect(key(line)).toBe(true));

  it.each([
    '/home/sam/.ssh/id_rsa.pub',
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'AAAAC3NzaC1lZDI1NTE5AAAAIB anna@laptop',
    'ssh-ed25519',
    'ssh-ed25519 not*base64',
    'ssh-foo AAAA',
    'command="ssh-ed25519 AAAA"',
    '',
  ])('are refused: %s', (line) => expect(key(line)).toBe(false));
});

describe('names of accounts', () => {
  const owned = (owner: string, group: string): boolean =>
    accepts({
      directories: { '/srv/x': { owner, group, mode: '0755' } },
      assumedAccounts: { users: [owner], groups: [group] },
    });

  it.each(['Debian-exim', 'john.doe', '_apt', 'pc$', 'www-data'])('may be named: %s', (name) => {
    expect([owned(name, name), accepts({ users: { a: { ...user, group: name, groups: [name] } } })]).toEqual([
      true,
      true,
    ]);
  });

  it.each(['1st', '-x', '.x', 'a b', 'a:b', 'a/b', 'a*', ''])('are none: %s', (name) =>
    expect(owned(name, 'root')).toBe(false),
  );

  it.each(['Debian-exim', 'john.doe'])('are not made: %s', (name) => {
    expect([
      accepts({ users: { [name]: user } }),
      accepts({ groups: { [name]: { system: false } } }),
    ]).toEqual([false, false]);
  });
});

it('has packages that are to be absent, without a version or a source', () => {
  const absent = { state: 'absent' };
  expect(accepts({ packages: { exim4: absent } })).toBe(true);
  expect(accepts({ packages: { exim4: { ...absent, version: '1' } } })).toBe(false);
  expect(accepts({ packages: { exim4: { ...absent, source: '/a.deb' } } })).toBe(false);
});
