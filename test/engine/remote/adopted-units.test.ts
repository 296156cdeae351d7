import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest, ManifestUnit } from '../../../lib/manifest/index.js';
import { failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** Whether units that were there before us start at boot, by the links of an offline root. */
const EMPTY: HostManifest = { version: 1, host: 'box' };
const LINK = '/etc/systemd/system/multi-user.target.wants/theirs.service';
const theirs = (enabled: ManifestUnit['enabled']): HostManifest => ({
  ...EMPTY,
  units: { 'theirs.service': { enabled, state: 'any', restartOn: [], reloadOn: [], wave: 0 } },
});

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
  root.write(
    '/lib/systemd/system/theirs.service',
    '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n',
  );
  root.shell(
    `mkdir -p .${LINK.slice(0, LINK.lastIndexOf('/'))}; ln -s /lib/systemd/system/theirs.service .${LINK}`,
  );
});
afterEach(() => root.remove());

const enabled = (): boolean =>
  existsSync(root.at(LINK.slice(0, LINK.lastIndexOf('/')))) &&
  spawnSync('test', ['-L', root.at(LINK)]).status === 0;
async function apply(manifest: HostManifest): Promise<void> {
  expect((await root.apply(manifest)).outcome).toBe('committed');
}
function onHost(generation: number): string {
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, 'to', String(generation), '--yes'], {
    encoding: 'utf8',
  });
  expect([run.status, run.stderr], run.stdout).toEqual([0, '']);
  return run.stdout;
}

describe.skipIf(spawnSync('systemctl', ['--version']).status !== 0)(
  'a unit that was enabled before it was managed (skipped without systemctl)',
  () => {
    it('is enabled again when it leaves, and the plan says so', async () => {
      await apply(theirs(false));
      await apply({ ...theirs(false), symlinks: { '/etc/x': { target: 'y' } } });
      expect(enabled()).toBe(false);
      expect((await root.plan(EMPTY)).changes).toContainEqual({
        section: 'units',
        key: 'theirs.service',
        action: 'update',
        cause: 'config',
        before: { enabled: false },
        after: { enabled: true },
        note: 'is enabled as before it was managed, and not started',
      });
      const undone = await root.runDirectly(await root.plan(EMPTY), withFault(failing('await_confirmation')));
      expect([undone.outcome, enabled()]).toEqual(['rolled-back', false]);
      await apply(EMPTY);
      expect([enabled(), (await root.plan(EMPTY)).changes]).toEqual([true, []]);
    });

    it.each([
      ['ours.service', '/etc/systemd/system/ours.service'],
      ['ours.service', '/usr/local/lib/systemd/system/ours.service'],
      ['ours@a.service', '/usr/lib/systemd/system/ours@.service'],
    ])(
      'is disabled again when it was, or was not there (%s of our file %s), and the document no longer says that it is enabled',
      async (name, ours) => {
        root.shell(`rm .${LINK}`);
        const document = (isEnabled: true | null): HostManifest => ({
          ...theirs(isEnabled),
          files: {
            [ours]: {
              content: '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n',
              owner: 'root',
              group: 'root',
              mode: '0644',
            },
          },
          units: {
            ...theirs(isEnabled).units,
            [name]: {
              ...theirs(isEnabled).units?.['theirs.service'],
              enabled: isEnabled,
            } as ManifestUnit,
          },
        });
        const links = (): string[] =>
          readdirSync(root.at(LINK.slice(0, LINK.lastIndexOf('/')))).filter((name) => name !== '.keep');
        root.shell(
          `mkdir -p .${LINK.slice(0, LINK.lastIndexOf('/'))}; touch .${LINK.slice(0, LINK.lastIndexOf('/'))}/.keep`,
        );
        await apply(document(null));
        await apply(document(true));
        expect(links().sort()).toEqual([name, 'theirs.service']);
        expect((await root.plan(document(null))).changes).toMatchObject([
          { key: name, after: { enabled: false } },
          { key: 'theirs.service', after: { enabled: false } },
        ]);
        await apply(document(null));
        expect([links(), (await root.plan(document(null))).changes]).toEqual([[], []]);
        onHost(2);
        expect(links().sort()).toEqual([name, 'theirs.service']);
        onHost(1);
        expect(links()).toEqual([]);
      },
    );

    it('is enabled again when the document no longer says whether it is to be, here and on the host', async () => {
      await apply(theirs(null));
      await apply(theirs(false));
      expect((await root.plan(theirs(null))).changes).toMatchObject([
        { key: 'theirs.service', note: 'is enabled as before it was managed, and not started' },
      ]);
      expect(onHost(1)).toContain('is enabled as before it was managed');
      expect(enabled()).toBe(true);
      await apply(theirs(false));
      await apply(theirs(null));
      expect([enabled(), (await root.plan(theirs(null))).changes]).toEqual([true, []]);
      await apply(EMPTY);
      expect(enabled()).toBe(true);
    });

    it('stays disabled when a person masked it since', async () => {
      await apply(theirs(false));
      root.shell('ln -s /dev/null etc/systemd/system/theirs.service');
      expect((await root.plan(EMPTY)).changes).toEqual([]);
    });

    it('is enabled again on the host too, and disabled by the way back to it', async () => {
      await apply({ ...EMPTY, symlinks: { '/etc/x': { target: 'y' } } });
      await apply(theirs(false));
      expect(onHost(1)).toContain('theirs.service');
      expect(enabled()).toBe(true);
      onHost(2);
      expect(enabled()).toBe(false);
      await apply(EMPTY);
      expect(enabled()).toBe(true);
    });

    it('is what it was at the time when it was named again', async () => {
      await apply({ ...EMPTY, symlinks: { '/etc/x': { target: 'y' } } });
      await apply(theirs(false));
      onHost(1);
      root.shell(`rm .${LINK}`);
      onHost(2);
      await apply(EMPTY);
      expect(enabled()).toBe(false);
    });
  },
);
