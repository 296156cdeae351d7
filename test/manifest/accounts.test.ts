import { describe, expect, it } from 'vitest';
import { checkManifest, formatProblem, manifestSchema } from '../../lib/manifest/index.js';

const user = { home: '/home/a', shell: '/bin/sh', groups: [], system: false };
const accepts = (more: object): boolean =>
  manifestSchema.safeParse({ version: 1, host: 'h', ...more }).success;
const key = (line: string): boolean => accepts({ users: { a: { ...user, authorizedKeys: [line] } } });

const ED25519 = `AAAAC3NzaC1lZDI1NTE5AAAAIP${'/'.repeat(42)}`;

describe('lines of authorized_keys', () => {
  it.each([
    `ssh-ed25519 ${ED25519} anna@laptop`,
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
    `ssh-ed25519 ${ED25519.slice(0, 40)} cut@off`,
    `ssh-rsa ${ED25519} of@another-type`,
    `restrict ssh-ed25519 ${ED25519}AAAA too@long`,
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

it('users who are to be there and absent, root, and days that are none are refused', () => {
  const users = {
    agent0: user,
    a: { ...user, expires: '2027-02-30' },
    b: { ...user, expires: '1970-01-02' },
  };
  const document = { version: 1, host: 'h', absentUsers: { agent0: {}, root: {} }, users };
  expect(checkManifest(document).problems.map(formatProblem)).toEqual([
    '[manifest of h] absentUsers["agent0"]: user agent0 is to be there as well (manifest of h). Keep one of the two.',
    '[manifest of h] absentUsers["root"]: root is what this host is managed by. Take it out; SshServer says who may log in.',
    '[manifest of h] users["a"].expires: "2027-02-30" is not a day such as 2027-01-31, after 1970-01-02 and before 2100. Write year-month-day, in quotes.',
    '[manifest of h] users["b"].expires: "1970-01-02" is not a day such as 2027-01-31, after 1970-01-02 and before 2100. Write year-month-day, in quotes.',
  ]);
  expect(accepts({ users: { a: { ...user, expires: '2027-01-31' } } })).toBe(true);
});
