import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import ssh2 from 'ssh2';
import { SshError } from '../../lib/ssh/index.js';
import { describeHostKey, HostKeySearch, unpinnedFault } from '../../lib/ssh/host-key.js';
import { newKey, Scratch } from './support/keys.js';

const PIN = `SHA256:${'A'.repeat(43)}`;
const OTHER = `SHA256:${'B'.repeat(43)}`;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await Scratch.make();
});
afterAll(() => scratch.remove());

function hasKeygen(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v ssh-keygen'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('describeHostKey', () => {
  it.skipIf(!hasKeygen())('says what ssh-keygen -lf says (skipped without ssh-keygen)', async () => {
    for (const type of ['ed25519', 'ecdsa', 'rsa'] as const) {
      const key = newKey(type);
      const path = await scratch.file(`${type}.pub`, `${key.publicText}\n`);
      const line = execFileSync('ssh-keygen', ['-lf', path], { encoding: 'utf8' });
      expect(line.split(' ')[1]).toBe(key.fingerprint);
    }
  });

  it('names the type of a key, and of nonsense none', () => {
    const parsed = ssh2.utils.parseKey(newKey('ecdsa').publicText);
    if (parsed instanceof Error) throw parsed;
    expect(describeHostKey(parsed.getPublicSSH()).type).toBe('ecdsa-sha2-nistp256');
    expect(describeHostKey(Buffer.alloc(0)).type).toBe('unknown');
    expect(describeHostKey(Buffer.from([0, 0, 0, 3, 10, 27, 7])).type).toBe('unknown');
    expect(describeHostKey(Buffer.from([255, 255, 255, 255, 65])).type).toBe('A');
  });
});

describe('a search for a pinned host key', () => {
  const ed25519 = { type: 'ssh-ed25519', fingerprint: OTHER };
  const rsa = { type: 'ssh-rsa', fingerprint: PIN };
  const offered = ['rsa-sha2-512', 'rsa-sha2-256', 'ecdsa-sha2-nistp256', 'ssh-ed25519'];

  it('accepts any one of the pins, with and without its type', () => {
    expect(new HostKeySearch([PIN, OTHER]).accepts(ed25519, offered)).toBe(true);
    expect(new HostKeySearch([`ssh-ed25519 ${OTHER}`]).accepts(ed25519, offered)).toBe(true);
    expect(new HostKeySearch([`ssh-rsa ${OTHER}`]).accepts(ed25519, offered)).toBe(false);
  });

  it('asks for types that pins name first', () => {
    expect(new HostKeySearch([PIN]).algorithms[0]).toBe('ssh-ed25519');
    expect(new HostKeySearch([OTHER, `ssh-rsa ${PIN}`]).algorithms.slice(0, 3)).toEqual([
      'rsa-sha2-512',
      'rsa-sha2-256',
      'ssh-ed25519',
    ]);
  });

  it('goes on with types that the host has, until one is pinned or there is none', () => {
    const any = new HostKeySearch([PIN]);
    expect(any.accepts(ed25519, offered)).toBe(false);
    expect(any.algorithms).toEqual(['ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256']);
    expect(any.accepts(rsa, offered)).toBe(true);
    const typed = new HostKeySearch([`ssh-ed25519 ${PIN}`]);
    expect(typed.accepts(ed25519, offered)).toBe(false);
    // The pin may say the wrong type of the right key.
    expect(typed.algorithms).toEqual(['ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256']);
    const none = new HostKeySearch([]);
    expect(none.accepts(ed25519, offered)).toBe(false);
    expect(none.algorithms).toEqual([]);
  });
});

describe('unpinnedFault', () => {
  const offered = { type: 'ssh-ed25519', fingerprint: OTHER };

  it('refuses a host without pins and says how to add one', () => {
    const fault = unpinnedFault([offered], []);
    expect(fault.got).toBe(`no host key is pinned for this host; it offers ssh-ed25519 ${OTHER}`);
    expect(fault.fix).toBe(
      'Before trusting it, compare it with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" on the host\'s own ' +
        `console; when they are equal, add "${OTHER}" to hostKeys`,
    );
  });

  it('refuses another key with what it is and what to do', () => {
    const party = { host: 'ai-node', user: 'agent0', address: '192.168.10.35', port: 22 };
    expect(new SshError(party, unpinnedFault([offered], [PIN])).message).toBe(
      'ai-node (agent0@192.168.10.35:22): host key: the host offers ssh-ed25519 ' +
        `${OTHER}, which is not pinned (pinned: ${PIN}). ` +
        'Another machine may be answering, or the host was reinstalled; nothing was sent to it. ' +
        'In the second case compare it with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" on the host\'s own ' +
        `console; when they are equal, put "${OTHER}" into hostKeys.`,
    );
  });

  it('names certificates where the host has one', () => {
    expect(unpinnedFault([offered], [PIN], true).fix).toContain('"client: system"');
  });
});
