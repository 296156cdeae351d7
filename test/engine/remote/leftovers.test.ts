import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What a transaction that was cut short left next to managed paths is neither told as a person's, nor stays. */
const own = { owner: 'root', group: 'root', mode: '0644' } as const;
const directory = { owner: 'root', group: 'root', mode: '0755' } as const;
const files = (...paths: readonly string[]): HostManifest => ({
  version: 1,
  host: 'box',
  files: Object.fromEntries(paths.map((path) => [path, { content: 'x\n', ...own }])),
});
const LEFT = '.citadel-iac.0123456789ab-01234567';

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => root.remove());

it('next to a path that does not change goes with the next apply of anything', async () => {
  await root.apply(files('/etc/a', '/srv/deep/b'));
  root.write(`/etc/${LEFT}`, 'half');
  root.shell(`ln -s a srv/deep/${LEFT}`);
  root.write('/etc/.citadel-iac.conf', 'a person’s');
  const result = await root.apply(files('/etc/a', '/srv/deep/b', '/opt/new'));
  expect(result.outcome).toBe('committed');
  expect([...result.notes].sort()).toEqual([
    `left over from an earlier transaction, taken away: /etc/${LEFT}`,
    `left over from an earlier transaction, taken away: /srv/deep/${LEFT}`,
  ]);
  expect(readdirSync(root.at('/etc')).filter((name) => name.startsWith('.'))).toEqual(['.citadel-iac.conf']);
  expect(readdirSync(root.at('/srv/deep'))).toEqual(['b']);
});

it('in a directory that leaves, or becomes a file, does not keep it, and is told of no one', async () => {
  const both: HostManifest = {
    ...files('/etc/a'),
    directories: { '/opt/gone': directory, '/opt/file': directory },
  };
  await root.apply(both);
  for (const name of ['gone', 'file']) root.write(`/opt/${name}/${LEFT}`, 'half');
  const later = files('/etc/a', '/opt/file');
  expect(JSON.stringify((await root.plan(later)).changes)).not.toContain('not empty');
  const result = await root.apply(later);
  expect([result.outcome, result.notes.filter((note) => note.includes('stays'))]).toEqual(['committed', []]);
  expect(readdirSync(root.at('/opt'))).toEqual(['file']);
});

it('outside of an offline root is not touched', async () => {
  const outside = new OfflineRoot();
  try {
    outside.write(`/etc/${LEFT}`, 'of another');
    await root.apply(files('/etc/a'));
    root.shell(`mkdir opt && ln -s '${outside.at('/etc')}' opt/link`);
    root.write('/var/lib/citadel-iac/kept/0-0/left', `path\x1f/opt/link/x\x1freason\n`);
    expect((await root.apply(files('/etc/a', '/etc/b'))).outcome).toBe('committed');
    expect(existsSync(outside.at(`/etc/${LEFT}`))).toBe(true);
  } finally {
    outside.remove();
  }
});

it('that a recovery could not take away goes once it can', async () => {
  await root.apply(files('/etc/a'));
  root.write('/var/lib/citadel-iac/kept/0-0/left', `path\x1f/opt/closed/x\x1freason\n`);
  root.write(`/opt/closed/${LEFT}`, 'half');
  await root.apply(files('/etc/a', '/etc/b'));
  expect(spawnSync('ls', ['-A', root.at('/opt/closed')]).stdout.toString()).toBe('');
});
