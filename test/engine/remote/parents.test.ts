import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, killingAfterState, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';
import { treeDifferences, treeFingerprint } from '../support/tree-fingerprint.js';

/** Directories that no document declares, made on the way to a file of ours, on a directory that stands for a host. */
const EMPTY: HostManifest = { version: 1, host: 'box' };
const own = { owner: 'root', group: 'root', mode: '0644' };
const withFile = (path: string, rest: Partial<HostManifest> = {}): HostManifest => ({
  ...EMPTY,
  files: { [path]: { content: 'x\n', ...own } },
  ...rest,
});

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
  root.shell('mkdir opt etc/x.d');
});
afterEach(() => root.remove());

async function apply(manifest: HostManifest): Promise<void> {
  const run = await root.runDirectly(await root.plan(manifest));
  expect([run.outcome, run.stderr], run.progress).toEqual(['committed', '']);
}
/** With all programs of the host, which `citadel-rollback` needs. */
async function applyWhole(manifest: HostManifest): Promise<void> {
  expect((await root.apply(manifest)).outcome).toBe('committed');
}
function onHost(generation: number): void {
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, 'to', String(generation), '--yes'], {
    encoding: 'utf8',
  });
  expect([run.status, run.stderr], run.stdout).toEqual([0, '']);
}
const is = (path: string): boolean => existsSync(root.at(path));

describe('a directory that was made on the way to a file', () => {
  it('goes with the last file, though it was declared once, named again, and is no more', async () => {
    const path = '/opt/a/one';
    const declared = withFile(path, {
      directories: { '/opt/a': { owner: 'root', group: 'root', mode: '0750' } },
    });
    await applyWhole(declared);
    await applyWhole(withFile(path));
    onHost(1);
    onHost(2);
    await applyWhole(declared);
    await applyWhole(withFile(path));
    await applyWhole(EMPTY);
    expect(is('/opt/a')).toBe(false);
  });

  it('goes with the last file, and one that stood there before stays', async () => {
    await apply(withFile('/opt/a/b/one', { symlinks: { '/opt/a/two': { target: 'x' } } }));
    await apply({ ...EMPTY, symlinks: { '/opt/a/two': { target: 'x' }, '/etc/x.d/l': { target: 'x' } } });
    expect([is('/opt/a'), is('/opt/a/b')]).toEqual([true, false]);
    await apply(EMPTY);
    expect([is('/opt'), is('/opt/a'), is('/etc/x.d')]).toEqual([true, false, true]);
    expect(readFileSync(root.at('/var/lib/citadel-iac/parents'), 'utf8')).toBe('');
  });

  it('goes with the declared directory in which it is', async () => {
    await apply(withFile('/opt/app/deep/er/conf', { directories: { '/opt/app': { ...own, mode: '0755' } } }));
    await apply(EMPTY);
    expect(is('/opt/app')).toBe(false);
  });

  it('goes when it was declared in between', async () => {
    await apply(withFile('/opt/app/conf'));
    await apply({ ...EMPTY, directories: { '/opt/app': { ...own, mode: '0755' } } });
    expect(is('/opt/app')).toBe(true);
    await apply(EMPTY);
    expect(is('/opt/app')).toBe(false);
  });

  it('is ours as the link that it became', async () => {
    await apply(withFile('/opt/app/conf'));
    await apply({ ...EMPTY, symlinks: { '/opt/app': { target: 'elsewhere' } } });
    await apply(EMPTY);
    expect(lstatSync(root.at('/opt/app'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('is ours as the file that it became, on the host itself too', async () => {
    for (const wanted of [
      { ...EMPTY, symlinks: { '/etc/l': { target: 'x' } } },
      withFile('/opt/app/conf'),
      withFile('/opt/app'),
    ])
      expect((await root.apply(wanted)).outcome).toBe('committed');
    const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
    const run = spawnSync('/bin/sh', [program, root.path, 'to', '1', '--yes'], { encoding: 'utf8' });
    expect([run.status, run.stderr], run.stdout).toEqual([0, '']);
    expect(is('/opt/app')).toBe(false);
  });

  it('goes after a block that made its file', async () => {
    await apply({ ...EMPTY, blocks: { '/opt/app/list': { ours: 'x\n' } } });
    root.shell('rm opt/app/list');
    await apply(EMPTY);
    expect(is('/opt/app')).toBe(false);
  });

  it('stays with what others put into it, and where a package has it by now', async () => {
    await apply(withFile('/opt/a/conf', { symlinks: { '/opt/pkg/l': { target: 'x' } } }));
    root.write('/opt/a/by-hand', 'mine\n');
    root.write(
      '/var/lib/dpkg/status',
      'Package: app\nStatus: install ok installed\nMaintainer: m\nArchitecture: all\nVersion: 1\nDescription: d\n',
    );
    root.write('/var/lib/dpkg/info/app.list', '/.\n/opt\n/opt/pkg\n');
    root.shell(
      'mkdir -p var/lib/dpkg/updates; touch var/lib/dpkg/available; echo 1 >var/lib/dpkg/info/format',
    );
    await apply(EMPTY);
    expect([is('/opt/a/by-hand'), is('/opt/pkg')]).toEqual([true, true]);
    root.shell('rm opt/a/by-hand');
    await apply(withFile('/etc/other'));
    expect(is('/opt/a')).toBe(false);
  });

  it('comes back by an undo as it was, and is known for ours after that', async () => {
    await apply(withFile('/opt/a %n/b/conf'));
    chmodSync(root.at('/opt/a %n'), 0o711);
    const before = await treeFingerprint(root.path);
    const run = await root.runDirectly(await root.plan(EMPTY), withFault(failing('remove_accounts')));
    expect([run.outcome, run.stderr]).toEqual(['rolled-back', '']);
    expect(treeDifferences(before, await treeFingerprint(root.path))).toEqual([]);
    expect(statSync(root.at('/opt/a %n')).mode & 0o7777).toBe(0o711);
    await apply(EMPTY);
    expect(is('/opt/a %n')).toBe(false);
  });

  it('comes back without the set-group-ID bit of the directory above, if it had none', async () => {
    root.shell('chgrp 778 opt; chmod 2775 opt');
    await apply(withFile('/opt/a/conf'));
    root.shell('chown root:root opt/a; chmod 00755 opt/a');
    const run = await root.runDirectly(await root.plan(EMPTY), withFault(failing('remove_accounts')));
    expect(run.outcome).toBe('rolled-back');
    expect(statSync(root.at('/opt/a')).mode & 0o7777).toBe(0o755);
  });

  it('is known for ours when the host dies at the commit', async () => {
    const run = await root.runDirectly(
      await root.plan(withFile('/opt/a/conf')),
      withFault(killingAfterState('committed')),
    );
    await root.recoverCleanly(run.id);
    expect(root.generation).toBe(1);
    await apply(EMPTY);
    expect(is('/opt/a')).toBe(false);
  });
});
