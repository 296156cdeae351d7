import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** A file that a block of ours made, on a directory that stands for a host. */
const EMPTY: HostManifest = { version: 1, host: 'box' };
const PATH = '/etc/environment';
const block: HostManifest = { ...EMPTY, blocks: { [PATH]: { ours: 'A=1\n' } } };

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => root.remove());

async function apply(manifest: HostManifest): Promise<void> {
  expect((await root.apply(manifest)).outcome).toBe('committed');
}
function onHost(generation: number): void {
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, 'to', String(generation), '--yes'], {
    encoding: 'utf8',
  });
  expect([run.status, run.stderr], run.stdout).toEqual([0, '']);
}
const is = (): boolean => existsSync(root.at(PATH));
const text = (): string => readFileSync(root.at(PATH), 'utf8');

describe('a file that was made for a block', () => {
  it('goes with the block, and comes back by an undo', async () => {
    await apply(block);
    const whole = text();
    const run = await root.runDirectly(await root.plan(EMPTY), withFault(failing('remove_accounts')));
    expect([run.outcome, run.stderr, text()]).toEqual(['rolled-back', '', whole]);
    await apply(EMPTY);
    expect([is(), (await root.plan(EMPTY)).changes]).toEqual([false, []]);
  });

  it('stays with what others wrote into it', async () => {
    await apply(block);
    root.shell(`echo B=2 >>.${PATH}`);
    await apply(EMPTY);
    expect(text()).toBe('B=2\n');
  });

  it('stays, though empty, when it was there before', async () => {
    root.write(PATH, '');
    await apply(block);
    await apply(EMPTY);
    expect(text()).toBe('');
  });

  it('comes and goes on the host as by the engine', async () => {
    await apply({ ...EMPTY, symlinks: { '/etc/x': { target: 'y' } } });
    await apply(block);
    onHost(1);
    expect(is()).toBe(false);
    onHost(2);
    await apply(EMPTY);
    expect(is()).toBe(false);
  });

  it('takes the place of a directory of ours, and gives it back', async () => {
    const directory: HostManifest = {
      ...EMPTY,
      directories: { [PATH]: { owner: 'root', group: 'root', mode: '0750' } },
    };
    await apply(directory);
    await apply(block);
    expect([text(), (await root.plan(block)).changes]).toEqual([expect.stringContaining('A=1\n'), []]);
    onHost(1);
    expect(statSync(root.at(PATH)).isDirectory()).toBe(true);
    onHost(2);
    await apply(directory);
    expect(statSync(root.at(PATH)).isDirectory()).toBe(true);
    await apply(block);
    await apply(EMPTY);
    expect(is()).toBe(false);
  });

  it('says what goes with the directory whose place it takes, and keeps a copy', async () => {
    await apply({ ...EMPTY, directories: { [PATH]: { owner: 'root', group: 'root', mode: '0750' } } });
    root.write(`${PATH}/of-others`, 'x');
    const [change] = (await root.plan(block)).changes;
    expect(change?.note).toMatch(/^not empty: 1 entry will go with it, and a copy is kept/);
    await apply(block);
    const kept = root.at(`/var/lib/citadel-iac/generations/2/undo/a.tree${PATH}/of-others`);
    expect(readFileSync(kept, 'utf8')).toBe('x');
  });

  it('does not take the place of a directory that was there before', async () => {
    root.shell(`mkdir -p .${PATH}`);
    await apply({ ...EMPTY, directories: { [PATH]: { owner: 'root', group: 'root', mode: '0750' } } });
    await expect(root.plan(block)).rejects.toThrow('a block can only stand in a regular file');
  });
});
