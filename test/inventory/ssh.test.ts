import { describe, expect, it } from 'vitest';
import { targetOf } from '../../lib/inventory/index.js';
import { parseInventory } from '../support/site.js';
import { CitadelError } from '../../lib/manifest/index.js';

const PIN = `SHA256:${'A'.repeat(43)}`;

function read(ssh: string) {
  const secrets = 'secrets: { key_word: { env: KEY_WORD }, ops_sudo: { env: OPS_SUDO } }\n';
  const text = `hosts:\n  web:\n    address: web.example\n    ssh:\n      user: agent0\n${ssh}${secrets}`;
  const inventory = { ...parseInventory(text, 'site.yaml'), texts: {} };
  return targetOf({ ...inventory, source: { file: 'site.yaml', projectDir: '/project' } }, 'web');
}

/** With this account, at this address. */
function way(user: string, address = 'web.example') {
  const text = `hosts:\n  web:\n    address: '${address}'\n    ssh:\n      ${user}\n`;
  const inventory = { ...parseInventory(text, 'site.yaml'), texts: {} };
  return targetOf({ ...inventory, source: { file: 'site.yaml', projectDir: '/project' } }, 'web');
}

function problemsOf(ssh: string): string {
  try {
    read(ssh);
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return 'no problem';
}

describe('the way to a host', () => {
  it('may be the operator’s own OpenSSH, with what that knows and with authorities', () => {
    const pins = [PIN, `@cert-authority ${PIN}`, `@cert-authority web,web.example ${PIN}`, 'known_hosts'];
    const lines = pins.map((pin) => `        - "${pin}"\n`).join('');
    expect(read(`      client: system\n      hostKeys:\n${lines}`)).toMatchObject({
      client: 'system',
      hostKeys: pins,
    });
  });

  it('may lead over several hosts, nearest first', () => {
    const hop = (address: string): string =>
      `        - { address: ${address}, user: jump, hostKeys: ["${PIN}"] }\n`;
    expect(read(`      jump:\n${hop('10.0.0.1')}${hop('10.0.0.2')}`)).toMatchObject({
      jump: [{ address: '10.0.0.1', port: 22 }, { address: '10.0.0.2' }],
    });
  });

  it.each(['first.last', 'Admin', 'DOMAIN\\user', 'user@realm', `a${'b'.repeat(31)}`])(
    'may be the account %s',
    (user) => {
      expect(way(`user: '${user}'`)).toMatchObject({ user });
    },
  );

  it.each(['::1', '::ffff:127.0.0.1', 'host_name', 'fe80::1%eth0', '192.0.2.1', 'web.example'])(
    'may lead to the address %s',
    (address) => {
      expect(way('user: agent0', address)).toMatchObject({ address });
    },
  );

  it.each(['-oProxyCommand=id', 'a b', '.hidden', 'x$(id)', ''])(
    'is refused for the account "%s"',
    (user) => {
      expect(() => way(`user: '${user}'`)).toThrow('hosts.web.ssh.user');
    },
  );

  it('is refused where a pin is none, and where the built-in client would have to read known_hosts', () => {
    expect(problemsOf('      hostKeys: ["@cert-authority"]\n')).toContain(
      'hosts.web.ssh.hostKeys[0]: "@cert-authority" is not a fingerprint',
    );
    expect(problemsOf('      hostKeys: [known_hosts]\n')).toBe(
      '[site.yaml:6:18] hosts.web.ssh.hostKeys[0]: names "known_hosts", which the built-in client does not read. ' +
        'Pin the host\'s fingerprint, or add "client: system" to ssh.',
    );
  });

  it('is refused where the built-in client would have to judge a certificate', () => {
    const pins = `        - "${PIN}"\n        - "@cert-authority web.example ${PIN}"\n`;
    const said =
      'pins an authority, and the built-in client cannot judge certificates of hosts. ' +
      'Add "client: system" to ssh, or pin the host\'s own fingerprint.';
    expect(problemsOf(`      hostKeys:\n${pins}`)).toBe(
      `[site.yaml:8:11] hosts.web.ssh.hostKeys[1]: ${said}`,
    );
    const jump = `      jump: { address: 10.0.0.1, user: a, hostKeys: ["@cert-authority ${PIN}"] }\n`;
    expect(problemsOf(jump)).toContain(`hosts.web.ssh.jump.hostKeys[0]: ${said}`);
  });

  it('says how a jump host is written, where only a name stands', () => {
    expect(problemsOf('      jump: gate\n')).toBe(
      '[site.yaml:6:13] hosts.web.ssh.jump: "gate" is neither a map nor a list of such. Wanted: The host in between, ' +
        '{ address, user, hostKeys }, or a list of them, nearest to you first; leave it out where your ssh_config says it (client: system).',
    );
    expect(problemsOf('      jump: [gate]\n')).toContain(
      '"gate" is text, not a map. Wanted: The host in between',
    );
  });

  it('is refused where a secret has no source', () => {
    expect(problemsOf('      sudoPassword: nowhere\n')).toBe(
      '[site.yaml:6:21] hosts.web.ssh.sudoPassword: no secret is called "nowhere". Say under "secrets" where its value is found.',
    );
    const hop = `{ address: 10.0.0.1, user: a, hostKeys: ["${PIN}"], identityFile: ~/id, identityPassphrase: key_wrod }`;
    const text = `secrets:\n  key_word: { env: X }\nhosts:\n  web:\n    address: a\n    ssh:\n      user: b\n      jump: [${hop}]\n`;
    expect(() => parseInventory(text, 'site.yaml')).toThrow(
      'hosts.web.ssh.jump[0].identityPassphrase: no secret is called "key_wrod". Did you mean "key_word"?',
    );
  });

  it('names the key that a host in between lacks, of one as of several', () => {
    const hop = `{ address: 10.0.0.1, hostKeys: [] }`;
    expect(problemsOf(`      jump: ${hop}\n`)).toContain('hosts.web.ssh.jump.user: is missing');
    expect(problemsOf(`      jump: [${hop}]\n`)).toContain('hosts.web.ssh.jump[0].user: is missing');
  });

  it.each([
    [
      '      client: system\n      identityFile: ~/.ssh/id\n      identityPassphrase: key_word\n',
      '[site.yaml:8:7] hosts.web.ssh.identityPassphrase: names a secret, and with "client: system" OpenSSH asks for the passphrase itself. ' +
        'Remove it and load the key into an agent (ssh-add) or answer on the terminal; or remove "client: system".',
    ],
    [
      '      identityPassphrase: key_word\n',
      '[site.yaml:6:7] hosts.web.ssh.identityPassphrase: names the passphrase of a key file, and there is no identityFile. ' +
        'Add identityFile, or remove it: an agent has no use for it.',
    ],
    [
      `      jump: [{ address: 10.0.0.1, user: a, hostKeys: ["${PIN}"], identityPassphrase: key_word }]\n`,
      '[site.yaml:6:110] hosts.web.ssh.jump[0].identityPassphrase: names the passphrase of a key file, and there is no identityFile. ' +
        'Add identityFile, or remove it: an agent has no use for it.',
    ],
    [
      '      become: doas\n      sudoPassword: ops_sudo\n',
      '[site.yaml:7:7] hosts.web.ssh.sudoPassword: names a password for sudo, and "become: doas" does not use sudo. ' +
        'Remove it, or let the account become root by sudo ("become: sudo").',
    ],
  ])('refuses keys that do nothing together: %#', (ssh, said) => {
    expect(problemsOf(ssh)).toBe(said);
  });

  it('refuses a password for sudo where the account is root', () => {
    const root = '      sudoPassword: ops_sudo\n';
    const text = `hosts:\n  web:\n    address: web.example\n    ssh:\n      user: root\n${root}`;
    expect(() => parseInventory(text, 'site.yaml')).toThrow(
      '[site.yaml:6:7] hosts.web.ssh.sudoPassword: names a password for sudo, and root needs no sudo to be root. ',
    );
    expect(read('      become: sudo\n      sudoPassword: ops_sudo\n')).toMatchObject({
      sudoPassword: 'ops_sudo',
    });
  });
});
