import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hungUpFault } from '../../lib/ssh/handshake-faults.js';
import { SshError, type SshFault } from '../../lib/ssh/errors.js';
import { REFUSED } from '../../lib/ssh/tcp.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { withSshPlace } from '../../lib/cli/ssh-place.js';
import { sshProblem } from '../../lib/engine/targets/index.js';
import { refusalOf } from '../../lib/engine/targets/become.js';
import { notStarted } from '../../lib/engine/targets/not-started.js';
import { loadInventory, targetOf } from '../../lib/inventory/index.js';
import { CitadelError, type Problem, sshTargetSchema } from '../../lib/manifest/index.js';

const PIN = `SHA256:${'A'.repeat(43)}`;
const hop = (address: string) => ({ address, port: 22, user: 'gate', hostKeys: [PIN] });
const target = sshTargetSchema.parse({ address: 'web', user: 'ops', hostKeys: [PIN] });
const source = { file: 'inv.yaml', projectDir: '/p' };

function fixOf(problem: Partial<Problem>, changes: object = {}, of: object = source): string {
  const error = new CitadelError({ code: 'ssh.host-key', path: 'web', got: 'x', fix: 'Do it', ...problem });
  const said = withSshPlace(error, 'web', { ...target, ...changes }, { ...source, ...of });
  if (!(said instanceof CitadelError)) throw new Error(String(said));
  return said.problems[0]?.fix ?? '';
}

describe('a log-in that failed', () => {
  it('names what the inventory says of the key', () => {
    expect(fixOf({})).toBe('Do it (hosts.web.ssh.hostKeys of inv.yaml)');
    expect(fixOf({ code: 'ssh.identity' })).toBe('Do it (hosts.web.ssh of inv.yaml)');
    const named = { identityFile: '~/.ssh/id' };
    expect(fixOf({ code: 'ssh.identity' }, named)).toBe('Do it (hosts.web.ssh.identityFile of inv.yaml)');
    expect(fixOf({ code: 'ssh.auth' }, named)).toBe(
      'Do it (hosts.web.ssh.user of inv.yaml; hosts.web.ssh.identityFile of inv.yaml)',
    );
    expect(fixOf({ code: 'ssh.auth' })).toBe('Do it (hosts.web.ssh.user of inv.yaml)');
    expect(fixOf({ code: 'ssh.unreachable' })).toBe('Do it');
    const targetsFile = { path: '.citadel/lab.json', found: true };
    expect(fixOf({}, {}, { targetsFile })).toBe(
      'Do it (hosts.web.ssh.hostKeys of inv.yaml, or .citadel/lab.json)',
    );
  });

  it('names the machine in between, of one as of several', () => {
    const path = 'web via jump host';
    const got = 'gate@b:22: host key: other';
    const one = { jump: hop('b') };
    const two = { jump: [hop('a'), hop('b')] };
    expect(fixOf({ path, got }, one)).toBe('Do it (hosts.web.ssh.jump.hostKeys of inv.yaml)');
    expect(fixOf({ path, got }, two)).toBe('Do it (hosts.web.ssh.jump[1].hostKeys of inv.yaml)');
    expect(fixOf({ path, got, code: 'ssh.unreachable' }, two)).toBe(
      'Do it (hosts.web.ssh.jump[1] of inv.yaml)',
    );
  });
});

describe('the line of the inventory', () => {
  const INVENTORY = `defaults:
  ssh: { user: ops }
hosts:
  web:
    address: 10.0.0.1
    ssh:
      port: 2222
      hostKeys: [${PIN}]
      identityFile: ~/.ssh/ops
      identityPassphrase: ops_passphrase
      become: sudo
      sudoPassword: ops_sudo
      jump:
        - { address: 10.0.0.8, user: gate, hostKeys: [${PIN}] }
        - address: 10.0.0.9
          user: inner
          hostKeys: [${PIN}]
  plain: { address: 10.0.0.2, ssh: { hostKeys: [${PIN}] } }
secrets:
  ops_passphrase: { env: OPS }
  ops_sudo:
    command: [pass, ops]
`;
  const read = (env = {}) => {
    const folder = temporaryFolder('citadel-place-');
    writeFileSync(join(folder, 'inv.yaml'), INVENTORY);
    writeFileSync(join(folder, 'lab.json'), JSON.stringify({ plain: { port: 2022 } }));
    return loadInventory([], 'inv.yaml', env, folder);
  };
  const result = (stderr: string, exitCode = 1) => ({ exitCode, stdout: Buffer.alloc(0), stderr });

  function placeIn(problem: Partial<Problem>, host = 'web', inventory = read()): string {
    const error = new CitadelError({ code: 'ssh.auth', path: host, got: 'x', fix: 'Do it', ...problem });
    const said = withSshPlace(error, host, targetOf(inventory, host), inventory.source);
    return said instanceof CitadelError
      ? (said.problems[0]?.fix ?? '').replace(/^.*? \((?=hosts|secrets)(.*)\)$/s, '$1')
      : '';
  }
  const party = { host: 'web', user: 'ops', address: '10.0.0.1', port: 2222 };
  const ofSsh = (fault: SshFault): Problem => sshProblem(new SshError(party, fault));

  it('is that of the account, wherever it is written, where the account is refused', () => {
    const user = 'hosts.web.ssh.user, inv.yaml:2:16';
    const end = 'the host closed the connection';
    expect(placeIn({})).toBe(`${user}; hosts.web.ssh.identityFile, inv.yaml:9:21`);
    for (const said of [
      'Your account has expired; please contact your system administrator',
      'System is going down.',
    ])
      expect(placeIn(ofSsh(hungUpFault('ops', end, said)))).toBe(user);
    for (const said of [
      'This account is currently not available.',
      'Your account has expired',
      'This service allows sftp connections only.',
    ])
      expect(placeIn(notStarted({ user: 'ops', byHand: 'ssh a', program: 'p' }, result(said)))).toBe(user);
  });

  it('is that of the passphrase and of its secret where it is wrong', () => {
    const fault = {
      step: 'identity',
      kind: 'identity',
      got: 'the passphrase that was given is not the right one',
      fix: 'Try it',
      about: ['identityPassphrase|identityFile'],
    } as const;
    expect(placeIn(ofSsh(fault))).toBe(
      'hosts.web.ssh.identityPassphrase, inv.yaml:10:27; secrets.ops_passphrase, inv.yaml:20:19',
    );
  });

  it('is that of the way to become root, or of what it was given', () => {
    const about = (become: 'sudo' | 'doas' | 'run0', said: string, given: 'given' | 'none') =>
      placeIn({ code: 'ssh.sudo', ...refusalOf(become, 'ops', result(said), given) });
    const become = 'hosts.web.ssh.become, inv.yaml:11:15';
    const password = 'hosts.web.ssh.sudoPassword, inv.yaml:12:21; secrets.ops_sudo, inv.yaml:22:5';
    expect(about('sudo', 'sudo: 1 incorrect password attempt', 'given')).toBe(password);
    expect(about('sudo', 'sudo: a password is required', 'none')).toBe(password);
    expect(about('sudo', 'ops is not in the sudoers file.', 'given')).toBe(become);
    expect(about('doas', 'doas: Operation not permitted', 'none')).toBe(become);
    expect(about('run0', 'run0: not found', 'none')).toBe(become);
  });

  it('is that of the port where nothing listens, or else of the address', () => {
    expect(placeIn(ofSsh(REFUSED))).toBe('hosts.web.ssh.port, inv.yaml:7:13');
    expect(placeIn(ofSsh(REFUSED), 'plain')).toBe('hosts.plain.address, inv.yaml:18:21');
    const laidOver = read({ CITADEL_TARGETS: 'lab.json' });
    expect(placeIn(ofSsh(REFUSED), 'plain', laidOver)).toMatch(/^hosts\.plain\.ssh\.port, lab\.json:1:\d+$/);
    const got = 'inner@10.0.0.9:22: tcp connect: connection refused';
    expect(placeIn({ ...ofSsh(REFUSED), path: 'web via jump host', got })).toBe(
      'hosts.web.ssh.jump[1].address, inv.yaml:15:20',
    );
  });

  it('is that of a secret whose source fails, in place of which nothing else is named', () => {
    const problem = { code: 'secret.command', path: 'secrets/ops_sudo' };
    expect(placeIn(problem)).toBe('secrets.ops_sudo, inv.yaml:22:5');
  });
});
