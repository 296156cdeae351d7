import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { call } from '../call.js';

const root = { owner: 'root', group: 'root', mode: '0644' };
const host = (name: string): HostManifest => ({
  version: 1,
  host: name,
  files: { '/etc/motd': { ...root, content: `${name}\n` } },
});
const REFUSED = 'holds what "citadel-iac render" did not write: ';
const ADVICE =
  'Nothing was written. Give an empty folder, or one that render made, with --out; or move these elsewhere.\n';

describe('citadel-iac render, where others keep files', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'citadel foreign '))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const run = (words = '', hosts = ['alpha', 'beta']) =>
    call(`render --out out ${words}`, { app: { buildHosts: () => hosts.map(host) }, cwd: folder });
  const put = (path: string, text = 'mine\n'): void => {
    mkdirSync(dirname(join(folder, 'out', path)), { recursive: true });
    writeFileSync(join(folder, 'out', path), text);
  };
  const files = (): string[] =>
    readdirSync(join(folder, 'out'), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 5))
      .sort();

  it('refuses, and neither writes nor removes anything', async () => {
    const kept = ['a.txt', 'b.yaml', 'c/deep/photo.txt', 'd', 'e', 'f', 'thesis.txt'];
    for (const path of kept) put(path);
    const { code, printed } = await run();
    expect(code).toBe(1);
    expect(printed.out).toBe('');
    expect(printed.err).toBe(`[${folder}/out] ${REFUSED}a.txt, b.yaml, c/, d, e and 2 more. ${ADVICE}`);
    expect(files()).toEqual(kept);
  });

  it.each([
    ['alpha', 'alpha'],
    ['alpha.yaml', 'alpha.yaml'],
    ['alpha.yaml/x', 'alpha.yaml/'],
    ['alpha/notes', 'alpha/notes'],
    ['alpha/etc/motd', 'alpha/etc/motd'],
    ['gamma/etc/motd', 'gamma/'],
    ['gamma.yaml', 'gamma.yaml'],
    ['alpha.yaml.12.new', 'alpha.yaml.12.new'],
  ])('refuses beside %s', async (path, named) => {
    put(path);
    const { code, printed } = await run();
    expect(code).toBe(1);
    expect(printed.err).toBe(`[${folder}/out] ${REFUSED}${named}. ${ADVICE}`);
    expect(files()).toEqual([path]);
    expect(readFileSync(join(folder, 'out', path), 'utf8')).toBe('mine\n');
  });

  it('refuses beside a link, and does not follow it', async () => {
    put('../elsewhere/x');
    mkdirSync(join(folder, 'out'));
    symlinkSync('../elsewhere', join(folder, 'out/link'));
    const { printed } = await run();
    expect(printed.err).toBe(`[${folder}/out] ${REFUSED}link. ${ADVICE}`);
    expect(existsSync(join(folder, 'elsewhere/x'))).toBe(true);
  });

  it('leaves names with a dot in front, and a README.md, as they are', async () => {
    for (const path of ['.gitattributes', '.git/config', 'README.md']) put(path);
    expect((await run()).code).toBe(0);
    expect((await run('--check')).code).toBe(0);
    const rendered = ['alpha.yaml', 'alpha/etc/motd', 'beta.yaml', 'beta/etc/motd'];
    expect(files()).toEqual(['.git/config', '.gitattributes', 'README.md', ...rendered]);
  });

  it('removes a host that is gone, by its summary, also where conflicts were left in it', async () => {
    await run();
    put('beta.yaml', `${readFileSync(join(folder, 'out/beta.yaml'), 'utf8')}<<<<<<< HEAD\n`);
    put('beta/etc/old');
    expect((await run('', ['alpha'])).code).toBe(0);
    expect(files()).toEqual(['alpha.yaml', 'alpha/etc/motd']);
  });

  it('clears away what an interrupted run left', async () => {
    await run();
    const summary = readFileSync(join(folder, 'out/beta.yaml'), 'utf8');
    rmSync(join(folder, 'out/beta/etc'), { recursive: true });
    put('beta.yaml.12.new', summary);
    expect((await run('', ['alpha'])).printed.out).toBe(
      '- out/beta.yaml\n- out/beta.yaml.12.new\n2 files in out, 2 files changed.\n',
    );
    expect(files()).toEqual(['alpha.yaml', 'alpha/etc/motd']);
  });

  it('takes over what is there already as it should be', async () => {
    put('alpha/etc/motd', 'alpha\n');
    expect((await run()).code).toBe(0);
  });

  it('with hosts named, looks at nothing else', async () => {
    put('thesis.txt');
    expect((await run('alpha')).code).toBe(0);
    expect(files()).toEqual(['alpha.yaml', 'alpha/etc/motd', 'thesis.txt']);
    put('beta/notes');
    expect((await run('beta')).code).toBe(1);
    expect((await run('alpha')).code).toBe(0);
  });

  it('--check names it, and says that render would refuse', async () => {
    await run();
    put('beta.yaml', 'host: beta\n');
    put('thesis.txt');
    const { code, printed } = await run('--check');
    expect(code).toBe(1);
    expect(printed.out).toBe('foreign    out/beta.yaml\nforeign    out/thesis.txt\n');
    expect(printed.err).toBe(
      '2 entries in out not from "citadel-iac render", which refuses to write among them. Move them elsewhere.\n',
    );
    const { stale } = JSON.parse((await run('--check --json')).printed.out) as { stale: unknown };
    expect(stale).toEqual([
      { path: 'beta.yaml', state: 'foreign' },
      { path: 'thesis.txt', state: 'foreign' },
    ]);
  });

  it('shows no escape sequence of a name', async () => {
    put('a\u001b[31m');
    expect((await run()).printed.err).toContain(`${REFUSED}a\\u001b[31m. `);
  });

  it.each(['/proc/1/x', '/proc/self/x/y'])('says that %s cannot be written to', async (out) => {
    const { code, printed } = await call(`render --out ${out}`, {
      app: { buildHosts: () => [host('alpha')] },
      cwd: folder,
    });
    expect(code).toBe(1);
    expect(printed.err).toMatch(
      /^\[\/proc\/[^\]]*\] cannot be written: E[A-Z]+:.*\. Give a folder that you may write to with --out\.\n$/,
    );
  });

  it('says that a file is no folder', async () => {
    writeFileSync(join(folder, 'out'), 'mine\n');
    const { printed } = await run();
    expect(printed.err).toBe(`[${folder}/out] is not a folder. Give another one with --out.\n`);
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('mine\n');
  });
});
