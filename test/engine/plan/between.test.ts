import { describe, expect, it } from 'vitest';
import { planBetween } from '../../../lib/engine/plan/between.js';
import type { HostManifest } from '../../../lib/manifest/index.js';

const root = { owner: 'root', group: 'root', mode: '0644' };
const unit = { enabled: true, state: 'running' as const, restartOn: ['/etc/a.conf'], reloadOn: [], wave: 0 };
const before: HostManifest = {
  version: 1,
  host: 'alpha',
  packages: { htop: {}, jq: { version: '1.6' } },
  groups: { crew: { system: false } },
  users: { ann: { home: '/home/ann', shell: '/bin/sh', groups: ['crew'], system: false } },
  directories: { '/srv/data': { ...root, mode: '0755' } },
  files: {
    '/etc/a.conf': { ...root, content: 'one\ntwo\nkey=@@secret:key@@\n' },
    '/etc/key': { ...root, mode: '0600', secret: 'key' },
  },
  blocks: {
    '/etc/fstab': { '/srv': 'LABEL=srv /srv ext4 nofail,noatime 0 2\n' },
    '/etc/hosts': { peers: '10.0.0.2 beta' },
  },
  symlinks: { '/srv/link': { target: 'data' } },
  mounts: {
    '/srv': { source: 'LABEL=srv', type: 'ext4', options: ['nofail', 'noatime'], state: 'mounted' },
  },
  units: { 'a.service': unit },
  checks: { up: { kind: 'unit', unit: 'a.service', timeoutSec: 5, wave: 0 } },
};

describe('the plan between two documents', () => {
  it('of the same twice is nothing', async () => {
    const plan = await planBetween(before, before);
    expect(plan).toMatchObject({ changes: [], unitActions: [], notes: [], record: false });
  });

  it('shows lines, attributes, and what restarts, all with the cause "config"', async () => {
    const after: HostManifest = {
      ...before,
      packages: { htop: {}, jq: { version: '1.7' } },
      files: {
        '/etc/a.conf': { ...root, content: 'one\n2\nkey=@@secret:key@@\n' },
        '/etc/key': { ...root, mode: '0400', secret: 'key' },
      },
    };
    const { changes, unitActions, record } = await planBetween(before, after);
    expect(record).toBe(true);
    expect(unitActions).toEqual([{ unit: 'a.service', verb: 'restart', wave: 0 }]);
    expect(changes).toEqual([
      {
        section: 'packages',
        key: 'jq',
        action: 'update',
        cause: 'config',
        before: { version: '1.6' },
        after: { version: '1.7' },
      },
      expect.objectContaining({
        section: 'files',
        key: '/etc/a.conf',
        cause: 'config',
        restarts: ['a.service'],
        diff: '--- /etc/a.conf\n+++ /etc/a.conf\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n key=<secret key>\n',
      }),
      expect.objectContaining({ section: 'files', key: '/etc/key', cause: 'config' }),
    ]);
  });

  it('with nothing left removes everything, and names no number that no one knows', async () => {
    const { changes } = await planBetween(before, { version: 1, host: 'alpha' });
    expect(changes.map(({ section, key, action }) => `${action} ${section} ${key}`)).toEqual([
      'delete packages htop',
      'delete packages jq',
      'delete groups crew',
      'delete users ann',
      'delete directories /srv/data',
      'delete files /etc/a.conf',
      'delete files /etc/key',
      'delete blocks /etc/fstab',
      'delete blocks /etc/hosts',
      'delete symlinks /srv/link',
      'delete mounts /srv',
      'delete units a.service',
      'delete checks up',
    ]);
    expect(JSON.stringify(changes)).not.toMatch(/:-1[,}]/);
  });
});
