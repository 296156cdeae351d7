import { describe, expect, it } from 'vitest';
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
const records = (...paths: string[]): string[] =>
  validationRecords(manifest, new Set(paths))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\u001f').join(' '));

describe('what is validated', () => {
  it('is nothing when nothing with a validator changes', () => {
    expect(records('/etc/motd', '/opt/x')).toEqual([]);
    expect(validationRecords({ version: 1, host: 'box' }, new Set(['/a']))).toBe('');
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
    expect(validationRecords(desired, new Set(['/opt/y', '/xy']))).toBe('');
    expect(validationRecords(desired, new Set(['/x']))).toContain('/x');
  });

  it('is fstab when a block of ours is in it', () => {
    expect(records('/etc/fstab')).toEqual(['fstab /etc/fstab']);
  });
});
