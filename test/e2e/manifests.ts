import { validateManifest } from '../../lib/manifest/validate.js';
import type { HostManifest, Section } from '../../lib/manifest/index.js';

/** Twenty lines, so that a change of one shows how small a diff is. */
export function lines(changed: Readonly<Record<number, string>> = {}): string {
  return Array.from({ length: 20 }, (_, n) => `${changed[n + 1] ?? `line ${String(n + 1)}`}\n`).join('');
}

export function service(description: string, command = '/usr/bin/sleep infinity'): string {
  return [
    '[Unit]',
    `Description=${description}`,
    '[Service]',
    `ExecStart=${command}`,
    'ExecReload=/usr/bin/true',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

const root = { owner: 'root', group: 'root' } as const;

/** The sections of a manifest, each there, for a test to change. */
export type Draft = { [S in Section]: NonNullable<HostManifest[S]> };

/** A host with one item of each kind. */
export function sample(change: (draft: Draft) => void = () => undefined): HostManifest {
  const draft: Draft = {
    packages: { tree: {} },
    groups: { demo: { system: true } },
    users: {
      demo: { group: 'demo', home: '/srv/demo', shell: '/usr/sbin/nologin', groups: [], system: true },
    },
    directories: {
      '/srv/demo': { ...root, mode: '0755' },
      '/srv/demo/conf.d': { owner: 'demo', group: 'demo', mode: '0750' },
    },
    files: {
      '/srv/demo/a.conf': { content: lines(), ...root, mode: '0644' },
      '/srv/demo/b.conf': { content: lines(), ...root, mode: '0644' },
      '/etc/systemd/system/demo-a.service': {
        content: service('A'),
        ...root,
        mode: '0644',
        validate: 'systemd-unit' as const,
      },
      '/etc/systemd/system/demo-b.service': {
        content: service('B'),
        ...root,
        mode: '0644',
        validate: 'systemd-unit' as const,
      },
    },
    blocks: {
      '/etc/fstab': {
        '/mnt/citadel-models': '/dev/nvme1n1p1 /mnt/citadel-models ext4 defaults,nofail 0 2\n',
      },
    },
    symlinks: { '/srv/demo/current': { target: 'a.conf' } },
    mounts: {
      '/mnt/citadel-models': {
        source: '/dev/nvme1n1p1',
        type: 'ext4',
        options: ['defaults', 'nofail'],
        state: 'mounted' as const,
      },
    },
    units: {
      'cron.service': { enabled: true, state: 'running' as const, restartOn: [], reloadOn: [], wave: 0 },
      'demo-a.service': {
        enabled: true,
        state: 'running' as const,
        restartOn: ['/etc/systemd/system/demo-a.service', '/srv/demo/a.conf'],
        reloadOn: [],
        wave: 0,
      },
      'demo-b.service': {
        enabled: true,
        state: 'running' as const,
        restartOn: ['/etc/systemd/system/demo-b.service'],
        reloadOn: ['/srv/demo/b.conf'],
        wave: 1,
      },
    },
    checks: { 'demo-a': { kind: 'unit' as const, unit: 'demo-a.service', timeoutSec: 5, wave: 0 } },
  };
  change(draft);
  const origins: Record<string, string> = {};
  for (const [section, items] of Object.entries(draft)) {
    for (const key of Object.keys(items))
      origins[`${section}/${key}`] = `ai-node/demo/${key.split('/').at(-1) ?? key}`;
  }
  return validateManifest({ version: 1, host: 'ai-node', ...draft, origins });
}
