import { describe, expect, it } from 'vitest';
import { expandManifest, itemDigest, type HostManifest } from '../../lib/manifest/index.js';

const user = { home: '/home/agent0', shell: '/bin/bash', groups: [], system: false };

describe('expandManifest', () => {
  it('passes an empty manifest on', () => {
    expect(expandManifest({ version: 1, host: 'a' })).toEqual({ version: 1, host: 'a' });
  });

  it('turns keys into ~/.ssh and a file that belong to the user', () => {
    const manifest: HostManifest = {
      version: 1,
      host: 'a',
      users: {
        agent0: {
          ...user,
          group: 'agents',
          authorizedKeys: ['ssh-ed25519 AAAA one', 'ssh-ed25519 BBBB two'],
        },
      },
      origins: { 'users/agent0': 'a/agent0' },
    };
    expect(expandManifest(manifest)).toEqual({
      version: 1,
      host: 'a',
      users: { agent0: { ...user, group: 'agents' } },
      directories: { '/home/agent0/.ssh': { owner: 'agent0', group: 'agents', mode: '0700' } },
      files: {
        '/home/agent0/.ssh/authorized_keys': {
          content: 'ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n',
          owner: 'agent0',
          group: 'agents',
          mode: '0600',
        },
      },
      origins: {
        'users/agent0': 'a/agent0',
        'directories//home/agent0/.ssh': 'a/agent0',
        'files//home/agent0/.ssh/authorized_keys': 'a/agent0',
      },
    });
  });

  it('writes an empty file for an empty list, and none without a list', () => {
    const expand = (keys?: string[]) =>
      expandManifest({
        version: 1,
        host: 'a',
        users: { agent0: { ...user, ...(keys === undefined ? {} : { authorizedKeys: keys }) } },
      }).files;
    expect(expand([])?.['/home/agent0/.ssh/authorized_keys']?.content).toBe('');
    expect(expand()).toBeUndefined();
  });

  it('keeps a declared ~/.ssh and everything else', () => {
    const declared = { owner: 'root', group: 'root', mode: '0755' };
    const expanded = expandManifest({
      version: 1,
      host: 'a',
      users: { agent0: { ...user, authorizedKeys: ['k'] } },
      directories: { '/home/agent0/.ssh': declared, '/opt/x': declared },
    });
    expect(expanded.directories).toEqual({ '/home/agent0/.ssh': declared, '/opt/x': declared });
  });
});

describe('itemDigest', () => {
  it('does not depend on the order of members, but on section, key and value', () => {
    expect(itemDigest('files', '/a', { x: 1, y: 2 })).toBe(itemDigest('files', '/a', { y: 2, x: 1 }));
    const digests = [
      itemDigest('files', '/a', 1),
      itemDigest('files', '/b', 1),
      itemDigest('blocks', '/a', 1),
      itemDigest('files', '/a', 2),
    ];
    expect(new Set(digests).size).toBe(4);
  });
});
