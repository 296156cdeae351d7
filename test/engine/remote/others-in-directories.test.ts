import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { before, withFault } from '../support/faults.js';
import { OfflineRoot, type DirectRun } from '../support/offline-root.js';

/** What others put into a directory of ours is theirs, whatever becomes of the directory, and whenever they did. */
const EMPTY: HostManifest = { version: 1, host: 'box' };
const own = { owner: 'root', group: 'root', mode: '0644' };
const directory = { ...own, mode: '0755' };
const file = { content: 'x\n', ...own };

const hasSystemctl = spawnSync('systemctl', ['--version']).status === 0;

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
  root.shell('mkdir -p opt etc/systemd/system');
});
afterEach(() => root.remove());

/** Runs a plan while a script puts something into the root as a function of the transaction begins. */
async function meanwhile(
  wanted: HostManifest,
  point: string,
  script: string,
  fails = false,
): Promise<DirectRun> {
  const fault = before(
    point,
    `(cd "$ROOT" && ${script})${fails ? '; echo planted >"$DIR/words"; return 1' : ''}`,
  );
  return root.runDirectly(await root.plan(wanted), withFault(fault));
}
async function apply(manifest: HostManifest): Promise<void> {
  expect((await root.runDirectly(await root.plan(manifest))).outcome).toBe('committed');
}
const text = (path: string): string => readFileSync(root.at(path), 'utf8');

describe('what others put into a directory of ours', () => {
  it.each(['/opt/made', '/opt/way/to', '/opt/way'])(
    'stays when %s was new and the change is undone',
    async (path) => {
      const wanted = {
        ...EMPTY,
        directories: { '/opt/made': directory },
        files: { '/opt/made/ours': file, '/opt/way/to/ours': file },
      };
      const run = await meanwhile(wanted, 'await_confirmation', `echo theirs >.${path}/theirs`, true);
      expect([run.outcome, run.stderr, text(`${path}/theirs`)]).toEqual(['rolled-back', '', 'theirs\n']);
      expect(run.progress).toContain(`directory ${path} is not empty and stays`);
      expect([existsSync(root.at('/opt/made/ours')), existsSync(root.at('/opt/way/to/ours'))]).toEqual([
        false,
        false,
      ]);
    },
  );

  it.each([
    ['a file', { files: { '/opt/turns': file } }],
    ['a link', { symlinks: { '/opt/turns': { target: 'x' } } }],
  ])('stays when the directory came in the place of %s and the change is undone', async (_what, was) => {
    await apply({ ...EMPTY, ...was });
    const wanted = { ...EMPTY, directories: { '/opt/turns': directory }, files: { '/opt/turns/ours': file } };
    const run = await meanwhile(wanted, 'await_confirmation', 'echo theirs >opt/turns/theirs', true);
    expect([run.outcome, run.stderr, text('/opt/turns/theirs')]).toEqual(['rolled-back', '', 'theirs\n']);
    expect(run.progress).toContain(
      'directory /opt/turns is not empty and stays; what was there before is kept in ',
    );
    expect(existsSync(root.at('/opt/turns/ours'))).toBe(false);
    await apply(wanted);
    expect(text('/opt/turns/theirs')).toBe('theirs\n');
  });

  it('stays when the directory leaves', async () => {
    await apply({ ...EMPTY, directories: { '/opt/made': directory }, files: { '/opt/made/ours': file } });
    const run = await meanwhile(EMPTY, 'put_paths', 'echo theirs >opt/made/theirs');
    expect([run.outcome, text('/opt/made/theirs')]).toEqual(['committed', 'theirs\n']);
    expect(run.progress).toContain('directory /opt/made is not empty and stays');
    expect(existsSync(root.at('/opt/made/ours'))).toBe(false);
  });

  it('stays where only a file of ours was in a directory that no one declared', async () => {
    await apply({ ...EMPTY, files: { '/opt/way/ours': file } });
    const run = await meanwhile(EMPTY, 'drop_parent', 'echo theirs >opt/way/theirs');
    expect([run.outcome, text('/opt/way/theirs')]).toEqual(['committed', 'theirs\n']);
  });

  it.each([
    ['a file', '/opt/made', { files: { '/opt/made': file } }],
    ['a link', '/opt/made/sub', { symlinks: { '/opt/made': { target: 'x' } } }],
  ])('ends a change that would put %s in the place of the directory: %s', async (_what, path, wanted) => {
    await apply({
      ...EMPTY,
      directories: { '/opt/made': directory, '/opt/made/sub': directory },
      files: { '/opt/made/ours': file },
    });
    const run = await meanwhile({ ...EMPTY, ...wanted }, 'put_paths', `echo theirs >.${path}/theirs`);
    expect([run.outcome, text(`${path}/theirs`), text('/opt/made/ours')]).toEqual([
      'rolled-back',
      'theirs\n',
      'x\n',
    ]);
  });

  it.skipIf(!hasSystemctl)(
    'stays next to the links by which our unit was enabled, when that is undone',
    async () => {
      const unit = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
      const wanted: HostManifest = {
        ...EMPTY,
        files: { '/etc/systemd/system/x.service': { ...own, content: unit } },
        units: { 'x.service': { enabled: true, state: 'any', restartOn: [], reloadOn: [], wave: 0 } },
      };
      const wants = '/etc/systemd/system/multi-user.target.wants';
      const run = await meanwhile(
        wanted,
        'await_confirmation',
        `ln -s /theirs .${wants}/theirs.service`,
        true,
      );
      expect(run.outcome).toBe('rolled-back');
      expect(lstatSync(root.at(`${wants}/theirs.service`)).isSymbolicLink()).toBe(true);
      expect(lstatSync(root.at(`${wants}/x.service`), { throwIfNoEntry: false })).toBeUndefined();
    },
  );
});
