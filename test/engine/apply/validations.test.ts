import { describe, expect, it } from 'vitest';
import type { PathOperation } from '../../../lib/engine/apply/path-operations.js';
import { validationRecords } from '../../../lib/engine/apply/validations.js';
import { validatorOf, type HostManifest, type ManifestFile } from '../../../lib/manifest/index.js';

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

  it('is a file, block or link at a path that a program is known to read, also without being asked', () => {
    const desired: HostManifest = {
      version: 1,
      host: 'box',
      files: {
        '/etc/ssh/sshd_config': file(),
        '/etc/systemd/system/a.service.d/limits.conf': file(),
        '/etc/cron.d/a': file('cron'),
      },
      blocks: { '/etc/sysctl.d/a.conf': { x: 'a = 1\n' }, '/etc/fstab': { x: '# y\n' } },
      symlinks: { '/etc/logrotate.d/a': { target: '/srv/a' } },
    };
    const every = [...Object.keys({ ...desired.files, ...desired.blocks, ...desired.symlinks })];
    expect(validationRecords(desired, removed(...every)).replaceAll('\x1f', ' ')).toBe(
      [
        'cron /etc/cron.d/a',
        'fstab /etc/fstab optional',
        'logrotate /etc/logrotate.d/a optional',
        'sshd-config /etc/ssh/sshd_config optional',
        'sysctl /etc/sysctl.d/a.conf optional',
        'systemd-unit /etc/systemd/system/a.service.d/limits.conf optional',
        '',
      ].join('\n'),
    );
  });

  it('is what leaves such a path, or is put back there from before us, where the host has the tool', () => {
    const none: HostManifest = { version: 1, host: 'box' };
    const put = (path: string): string => validationRecords(none, [{ op: 'original', path, copy: '/x' }]);
    expect(put('/etc/ssh/sshd_config')).toBe('sshd-config\x1f/etc/ssh/sshd_config\x1foptional\n');
    expect(put('/etc/sudoers.d/ops')).toBe('sudoers\x1f/etc/sudoers.d/ops\x1foptional\n');
    // sudo ignores a file with a dot in its name.
    expect(put('/etc/sudoers.d/ops.bak')).toBe('');
    expect(put('/etc/default/grub')).toBe('');
    expect(validationRecords(none, removed('/etc/ssh/sshd_config.d/a.conf', '/opt/a.conf'))).toBe(
      'sshd-config\x1f/etc/ssh/sshd_config.d/a.conf\x1foptional\n',
    );
  });

  it('is each well-known path, and none that its program passes over', () => {
    const read = ['/etc/nftables.conf', '/etc/logrotate.conf', '/usr/lib/systemd/system/a@.timer'];
    const passed = [
      '/etc/ssh/sshd_config.d/README',
      '/etc/sysctl.d/a',
      '/etc/cron.d/a.b',
      '/etc/systemd/system/a.wants/b.service',
      '/etc/sudoers.d/a~',
    ];
    expect([...read, ...passed].filter((path) => validatorOf(path) !== undefined)).toEqual(read);
  });
});
