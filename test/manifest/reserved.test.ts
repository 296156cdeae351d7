import { describe, expect, it } from 'vitest';
import { checkManifest, formatProblem, recordedManifest } from '../../lib/manifest/index.js';

const owned = { owner: 'root', group: 'root', mode: '0644' };
const file = { content: '10\n', ...owned };
const said = (manifest: object): string[] =>
  checkManifest({ version: 1, host: 'web', ...manifest }).problems.map(formatProblem);

describe('places that no document can hold', () => {
  it('are refused with the construct, the reason and what to do', () => {
    const path = '/proc/sys/vm/swappiness';
    expect(said({ files: { [path]: file }, origins: { [`files/${path}`]: 'web/kernel' } })).toEqual([
      `[web/kernel] files["${path}"]: ${path} is below /proc, a place that no document can hold: it is the kernel's, and an undo could not put it back. Write a file in /etc/sysctl.d (validate: "sysctl"), and let its change restart systemd-sysctl.service.`,
    ]);
  });

  it.each(['/proc/x', '/sys/x', '/dev/x', '/run/x', '/var/run/x', '/var/lock/x', '/var/lib/citadel-iac/x'])(
    'in every section: %s',
    (path) => {
      const items = {
        files: file,
        directories: owned,
        symlinks: { target: '/x' },
        blocks: { a: 'a\n' },
        mounts: { source: 'tmpfs', type: 'tmpfs', options: ['defaults'], state: 'mounted' },
      };
      for (const [section, item] of Object.entries(items)) {
        expect(said({ [section]: { [path]: item } }).join(), section).toContain('no document can hold');
      }
      const user = { home: path, shell: '/bin/sh', groups: [], system: true };
      expect(said({ users: { a: user } })).toEqual([]);
      expect(said({ users: { a: { ...user, authorizedKeys: ['ssh-ed25519 AAAA'] } } }).join()).toContain(
        'can hold',
      );
    },
  );

  it('can be given other mount options where they are mounted on every host', () => {
    const blocks = { '/etc/fstab': { '/proc': 'proc /proc proc hidepid=2 0 0\n' } };
    const mount = { source: 'proc', type: 'proc', options: ['hidepid=2'], state: 'mounted' };
    expect(said({ blocks, mounts: { '/proc': mount } })).toEqual([]);
    expect(said({ directories: { '/proc': owned } }).join()).toContain('no document can hold');
  });

  it('are no neighbours, and no targets of links', () => {
    const files = { '/process/x': file, '/var/lib/citadel-iac2/x': file, '/srv/run/x': file };
    expect(said({ files, symlinks: { '/etc/x': { target: '/run/x' } } })).toEqual([]);
  });

  it('can be read in a document that was applied once', () => {
    const old = { version: 1, host: 'web', files: { '/run/x': file } };
    expect(recordedManifest(old)).toEqual(old);
    expect(() => recordedManifest({ version: 1 })).toThrow('host: is missing');
  });
});
