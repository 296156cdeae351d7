import { describe, expect, it } from 'vitest';
import { withSshPlace } from '../../lib/cli/ssh-place.js';
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
    for (const code of ['ssh.identity', 'ssh.auth'])
      expect(fixOf({ code }, named)).toBe('Do it (hosts.web.ssh.identityFile of inv.yaml)');
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
