import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TRANSACTION } from '../../../lib/engine/apply/programs.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { before, failing, killing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** An undo takes back what its transaction did, by the text that did it, on a directory that stands for a host. */
const own = { owner: 'root', group: 'root', mode: '0644' } as const;
const files = (contents: Readonly<Record<string, string>>): HostManifest => ({
  version: 1,
  host: 'box',
  files: Object.fromEntries(Object.entries(contents).map(([path, content]) => [path, { content, ...own }])),
});
const TEXTS = { '/etc/a': 'old\n', '/etc/b': 'old\n', '/etc/c': 'old\n' };
const NEW = files({ '/etc/a': 'new\n', '/etc/b': 'new\n', '/etc/c': 'new\n' });

let root: OfflineRoot;
beforeEach(async () => {
  root = new OfflineRoot();
  await root.apply(files(TEXTS));
});
afterEach(() => root.remove());

const read = (path: string): string => readFileSync(root.at(path), 'utf8');
const contents = (): string[] => ['a', 'b', 'c'].map((name) => read(`/etc/${name}`));

it('links of units that a person made or took away meanwhile stay so', async () => {
  const units = root.at('/etc/systemd/system');
  root.shell(`mkdir -p etc/systemd/system/multi-user.target.wants && cd etc/systemd/system &&
    for name in cron other; do ln -s /lib/systemd/system/$name.service multi-user.target.wants/; done`);
  const unit = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
  const script = withFault(
    before(
      'await_confirmation',
      `(cd '${units}' && rm multi-user.target.wants/cron.service && ln -s /dev/null masked.service &&
        ln -s /lib/systemd/system/new.service multi-user.target.wants/); echo planted >"$DIR/words"; return 1`,
    ),
  );
  const result = await root.apply(
    {
      ...files({ ...TEXTS, '/etc/systemd/system/ours.service': unit }),
      units: { 'ours.service': { enabled: true, state: 'any', restartOn: [], reloadOn: [], wave: 0 } },
    },
    script,
  );
  expect(result.outcome).toBe('rolled-back');
  expect(readdirSync(units).sort()).toEqual(['masked.service', 'multi-user.target.wants']);
  expect(readdirSync(join(units, 'multi-user.target.wants')).sort()).toEqual([
    'new.service',
    'other.service',
  ]);
});

it('a directory of links that was there before, and empty, stays', async () => {
  root.shell('mkdir -p etc/systemd/system/multi-user.target.wants');
  const unit = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
  const result = await root.apply(
    {
      ...files({ ...TEXTS, '/etc/systemd/system/ours.service': unit }),
      units: { 'ours.service': { enabled: true, state: 'any', restartOn: [], reloadOn: [], wave: 0 } },
    },
    withFault(failing('await_confirmation')),
  );
  expect(result.outcome).toBe('rolled-back');
  expect(readdirSync(root.at('/etc/systemd/system'))).toEqual(['multi-user.target.wants']);
});

it('an open transaction is undone by its own text, whichever version is asked', async () => {
  const killed = await root.runDirectly(await root.plan(NEW), withFault(killing('put_path', 2)));
  const text = join(root.staging(killed.id), 'bin/tx.sh');
  writeFileSync(text, `shift; echo "$@" >'${root.at('/asked')}'\n`);
  writeFileSync(root.at('/recover.sh'), TRANSACTION.script);
  for (const words of [
    ['recover', 'boot'],
    ['ended', killed.id],
  ]) {
    spawnSync('/bin/sh', [root.at('/recover.sh'), root.path, ...words]);
    expect(read('/asked').trim()).toBe(words[0] === 'ended' ? 'recover' : words.join(' '));
  }
  await root.recoverCleanly(killed.id);
  expect(contents()).toEqual(['old\n', 'old\n', 'old\n']);
});
