import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What files and directories of others carry besides owner and mode: ACL, extended attributes, capabilities. */
const EMPTY: HostManifest = { version: 1, host: 'box' };
const FILE = '/etc/x/conf';
const PROGRAM = '/etc/x/tool';
const DIRECTORY = '/etc/x';
const own = { owner: 'root', group: 'root' };

const PLANT = `
import os, struct, sys
def acl(entries): return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', t, p, i & 0xffffffff) for t, p, i in entries)
named = acl([(1, 6, -1), (2, 4, 777), (4, 4, -1), (16, 4, -1), (32, 0, -1)])
os.setxattr('etc/x/conf', 'system.posix_acl_access', named)
os.setxattr('etc/x/conf', 'user.origin', b'hand')
os.setxattr('etc/x/tool', 'security.capability', struct.pack('<IIIII', 0x02000001, 1 << 10, 0, 0, 0))
os.setxattr('etc/x', 'system.posix_acl_default', acl([(1, 7, -1), (2, 5, 777), (4, 5, -1), (16, 5, -1), (32, 5, -1)]))
os.setxattr('etc/x', 'user.origin', b'hand')`;
const SHOW = `
import os
for path in ['etc/x', 'etc/x/conf', 'etc/x/tool']:
    print(path, oct(os.stat(path).st_mode), {name: os.getxattr(path, name).hex() for name in sorted(os.listxattr(path))})`;

let root: OfflineRoot;
const python = (script: string): string => {
  const run = spawnSync('python3', ['-c', script], { cwd: root.path, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return run.stdout;
};
let planted: string;
beforeEach(() => {
  root = new OfflineRoot();
  root.write(FILE, 'theirs\n');
  root.write(PROGRAM, 'a program\n');
  root.shell('chown root:778 etc/x/conf; chmod 750 etc/x; chmod 755 etc/x/tool');
  python(PLANT);
  planted = python(SHOW);
});
afterEach(() => root.remove());

const file = (content: string, more: object = {}): HostManifest['files'] => ({
  [FILE]: { content, ...own, mode: '0600', ...more },
});
const manifests: readonly (readonly [string, HostManifest])[] = [
  ['a file that is replaced', { ...EMPTY, files: file('ours\n') }],
  ['a file of which only owner and mode change', { ...EMPTY, files: file('theirs\n', { owner: 'svc' }) }],
  ['a file that becomes a link', { ...EMPTY, symlinks: { [FILE]: { target: 'x' } } }],
  ['a file that gets a block', { ...EMPTY, blocks: { [FILE]: { a: 'A\n' } } }],
  ['a program that is replaced', { ...EMPTY, files: { [PROGRAM]: { content: '', ...own, mode: '0755' } } }],
  [
    'a program that is given to another',
    { ...EMPTY, files: { [PROGRAM]: { content: 'a program\n', ...own, group: 'svc', mode: '0755' } } },
  ],
  ['a directory', { ...EMPTY, directories: { [DIRECTORY]: { ...own, mode: '0711' } } }],
];

describe.skipIf(process.getuid?.() !== 0)('ACL, extended attributes and capabilities', () => {
  it.each(manifests)('come back by an undo: %s', async (_name, wanted) => {
    const run = await root.runDirectly(await root.plan(wanted), withFault(failing('await_confirmation')));
    expect([run.outcome, run.stderr]).toEqual(['rolled-back', '']);
    expect(python(SHOW)).toBe(planted);
  });

  it('come back with a directory that became a file', async () => {
    const wanted = { ...EMPTY, files: { [DIRECTORY]: { content: '', ...own, mode: '0644' } } };
    const run = await root.runDirectly(await root.plan(wanted), withFault(failing('await_confirmation')));
    expect([run.outcome, run.stderr]).toEqual(['rolled-back', '']);
    expect(python(SHOW)).toBe(planted);
  });

  it.each(manifests)('come back when it leaves the configuration: %s', async (_name, wanted) => {
    expect((await root.apply(wanted)).outcome).toBe('committed');
    expect((await root.apply(EMPTY)).outcome).toBe('committed');
    expect(python(SHOW)).toBe(planted);
  });
});
