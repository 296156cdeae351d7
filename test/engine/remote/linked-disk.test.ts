import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** A file behind a link to another file system: it is there whole at each moment, since it comes by a rename within that. */
const root = new OfflineRoot();
root.shell('mkdir -p disk opt');
const canMount = spawnSync('mount', ['-t', 'tmpfs', 'citadel-test', root.at('/disk')]).status === 0;
afterEach(() => {
  if (canMount) root.shell('umount disk');
  root.remove();
});

it.skipIf(!canMount)('is written next to its place there (skipped without mount)', async () => {
  root.shell('ln -s ../disk opt/linked; echo old >disk/conf');
  const manifest: HostManifest = {
    version: 1,
    host: 'box',
    files: { '/opt/linked/conf': { content: 'new\n', owner: 'root', group: 'root', mode: '0644' } },
  };
  // What the disk holds before the rename of the switch: the old file, whole, and the new one next to it.
  const look = `mv() {
  case $* in *'/opt/linked/conf') cat '${root.at('/disk')}'/conf '${root.at('/disk')}'/.citadel-iac.* >>'${root.at('/seen')}' 2>&1 ;; esac
  command mv "$@"
}`;
  const done = await root.runDirectly(await root.plan(manifest), withFault(look));
  expect(done.outcome).toBe('committed');
  expect(['/seen', '/disk/conf'].map((path) => readFileSync(root.at(path), 'utf8'))).toEqual([
    'old\nnew\n',
    'new\n',
  ]);
});
