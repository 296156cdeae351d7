import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { openTransport, planHost, systemDeps, applyPlan } from '../../../lib/engine/index.js';
import { AFTER, BEFORE } from '../support/flip-manifests.js';
import { OfflineRoot } from '../support/offline-root.js';
import { treeFingerprint } from '../support/tree-fingerprint.js';

/** The host goes by the ways that each apply prepared, on a directory that stands for one. */
const SECRETS: Readonly<Record<string, string>> = { token: 'a value\nof two lines', other: 'x&y\\' };
const own = { owner: 'root', group: 'root', mode: '0644' };
const docOf = (
  files: NonNullable<HostManifest['files']>,
  rest: Partial<HostManifest> = {},
): HostManifest => ({
  version: 1,
  host: 'box',
  files,
  ...rest,
});

let root: OfflineRoot;
const folders: string[] = [];
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => {
  root.remove();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function applyAt(path: string, manifest: HostManifest, secrets = SECRETS): Promise<void> {
  const transport = await openTransport({ root: path }, { host: 'box', home: path, agentSocket: undefined });
  const plan = await planHost(transport, manifest, {
    resolve: (name) => Promise.resolve(secrets[name] ?? ''),
  });
  const result = await applyPlan(transport, plan, { who: 'test@here' }, systemDeps);
  expect(['committed', 'unchanged'], JSON.stringify(result)).toContain(result.outcome);
}
const apply = (manifest: HostManifest, secrets = SECRETS): Promise<void> =>
  applyAt(root.path, manifest, secrets);

function back(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, ...words], { encoding: 'utf8', timeout: 60_000 });
  return { code: run.status, out: run.stdout, err: run.stderr };
}
const current = (path = root.path): string => readlinkSync(`${path}/var/lib/citadel-iac/current`);
const read = (path: string): string => readFileSync(root.at(path), 'utf8');
const indexOf = (path: string): unknown =>
  JSON.parse(readFileSync(`${path}/var/lib/citadel-iac/${current(path)}/index.json`, 'utf8'));

/** A copy on which the engine applies what the host itself goes to. */
async function twinAt(manifest: HostManifest): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'citadel twin '));
  folders.push(folder);
  expect(spawnSync('cp', ['-a', `${root.path}/.`, folder]).status).toBe(0);
  await applyAt(folder, manifest);
  return folder;
}
const print = async (path: string): Promise<Record<string, string>> =>
  Object.fromEntries(await treeFingerprint(path, { untimed: ['/'] }));

describe('going to a generation on the host', () => {
  it('brings bytes that are no text, which are drift when they are others', async () => {
    const path = '/srv/key.gpg';
    const bytes = Buffer.from([0x99, 0, 0x0a, 0xff, 0xc3, 0xa9, 0x0a]);
    const document = docOf({ [path]: { bytes: bytes.toString('base64'), ...own } });
    await apply(document);
    expect(readFileSync(root.at(path)).equals(bytes)).toBe(true);
    expect((await root.plan(document)).changes).toEqual([]);
    root.write(path, Buffer.from([0, 1]));
    expect((await root.plan(document)).changes).toMatchObject([
      { key: path, cause: 'drift', note: expect.stringMatching(/^not text: 2 bytes.* → 7 bytes/) as string },
    ]);
    expect(back('to', '1', '--yes').code).toBe(0);
    expect(readFileSync(root.at(path)).equals(bytes)).toBe(true);
    await apply(docOf({}));
    const run = back('to', '1', '--yes');
    expect([run.code, run.err, readFileSync(root.at(path)).equals(bytes)], run.out).toEqual([0, '', true]);
  });

  it('does what an apply of its document does, there and back', async () => {
    await apply(BEFORE);
    await apply(AFTER);
    const twin = await twinAt(BEFORE);
    const run = back('to', '1', '--yes');
    expect([run.code, run.err], run.out).toEqual([0, '']);
    expect(run.out).toContain('Done: the host is at generation 3, which equals generation 1.');
    expect(await print(root.path)).toEqual(await print(twin));
    expect(indexOf(root.path)).toEqual(indexOf(twin));
    expect(back('to', '2', '--yes').code).toBe(0);
    expect((await root.plan(AFTER)).changes).toEqual([]);
  });

  it('heals what a person changed, also at the generation where the host is', async () => {
    const doc = docOf(
      {
        '/opt/a': { content: 'a @@secret:token@@ b\n', ...own },
        '/opt/b': { content: 'b\n', ...own },
        '/opt/c': { secret: 'other', ...own, mode: '0600' },
      },
      { blocks: { '/etc/hosts': { names: '10.0.0.1 x\n' } }, symlinks: { '/opt/l': { target: 'a' } } },
    );
    root.write('/etc/hosts', '127.0.0.1 localhost');
    await apply(doc);
    const before = await print(root.path);
    expect(back('to', '1', '--yes').out).toBe(
      'This host is at generation 1, as it should be. Nothing to do.\n',
    );
    root.shell(
      'echo mine >opt/a; rm opt/b; chmod 0640 opt/c; ln -sfn b opt/l; sed -i s/10.0.0.1/10.0.0.2/ etc/hosts',
    );
    const dry = back('to', '1', '--dry-run', '--json');
    const plan = JSON.parse(dry.out) as {
      changes: { action: string; key: string }[];
      cannot_be_undone: string[];
    };
    expect(plan.changes.map(({ action, key }) => `${action} ${key}`)).toEqual([
      'update /opt/a',
      'create /opt/b',
      'update /opt/c',
      'update /etc/hosts',
      'update /opt/l',
    ]);
    expect(plan.cannot_be_undone).toContain(
      'changed by hand since the last apply, and overwritten: /opt/a, /opt/c, /opt/l',
    );
    const run = back('to', '1', '--yes');
    expect([run.code, run.err], run.out).toEqual([0, '']);
    const after = await print(root.path);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(read('/opt/a')).toBe('a a value\nof two lines b\n');
    expect(read('/etc/hosts')).toBe(
      '127.0.0.1 localhost\n# BEGIN citadel-iac names\n10.0.0.1 x\n# END citadel-iac names\n',
    );
    expect((await root.plan(doc, SECRETS)).changes).toEqual([]);
  });

  it('puts back what stood there before us, and keeps what it cannot know to be ours', async () => {
    root.write('/opt/theirs', 'theirs\n');
    await apply(docOf({ '/opt/x': { content: 'x\n', ...own } }));
    await apply(
      docOf({ '/opt/theirs': { content: 'ours\n', ...own }, '/opt/new': { content: 'n\n', ...own } }),
    );
    expect(back('to', '1', '--yes').code).toBe(0);
    expect(read('/opt/theirs')).toBe('theirs\n');
    expect(back('to', '2', '--yes').code).toBe(0);
    expect(read('/opt/theirs')).toBe('ours\n');
    expect(back('to', '1', '--yes').code).toBe(0);
    expect(read('/opt/theirs')).toBe('theirs\n');
  });

  it('puts a link back in whose place a directory came, unless others put something into that', async () => {
    root.shell('mkdir -p srv/real; ln -s srv/real opt; ln -s srv/real data');
    await apply(docOf({ '/etc/x': { content: 'x', ...own } }));
    const directory = { ...own, mode: '0755' };
    await apply(
      docOf(
        { '/opt/made': { content: 'x', ...own } },
        { directories: { '/opt': directory, '/data': directory } },
      ),
    );
    root.shell('echo mine >data/by-hand');
    const run = back('to', '1', '--yes');
    expect([run.code, run.err]).toEqual([0, '']);
    expect(readlinkSync(root.at('/opt'))).toBe('srv/real');
    expect(read('/data/by-hand')).toBe('mine\n');
    expect(run.out).toContain('directory /data is not empty and stays');
  });

  it('takes memberships away that only the later generation gave', async () => {
    const withGroups = (groups: string[]): HostManifest => ({
      version: 1,
      host: 'box',
      groups: { dev: { gid: 901, system: false }, ops: { gid: 902, system: false } },
      users: {
        svc: { uid: 777, group: 'svc', home: '/srv', shell: '/usr/sbin/nologin', groups, system: false },
      },
    });
    root.write('/etc/group', `${read('/etc/group')}old:x:903:svc\n`);
    await apply(withGroups(['ops']));
    await apply(withGroups(['dev', 'old', 'ops']));
    const run = back('to', '1', '--yes');
    expect([run.code, run.err], run.out).toEqual([0, '']);
    expect(run.out).toContain('svc loses dev');
    expect(read('/etc/group')).toMatch(/^dev:x:901:$/m);
    expect(read('/etc/group')).toMatch(/^ops:x:902:svc$/m);
    expect(read('/etc/group')).toMatch(/^old:x:903:svc$/m);
    expect((await root.plan(withGroups(['ops']))).changes).toEqual([]);
  });

  it('refuses what is not whole before it touches anything, and says what is missing', async () => {
    const doc = docOf({
      '/opt/a': { content: '@@secret:token@@\n', ...own },
      '/opt/b': { content: 'b\n', ...own },
    });
    await apply(doc);
    await apply(docOf({ '/opt/a': { content: 'plain\n', ...own } }));
    const folder = 'var/lib/citadel-iac/generations/1';
    root.shell(`mv ${folder}/secrets/token ${folder}/token.kept`);
    const run = back('to', '1', '--yes');
    expect([run.code, run.out]).toEqual([1, '']);
    expect(run.err).toContain('Missing: the secret token, which /opt/a needs\n  Nothing was changed.');
    root.shell(`echo other >${folder}/secrets/token`);
    expect(back('to', '1', '--yes').err).toContain('the content of /opt/a (its secrets: token)');
    root.shell(`mv ${folder}/token.kept ${folder}/secrets/token; rm ${folder}/way/objects/*`);
    expect(back('to', '1', '--yes').err).toContain('the content of /opt/a');
    expect(back('to', '9').err).toContain('there is no generation 9 on this host; kept are: 1, 2');
    expect([current(), read('/opt/a')]).toEqual(['generations/2', 'plain\n']);
  });

  it('says from which generation on it works where older versions of this tool made the others', async () => {
    for (const text of ['1', '2', '3']) await apply(docOf({ '/opt/a': { content: text, ...own } }));
    root.shell('rm -r var/lib/citadel-iac/generations/1/way');
    const run = back('to', '1', '--yes');
    expect([run.code, run.out]).toEqual([1, '']);
    expect(run.err).toContain('by itself this host goes to generation 2 and later ones');
    expect(run.err).toContain("From the operator's machine: citadel-iac rollback HOST --to 1");
    expect(back('list').out).toMatch(/^ {2}1 .*; cannot be gone back to: the way to it/m);
    expect(back('list').out).not.toMatch(/version|commit/);
    root.write('/var/lib/citadel-iac/generations/2/commit', `${'c0'.repeat(20)}-dirty\n`);
    root.write('/var/lib/citadel-iac/generations/2/tool', '1.2.3\n');
    expect(back('list').out).toMatch(/^ {2}2 .* c0c0c0c0c0c0-dirty {2}1\.2\.3 {4}1 change/m);
    expect(JSON.parse(back('list', '--json').out)).toMatchObject([
      { number: 1, commit: null, tool: null, missing: [expect.stringContaining('the way to it')] },
      { number: 2, commit: `${'c0'.repeat(20)}-dirty`, tool: '1.2.3', missing: [] },
      { number: 3 },
    ]);
    root.shell('rm -r var/lib/citadel-iac/generations/3/way');
    expect(back('to', '2', '--yes').err).toContain(
      'generation 3 was made by an older citadel-iac, which prepared no way from it',
    );
  });

  it('reaches what is kept when others between are gone', async () => {
    for (const text of ['1', '2', '3', '4'])
      await apply(docOf({ [`/opt/${text}`]: { content: text, ...own } }));
    root.shell('rm -r var/lib/citadel-iac/generations/2 var/lib/citadel-iac/generations/3');
    expect(back('to', '1', '--yes').code).toBe(0);
    expect(read('/opt/1')).toBe('1');
    expect(() => read('/opt/4')).toThrow();
  });
});

describe('what is kept for the way', () => {
  it('has values of secrets in the one place for them, and each text once', async () => {
    const doc = docOf({
      '/opt/a': { content: 'k=@@secret:token@@\n', ...own },
      '/opt/b': { content: 'b\n', ...own },
    });
    await apply(doc, { token: 'planted-4711' });
    await apply(
      { ...doc, files: { ...doc.files, '/opt/c': { content: 'c\n', ...own } } },
      { token: 'planted-4711' },
    );
    const found = spawnSync('grep', ['-rlF', 'planted-4711', root.at('/var/lib/citadel-iac')], {
      encoding: 'utf8',
    });
    const places = found.stdout
      .trim()
      .split('\n')
      .map((path) => path.slice(root.path.length));
    expect(places.sort()).toEqual([
      '/var/lib/citadel-iac/generations/1/secrets/token',
      '/var/lib/citadel-iac/generations/2/secrets/token',
    ]);
    const texts = spawnSync(
      'sh',
      [
        '-c',
        'cd "$0" && stat -c %i -- */way/objects/* | sort | uniq -c',
        root.at('/var/lib/citadel-iac/generations'),
      ],
      { encoding: 'utf8' },
    );
    // Of "k=", the line end and "b" the second generation has the first one's; "c" is its own.
    expect(
      texts.stdout
        .trim()
        .split('\n')
        .map((line) => Number(line.trim().split(' ')[0]))
        .sort(),
    ).toEqual([1, 2, 2, 2]);
  });
});

describe('looking for drift', () => {
  it('tells what differs from the state as it was left, for people and for Prometheus', async () => {
    root.write('/etc/hosts', '127.0.0.1 localhost\n');
    await apply(docOf({ '/opt/a': { content: 'a\n', ...own } }, { blocks: { '/etc/hosts': { n: 'x\n' } } }));
    expect(back('drift')).toEqual({ code: 0, out: 'as generation 1 wants it\n', err: '' });
    root.shell('echo more >>etc/hosts; mkdir -p textfiles');
    expect(back('drift').code).toBe(0);
    root.shell('echo mine >opt/a');
    const run = back('drift', '--json');
    expect([run.code, JSON.parse(run.out)]).toEqual([
      1,
      { generation: 1, changes: [{ section: 'files', key: '/opt/a', action: 'update' }] },
    ]);
    expect(back('drift', '--textfiles', root.at('/textfiles')).code).toBe(0);
    expect(read('/textfiles/citadel-drift.prom')).toMatch(
      /^citadel_config_drift_items 1\n[^]*^citadel_config_drift_last_check_timestamp_seconds \d+\n[^]*^citadel_config_generation 1\n[^]*^citadel_reboot_owed 0\n/m,
    );
  });
});

/** Few names, so that they meet: each may be a file, a link, a directory or shared in any generation. */
const NAMES = ['/opt/a', '/opt/a/b', '/opt/a/b/c', '/opt/d', '/opt/d/e', '/etc/f', '/etc/shared'] as const;
const KINDS = ['none', 'none', 'file', 'file', 'secret', 'link', 'dir'] as const;
const picks = fc.array(fc.tuple(fc.constantFrom(...KINDS), fc.nat(2)), {
  minLength: NAMES.length,
  maxLength: NAMES.length,
});
const edits = fc.array(fc.tuple(fc.nat(NAMES.length - 1), fc.nat(4)), { maxLength: 3 });

function documentOf(picked: readonly (readonly [(typeof KINDS)[number], number])[]): HostManifest {
  const sections = { files: {}, symlinks: {}, directories: {}, blocks: {} } as Record<
    string,
    Record<string, unknown>
  >;
  const taken: string[] = [];
  picked.forEach(([kind, n], at) => {
    const path = NAMES[at] as string;
    // Nothing can stand below what is no directory.
    if (kind === 'none' || taken.some((other) => path.startsWith(`${other}/`))) return;
    if (path === '/etc/shared') {
      (sections['blocks'] ??= {})[path] = { one: `${String(n)}\n`, ...(n > 0 && { two: 'z' }) };
      return;
    }
    if (kind !== 'dir') taken.push(path);
    const mode = n === 2 ? '0600' : '0644';
    if (kind === 'file')
      (sections['files'] ??= {})[path] = { content: `text ${String(n)}\n`.repeat(n), ...own, mode };
    if (kind === 'secret')
      (sections['files'] ??= {})[path] = {
        content: `${String(n)}=@@secret:token@@;@@secret:other@@`,
        ...own,
        mode,
      };
    if (kind === 'link') (sections['symlinks'] ??= {})[path] = { target: `../t${String(n)}` };
    if (kind === 'dir') (sections['directories'] ??= {})[path] = { ...own, mode: n === 2 ? '0700' : '0755' };
  });
  return { version: 1, host: 'box', ...sections } as unknown as HostManifest;
}

function editByHand(path: string, how: number): void {
  const at = `"$PWD${path}"`;
  root.shell(
    [
      `if [ -f ${at} ] && [ ! -L ${at} ]; then echo mine >>${at}; fi`,
      `if [ -f ${at} ] || [ -L ${at} ]; then rm ${at}; fi`,
      `if [ -d ${at} ] && [ ! -L ${at} ]; then echo x >${at}/foreign; fi`,
      `if [ -e ${at} ] && [ ! -L ${at} ]; then chmod 0711 ${at}; fi`,
      `if [ -d "$(dirname ${at})" ] && [ ! -e ${at} ] && [ ! -L ${at} ]; then echo theirs >${at}; fi`,
    ][how] as string,
  );
}

it('goes from any generation to any other as the engine would, whatever was done by hand', async () => {
  const cases = fc.sample(fc.tuple(picks, picks, picks, edits), { seed: 20261128, numRuns: 8 });
  for (const [at, [a, b, c, byHand]] of cases.entries()) {
    root.remove();
    root = new OfflineRoot();
    const documents = [a, b, c].map(documentOf);
    for (const document of documents) await apply(document);
    for (const [name, how] of byHand) editByHand(NAMES[name] as string, how);
    const twin = await twinAt(documents[0] as HostManifest);
    const run = back('to', '1', '--yes');
    const said = `case ${String(at)}: ${JSON.stringify([documents, byHand])}\n${run.out}${run.err}`;
    expect([run.code, run.err], said).toEqual([0, '']);
    expect(await print(root.path), said).toEqual(await print(twin));
    if (current() === current(twin)) expect(indexOf(root.path), said).toEqual(indexOf(twin));
  }
}, 240_000);
