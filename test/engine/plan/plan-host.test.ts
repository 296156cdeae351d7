import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appliedIndex } from '../../../lib/engine/plan/applied-index.js';
import { planHost } from '../../../lib/engine/plan/plan-host.js';
import type { SecretResolver } from '../../../lib/engine/secrets/resolver.js';
import type { HostManifest, ManifestFile } from '../../../lib/manifest/index.js';
import { CitadelError, canonicalJson, manifestDigest } from '../../../lib/manifest/index.js';
import { LocalTransport } from '../support/local-transport.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'citadel-plan-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(root + path), { recursive: true });
  writeFileSync(root + path, content);
  chmodSync(root + path, 0o644);
}

const noSecrets: SecretResolver = {
  resolve: (name) => Promise.reject(new CitadelError({ code: 'test', path: name, got: 'none', fix: 'none' })),
};
const file = (content: string): ManifestFile => ({ content, owner: 'root', group: 'root', mode: '0644' });

/** Makes the root look as if a plan had been applied, as far as a reader can see. */
async function apply(manifest: HostManifest, generation: number): Promise<void> {
  const plan = await planHost(new LocalTransport(root), manifest, noSecrets);
  for (const [path, content] of plan.contents) put(path, content);
  const folder = `/var/lib/citadel-iac/generations/${generation}`;
  put(`${folder}/digest`, plan.digest);
  put(`${folder}/index.json`, canonicalJson(appliedIndex(plan)));
  put(`${folder}/manifest.json`, canonicalJson(manifest));
  rmSync(`${root}/var/lib/citadel-iac/current`, { force: true });
  symlinkSync(`generations/${generation}`, `${root}/var/lib/citadel-iac/current`);
}

describe('planHost', () => {
  const manifest: HostManifest = {
    version: 1,
    host: 'a',
    files: { '/etc/a': file('a\n'), '/etc/b': file('b\n') },
    blocks: { '/etc/fstab': { x: 'y\n' } },
  };

  it('reads once when nothing differs, and has nothing to do', async () => {
    await apply(manifest, 1);
    const transport = new LocalTransport(root);
    const plan = await planHost(transport, manifest, noSecrets);
    expect(transport.ran).toEqual(['citadel-observe']);
    expect(plan).toMatchObject({
      host: 'a',
      digest: manifestDigest(manifest),
      changes: [],
      unitActions: [],
      record: false,
      notes: [],
    });
    expect(plan.contents.size).toBe(0);
  });

  it('reads twice when a file drifted, and shows the line', async () => {
    await apply(manifest, 1);
    put('/etc/b', 'B\n');
    const transport = new LocalTransport(root);
    const plan = await planHost(transport, manifest, noSecrets);
    expect(transport.ran).toEqual(['citadel-observe', 'citadel-fetch']);
    expect(plan.changes).toMatchObject([
      {
        section: 'files',
        key: '/etc/b',
        action: 'update',
        cause: 'drift',
        diff: '--- /etc/b\n+++ /etc/b\n@@ -1 +1 @@\n-B\n+b\n',
      },
    ]);
    expect([...plan.contents.keys()]).toEqual(['/etc/b']);
  });

  it('deletes what left the configuration, down to a host that is not managed', async () => {
    await apply(manifest, 1);
    const transport = new LocalTransport(root);
    const plan = await planHost(transport, { version: 1, host: 'a' }, noSecrets);
    expect(transport.ran).toEqual(['citadel-observe', 'citadel-observe', 'citadel-fetch']);
    expect(plan.changes.map(({ section, key, action, cause }) => [section, key, action, cause])).toEqual([
      ['files', '/etc/a', 'delete', 'config'],
      ['files', '/etc/b', 'delete', 'config'],
      ['blocks', '/etc/fstab', 'delete', 'config'],
    ]);
    expect(plan.contents.get('/etc/fstab')?.toString()).toBe('');
  });

  it('names every secret that is missing, before the host is asked', async () => {
    const transport = new LocalTransport(root);
    const secret = { owner: 'root', group: 'root', mode: '0600' };
    const files = { '/a': { secret: 'one', ...secret }, '/b': { content: '@@secret:two@@', ...secret } };
    await expect(planHost(transport, { version: 1, host: 'a', files }, noSecrets)).rejects.toThrow(
      '[one] none. none.\n[two] none. none.',
    );
    expect(transport.ran).toEqual([]);
  });

  it('marks what stood there before as adopted, and keeps the mark', async () => {
    mkdirSync(`${root}/srv/old`, { recursive: true });
    const directory = { owner: 'root', group: 'root', mode: '0755' };
    const directories = { '/srv/old': directory, '/srv/new': directory };
    const withDirectories: HostManifest = { version: 1, host: 'a', directories };
    await apply(withDirectories, 1);
    mkdirSync(`${root}/srv/new`);
    const second: HostManifest = { ...withDirectories, files: { '/srv/a': file('') } };
    const plan = await planHost(new LocalTransport(root), second, noSecrets);
    expect(appliedIndex(plan).directories).toEqual({
      '/srv/new': { type: 'directory', ...directory },
      '/srv/old': { type: 'directory', ...directory, adopted: true },
    });
    const leaving = await planHost(new LocalTransport(root), { version: 1, host: 'a' }, noSecrets);
    expect(leaving.changes.map((change) => change.key)).toEqual(['/srv/new']);
    expect(leaving.notes).toEqual([
      'directory /srv/old left the configuration and stays: it was there before it was managed',
    ]);
  });
});
