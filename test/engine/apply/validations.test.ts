import { describe, expect, it } from 'vitest';
import type { PathOperation } from '../../../lib/engine/apply/path-operations.js';
import { validationRecords } from '../../../lib/engine/apply/validations.js';
import type { HostManifest, ManifestFile } from '../../../lib/manifest/index.js';

const file = (validate?: ManifestFile['validate']): ManifestFile => ({
  content: '',
  owner: 'root',
  group: 'root',
  mode: '0644',
  ...(validate === undefined ? {} : { validate }),
});
const manifest: HostManifest = {
  version: 1,
  host: 'box',
  files: {
    '/etc/prometheus/prometheus.yml': file('prometheus-config'),
    '/etc/prometheus/rules/a.yml': file('prometheus-rules'),
    '/etc/nftables.conf': file('nftables'),
    '/etc/motd': file(),
  },
  blocks: { '/etc/fstab': { x: '# y\n' } },
};
const removed = (...paths: string[]): PathOperation[] => paths.map((path) => ({ op: 'del', path }));
const records = (...paths: string[]): string[] =>
  validationRecords(manifest, removed(...paths))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\u001f').join(' '));

describe('what is validated', () => {
  it('is nothing when nothing with a validator changes', () => {
    expect(records('/etc/motd', '/opt/x')).toEqual([]);
    expect(validationRecords({ version: 1, host: 'box' }, removed('/a'))).toBe('');
  });

  it('is a changed file', () => {
    expect(records('/etc/nftables.conf')).toEqual(['nftables /etc/nftables.conf']);
  });

  it('is an unchanged file in whose folder something changes, in the order of paths', () => {
    expect(records('/etc/prometheus/rules/b.yml')).toEqual([
      'prometheus-config /etc/prometheus/prometheus.yml',
      'prometheus-rules /etc/prometheus/rules/a.yml',
    ]);
  });

  it('is not a file in / because of what changes anywhere else', () => {
    const desired = {
      version: 1,
      host: 'box',
      files: { '/x': { content: '', owner: 'root', group: 'root', mode: '0644', validate: 'cron' } },
    } as const;
    expect(validationRecords(desired, removed('/opt/y', '/xy'))).toBe('');
    expect(validationRecords(desired, removed('/x'))).toContain('/x');
  });

  it('is what is put back from before us, by its path, where the host has the tool', () => {
    const put = (path: string): string =>
      validationRecords({ version: 1, host: 'box' }, [{ op: 'original', path, copy: '/x' }]);
    expect(put('/etc/ssh/sshd_config')).toBe('sshd-config\x1f/etc/ssh/sshd_config\x1foriginal\n');
    expect(put('/etc/sudoers.d/ops')).toBe('sudoers\x1f/etc/sudoers.d/ops\x1foriginal\n');
    // sudo ignores a file with a dot in its name.
    expect(put('/etc/sudoers.d/ops.bak')).toBe('');
    expect(put('/etc/default/grub')).toBe('');
  });

  it('is fstab when a block of ours is in it', () => {
    expect(records('/etc/fstab')).toEqual(['fstab /etc/fstab']);
  });
});
