import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectation } from '../../../lib/engine/observe/expectation.js';
import { fetchContents } from '../../../lib/engine/observe/fetch-contents.js';
import { readHistory, readManifest } from '../../../lib/engine/observe/history.js';
import { observeHost, runReader } from '../../../lib/engine/observe/observe-host.js';
import { EXPECT } from '../../../lib/engine/observe/programs.js';
import type { HostManifest, ManifestFile } from '../../../lib/manifest/index.js';
import { canonicalJson, manifestDigest, pathProblem, sha256 } from '../../../lib/manifest/index.js';
import { LocalTransport } from '../support/local-transport.js';
import { plain } from '../support/plain.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'citadel-observe-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(root + path), { recursive: true });
  writeFileSync(root + path, content);
  chmodSync(root + path, mode);
}

const file: ManifestFile = { content: '', owner: 'root', group: 'root', mode: '0644' };

function record(generation: number, manifest: HostManifest, index: unknown = {}): void {
  const folder = `/var/lib/citadel-iac/generations/${generation}`;
  put(`${folder}/digest`, manifestDigest(manifest));
  put(`${folder}/index.json`, canonicalJson(index));
  put(`${folder}/manifest.json`, canonicalJson(manifest));
  put(`${folder}/time`, '2026-01-02T03:04:05Z\n');
  put(`${folder}/who`, 'operator@desk\n');
  put(`${folder}/summary`, '1 change: files 1\n');
  rmSync(`${root}/var/lib/citadel-iac/current`, { force: true });
  symlinkSync(`generations/${generation}`, `${root}/var/lib/citadel-iac/current`);
}

/** Every path below the root with its kind, mode and times: what a reader must leave as it is. */
function listing(): string {
  return execFileSync('find', [root, '-printf', '%p %y %m %T@ %C@ %s\n']).toString();
}

describe('observeHost, with the real script on an offline root', () => {
  it('sees an empty root as one where nothing is', async () => {
    const observed = await observeHost(new LocalTransport(root), { version: 1, host: 'a' });
    expect(plain(observed)).toEqual({
      generation: null,
      digest: null,
      applied: null,
      debts: [],
      open: null,
      secretKey: null,
      paths: {},
      contents: {},
      units: null,
      packages: {},
      groups: {},
      users: {},
      mounts: null,
      offline: { privileged: process.getuid?.() === 0, accounts: false, unitFiles: {} },
    });
  });

  it('reads paths, blocks, accounts and enablement in one run, and writes nothing', async () => {
    put('/etc/passwd', 'root:x:0:0::/root:/bin/sh\nagent0:x:1000:1000::/home/agent0:/bin/bash\n');
    put('/etc/group', 'root:x:0:\nagent0:x:1000:\nadm:x:4:agent0\n');
    put('/etc/a', 'hello\n', 0o4750);
    put('/etc/fstab', 'UUID=1 / ext4\n');
    put('/opt/full/x', '');
    put('/opt/full/y', '');
    put(
      '/etc/systemd/system/a.service',
      '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n',
    );
    symlinkSync('../a', `${root}/etc/link`);
    const manifest: HostManifest = {
      version: 1,
      host: 'a',
      users: { agent0: { home: '/home/agent0', shell: '/bin/bash', groups: [], system: false } },
      directories: { '/opt': { owner: 'root', group: 'root', mode: '0755' } },
      files: { '/etc/a': file, '/opt/full': file, '/etc/gone': file, '/etc/a/below': file },
      symlinks: { '/etc/link': { target: '/etc/a' } },
      blocks: { '/etc/fstab': { x: 'y' } },
      units: {
        'a.service': { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 },
        'b.service': { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 },
      },
    };
    const before = listing();
    const transport = new LocalTransport(root);
    const observed = await observeHost(transport, manifest);
    expect(transport.ran).toEqual(['citadel-observe']);
    expect(listing()).toBe(before);
    expect([...observed.paths.keys()].sort()).toEqual([
      '/etc/a',
      '/etc/fstab',
      '/etc/link',
      '/opt',
      '/opt/full',
    ]);
    expect(observed.paths.get('/etc/a')).toMatchObject({
      kind: 'file',
      mode: '4750',
      size: 6,
      sha256: sha256('hello\n'),
    });
    expect(observed.paths.get('/etc/link')).toMatchObject({ kind: 'symlink', target: '../a' });
    expect(observed.paths.get('/opt/full')).toMatchObject({ kind: 'directory', entries: 2 });
    expect(observed.paths.get('/opt')).not.toHaveProperty('entries');
    expect(observed.contents.get('/etc/fstab')?.toString()).toBe('UUID=1 / ext4\n');
    expect(observed.users.get('agent0')).toEqual({
      uid: 1000,
      gid: 1000,
      group: 'agent0',
      home: '/home/agent0',
      shell: '/bin/bash',
      groups: ['adm'],
    });
    expect(plain(observed.offline?.unitFiles)).toEqual({ 'a.service': 'disabled', 'b.service': '' });
  });

  it('reads any legal path and any bytes', async () => {
    const part = fc
      .string({
        unit: fc.constantFrom(...Array.from(`a"'$\`\\ ~*?[]{}()!&|;<>-=%#@^é漢😀.`)),
        minLength: 1,
        maxLength: 12,
      })
      .filter((name) => pathProblem(`/${name}`) === undefined);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(part, { minLength: 1, maxLength: 8 }),
        fc.uint8Array({ maxLength: 40 }),
        async (parts, bytes) => {
          rmSync(`${root}/p`, { recursive: true, force: true });
          const files: Record<string, ManifestFile> = {};
          for (const name of parts) {
            put(`/p/${name}`, '');
            writeFileSync(`${root}/p/${name}`, bytes);
            files[`/p/${name}`] = file;
          }
          const transport = new LocalTransport(root);
          const observed = await observeHost(transport, { version: 1, host: 'a', files });
          expect([...observed.paths.keys()].sort()).toEqual(Object.keys(files).sort());
          const contents = await fetchContents(transport, Object.keys(files));
          for (const path of Object.keys(files)) {
            expect(observed.paths.get(path)?.sha256).toBe(sha256(bytes));
            expect(contents.get(path)?.equals(Buffer.from(bytes))).toBe(true);
          }
          const changes = Object.keys(files).map(
            (key) => ({ section: 'files', key, action: 'update', cause: 'drift' }) as const,
          );
          const expected = expectation({ changes, observed });
          const now = await runReader(transport, EXPECT, expected.request, {});
          expect(now.toString()).toBe(expected.records.toString());
        },
      ),
      { numRuns: 15 },
    );
  });

  it('asks once more for what an earlier generation had', async () => {
    put('/etc/old', 'old\n');
    put('/opt/old/x', '');
    const past: HostManifest = { version: 1, host: 'a', files: { '/etc/old': file } };
    record(3, past, { files: { '/etc/old': {} }, directories: { '/opt/old': {} } });
    const transport = new LocalTransport(root);
    const observed = await observeHost(transport, { version: 1, host: 'a' });
    expect(transport.ran).toEqual(['citadel-observe', 'citadel-observe']);
    expect(observed.generation).toBe(3);
    expect(observed.paths.get('/etc/old')?.sha256).toBe(sha256('old\n'));
    expect(observed.paths.get('/opt/old')?.entries).toBe(1);

    const same = new LocalTransport(root);
    expect((await observeHost(same, past)).applied).toBeNull();
    expect(same.ran).toEqual(['citadel-observe']);
  });

  it('reports an open transaction, what it owes, and whether someone works on it', async () => {
    put('/var/lib/citadel-iac/staging/tx1/state', 'switching\n');
    put('/var/lib/citadel-iac/staging/tx1/ledger', 'daemon-reload\nrestart a.service\n');
    put('/var/lib/citadel-iac/staging/tx1/paid', 'daemon-reload\n');
    put('/var/lib/citadel-iac/lock', 'operator@desk\u001f2026-01-02T03:04:05Z\u001ftx1\n');
    put('/var/lib/citadel-iac/key', 'sixteen bytes...');
    symlinkSync('staging/tx1', `${root}/var/lib/citadel-iac/open`);
    const open = {
      id: 'tx1',
      running: false,
      who: 'operator@desk',
      since: '2026-01-02T03:04:05Z',
      state: 'switching',
    };
    const observed = await observeHost(new LocalTransport(root), { version: 1, host: 'a' });
    expect(observed).toMatchObject({ open, debts: ['restart a.service'] });
    expect(observed.secretKey?.toString()).toBe('sixteen bytes...');

    const holder = `exec 9>>"$0/var/lib/citadel-iac/lock"; flock 9; echo held; sleep 20`;
    const { spawn } = await import('node:child_process');
    const child = spawn('/bin/sh', ['-c', holder, root]);
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      expect((await observeHost(new LocalTransport(root), { version: 1, host: 'a' })).open).toEqual({
        ...open,
        running: true,
      });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('refuses a path that leads out of the root', async () => {
    symlinkSync('/etc', `${root}/etc`);
    await expect(
      observeHost(new LocalTransport(root), { version: 1, host: 'a', files: { '/etc/passwd': file } }),
    ).rejects.toThrow(
      `[${root}] A link in the offline root leads out of it, to /etc. Make the link relative, or name the path that it points to in the configuration.`,
    );
  });

  it('says in the tool’s words what could not be read', async () => {
    symlinkSync('loop', `${root}/loop`);
    await expect(
      observeHost(new LocalTransport(root), { version: 1, host: 'a', files: { '/loop/x': file } }),
    ).rejects.toThrow(/find could not be read: find: '\.\/loop\/x': Too many levels of symbolic links/);
  });

  it('digests 2,000 files quickly and in little memory', async () => {
    const files: Record<string, ManifestFile> = {};
    for (let n = 0; n < 2000; n += 1) {
      put(`/srv/files/number-${n}.conf`, 'x'.repeat(4096));
      files[`/srv/files/number-${n}.conf`] = file;
    }
    const observed = await observeHost(new LocalTransport(root), { version: 1, host: 'a', files });
    expect(observed.paths.size).toBe(2000);
    expect(observed.paths.get('/srv/files/number-1999.conf')?.sha256).toBe(sha256('x'.repeat(4096)));
  });
});

describe('observeHost, with the real script on this machine', () => {
  it('reads live paths, accounts, packages and mounts', async () => {
    const observed = await observeHost(new LocalTransport(''), {
      version: 1,
      host: 'a',
      packages: { dpkg: {}, 'no-such-package-of-debian': {} },
      groups: { root: { system: true }, 'no-such-group': { system: true } },
      users: { nobody: { home: '/x', shell: '/x', groups: [], system: true } },
      directories: { '/etc': { owner: 'root', group: 'root', mode: '0755' } },
      files: { '/etc/passwd': file },
      mounts: { '/proc': { source: 'proc', type: 'proc', options: ['rw'], state: 'mounted' } },
    });
    expect(observed.offline).toBeNull();
    expect(observed.paths.get('/etc')).toMatchObject({ kind: 'directory', owner: 'root', group: 'root' });
    expect(observed.paths.get('/etc/passwd')?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect([...observed.packages.keys()]).toEqual(['dpkg']);
    expect(plain(observed.groups)).toEqual({ root: 0 });
    expect(observed.users.get('nobody')).toMatchObject({ uid: 65534, group: 'nogroup' });
    expect(observed.mounts?.get('/proc')).toMatchObject({ type: 'proc' });
  });
});

describe('history', () => {
  it('is empty for a host without generations', async () => {
    expect(await readHistory(new LocalTransport(root))).toEqual([]);
    await expect(readManifest(new LocalTransport(root), 'current')).rejects.toThrow(
      `[${root}] The host has no generation yet. Apply a configuration to it first.`,
    );
  });

  it('lists generations by number and gives their manifests', async () => {
    const manifests = [2, 10].map((n): HostManifest => ({ version: 1, host: `a${n}` }));
    record(10, manifests[1] as HostManifest);
    record(2, manifests[0] as HostManifest);
    const transport = new LocalTransport(root);
    const entry = {
      pinned: false,
      time: '2026-01-02T03:04:05Z',
      who: 'operator@desk',
      summary: '1 change: files 1',
    };
    expect(await readHistory(transport)).toEqual([
      { generation: 2, digest: manifestDigest(manifests[0] as HostManifest), ...entry, current: true },
      { generation: 10, digest: manifestDigest(manifests[1] as HostManifest), ...entry, current: false },
    ]);
    put('/var/lib/citadel-iac/generations/10/commit', `${'c0'.repeat(20)}\n`);
    put('/var/lib/citadel-iac/generations/10/tool', '1.2.3\n');
    expect((await readHistory(transport))[1]).toMatchObject({ commit: 'c0'.repeat(20), tool: '1.2.3' });
    expect(await readManifest(transport, 'current')).toEqual(manifests[0]);
    expect(await readManifest(transport, 10)).toEqual(manifests[1]);
    await expect(readManifest(transport, 3)).rejects.toThrow(
      `[${root}] The host has no generation 3. Choose one that "citadel-iac history" lists.`,
    );
  });

  it('says when a manifest is damaged', async () => {
    record(1, { version: 1, host: 'a' });
    put('/var/lib/citadel-iac/generations/1/manifest.json', '{"version":2}');
    await expect(readManifest(new LocalTransport(root), 1)).rejects.toThrow(
      /manifest.json of generation 1 is damaged/,
    );
  });
});
