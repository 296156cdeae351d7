import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { goTo } from '../support/document-state.js';
import { failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** An access control list that a person gave to a managed file lets others in: it is drift, and healed. */
const FILE = '/etc/a key';
const manifest = (mode: string): HostManifest => ({
  version: 1,
  host: 'box',
  files: {
    [FILE]: { content: 'secret\n', owner: 'root', group: 'root', mode },
    '/etc/other': { content: 'x\n', owner: 'root', group: 'root', mode: '0644' },
  },
});
const WANTED = manifest('0640');

/** Lets the user 777 read a path: setfacl -m u:777:r (with -d if `kind` is "default"), which need not be installed. */
const letRead = (kind: 'access' | 'default', path: string): string => `
import os, struct
entries = [(1, 6, -1), (2, 4, 777), (4, 4, -1), (16, 4, -1), (32, 0, -1)]
packed = b''.join(struct.pack('<HHI', t, p, i & 0xffffffff) for t, p, i in entries)
os.setxattr(${JSON.stringify(`.${path}`)}, 'system.posix_acl_${kind}', struct.pack('<I', 2) + packed)`;
const LISTS = `
import os
print([name for name in os.listxattr(${JSON.stringify(`.${FILE}`)}) if 'acl' in name])`;

let root: OfflineRoot;
const python = (script: string): string => {
  const run = spawnSync('python3', ['-c', script], { cwd: root.path, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return run.stdout.trim();
};
const back = (...words: readonly string[]): { stdout: string } =>
  spawnSync('/bin/sh', [root.at('/var/lib/citadel-iac/current/bin/back.sh'), root.path, ...words], {
    encoding: 'utf8',
  });
beforeEach(async () => {
  root = new OfflineRoot();
  expect((await root.apply(WANTED)).outcome).toBe('committed');
});
afterEach(() => root.remove());

describe.skipIf(process.getuid?.() !== 0)(
  'an access control list of a managed file (skipped without root)',
  () => {
    beforeEach(() => {
      python(letRead('access', FILE));
    });

    it('is drift, shown as ls shows it', async () => {
      const { changes } = await root.plan(WANTED);
      expect(changes).toMatchObject([
        {
          key: FILE,
          action: 'update',
          cause: 'drift',
          before: { mode: '0640+' },
          after: { mode: '0640' },
          note: 'its access control list (setfacl), of which the configuration says nothing, goes',
        },
      ]);
    });

    it('goes by an apply, after which nothing differs', async () => {
      expect((await root.apply(WANTED)).outcome).toBe('committed');
      expect(python(LISTS)).toBe('[]');
      expect((await root.plan(WANTED)).changes).toEqual([]);
    });

    it('comes back by an undo', async () => {
      const run = await root.runDirectly(await root.plan(WANTED), withFault(failing('await_confirmation')));
      expect(run.outcome).toBe('rolled-back');
      expect(python(LISTS)).toBe("['system.posix_acl_access']");
    });

    it('that came after the plan stops the apply', async () => {
      python(`import os; os.removexattr('.${FILE}', 'system.posix_acl_access')`);
      const plan = await root.plan(manifest('0600'));
      python(letRead('access', FILE));
      expect((await root.runDirectly(plan)).outcome).toBe('conflict');
    });

    it('is told by the host itself, and goes when it goes back', async () => {
      expect((await root.apply(manifest('0600'))).outcome).toBe('committed');
      python(letRead('access', FILE));
      expect(back('drift').stdout).toContain(FILE);
      goTo(root.path, 1);
      expect(python(LISTS)).toBe('[]');
      expect((await root.plan(WANTED)).changes).toEqual([]);
    });
  },
);

it.skipIf(process.getuid?.() !== 0)(
  'a list that the directory gives to files is no drift (skipped without root)',
  async () => {
    python(letRead('default', '/etc'));
    python(letRead('access', FILE));
    expect((await root.plan(WANTED)).changes).toEqual([]);
  },
);
