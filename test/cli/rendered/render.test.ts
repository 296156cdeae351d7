import fc from 'fast-check';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostOf, promisedPaths, renderedFiles } from '../../../lib/cli/rendered/host-files.js';
import { validateManifest, type HostManifest } from '../../../lib/manifest/index.js';
import { call } from '../call.js';

const root = { owner: 'root', group: 'root', mode: '0644' };
const alpha: HostManifest = {
  version: 1,
  host: 'alpha',
  packages: { htop: {} },
  files: {
    '/etc/motd': { ...root, content: 'hello\nworld' },
    '/etc/app/key': { ...root, mode: '0600', secret: 'key' },
  },
  blocks: { '/etc/fstab': { '/srv': 'LABEL=srv /srv ext4 defaults 0 2\n' } },
  origins: { 'files//etc/motd': 'alpha/motd' },
};
const beta: HostManifest = { version: 1, host: 'beta', files: { '/etc/motd': { ...root, content: 'b\n' } } };

describe('a rendered host', () => {
  it('is its files as they will stand, and one summary of the rest', () => {
    expect(Object.fromEntries(renderedFiles(alpha))).toEqual({
      'alpha.yaml': `# alpha: what this host should be, beside the files in alpha/.
# Written by "citadel-iac render"; change the inventory or the constructs instead.
blocks:
  /etc/fstab:
    /srv: |
      LABEL=srv /srv ext4 defaults 0 2
files:
  /etc/app/key:
    group: root
    mode: "0600"
    owner: root
    secret: key
  /etc/motd:
    group: root
    mode: "0644"
    owner: root
host: alpha
packages:
  htop: {}
version: 1
`,
      'alpha/etc/motd': 'hello\nworld',
    });
  });

  it('can be read back', () => {
    const files = renderedFiles(alpha);
    const { origins: _, ...document } = alpha;
    expect(hostOf('alpha', (path) => files.get(path))).toEqual(document);
    expect(promisedPaths('alpha', files.get('alpha.yaml') ?? '')).toEqual(['alpha/etc/motd']);
  });

  it('has bytes that are no text, and what is to be absent, in its summary', () => {
    const manifest = validateManifest({
      version: 1,
      host: 'alpha',
      files: { '/srv/key': { ...root, bytes: 'mQINBADDqf8=' } },
      absentPaths: { '/srv/old': { kind: 'directory' } },
      absentUsers: { mallory: {} },
    });
    const files = renderedFiles(manifest);
    expect([...files.keys()]).toEqual(['alpha.yaml']);
    expect(hostOf('alpha', (path) => files.get(path))).toEqual(manifest);
    expect(promisedPaths('alpha', files.get('alpha.yaml') ?? '')).toEqual([]);
  });

  it('can be read back whatever is in it', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), line, (lines, block) => {
        const manifest = validateManifest({
          version: 1,
          host: 'alpha',
          files: { '/etc/a': { ...root, content: lines.join('\n') } },
          ...(/^# (BEGIN|END) /m.test(block) ? {} : { blocks: { '/etc/fstab': { b: block } } }),
        });
        const files = renderedFiles(manifest);
        expect(hostOf('alpha', (path) => files.get(path))).toEqual(manifest);
      }),
      { numRuns: 300 },
    );
  });

  it('says what is wrong with a damaged one', () => {
    const files = new Map(renderedFiles(alpha));
    const read = (path: string): string | undefined => files.get(path);
    files.delete('alpha/etc/motd');
    expect(() => hostOf('alpha', read)).toThrow(
      '[rendered/alpha/etc/motd] is not there. Write it again with "citadel-iac render"',
    );
    files.set('alpha.yaml', 'host: [');
    expect(() => hostOf('alpha', read)).toThrow('[rendered/alpha.yaml] is not a summary of this host.');
    files.delete('alpha.yaml');
    expect(() => hostOf('alpha', read)).toThrow('[rendered/alpha.yaml] is not there.');
  });
});

describe('citadel-iac render', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'citadel rendered '))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const app = { buildHosts: () => [beta, alpha] };
  const run = (words: string, apps = app) => call(`render ${words}`, { app: apps, cwd: folder });
  const all = (): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .filter((path) => path.includes('/'))
      .sort();

  it('writes the folder, then nothing more', async () => {
    const first = await run('');
    expect(first).toMatchObject({ code: 0 });
    expect(first.printed.out).toBe(
      '+ rendered/alpha.yaml\n+ rendered/alpha/etc/motd\n+ rendered/beta.yaml\n+ rendered/beta/etc/motd\n' +
        '4 files in rendered, 4 files changed.\n',
    );
    expect(all()).toEqual(
      ['alpha.yaml', 'alpha/etc/motd', 'beta.yaml', 'beta/etc/motd'].map((path) => `rendered/${path}`),
    );
    expect((await run('')).printed.out).toBe('4 files in rendered, nothing changed.\n');
    expect((await run('--check')).code).toBe(0);
  });

  it('--check names what is stale, and writes nothing', async () => {
    await run('');
    writeFileSync(join(folder, 'rendered/alpha/etc/motd'), 'by hand\n');
    writeFileSync(join(folder, 'rendered/alpha/etc/old'), '');
    rmSync(join(folder, 'rendered/beta.yaml'));
    const { code, printed } = await run('--check');
    expect(code).toBe(1);
    expect(printed.out).toBe(
      'different  rendered/alpha/etc/motd\nleft over  rendered/alpha/etc/old\nmissing    rendered/beta.yaml\n',
    );
    expect(printed.err).toBe(
      '3 files in rendered not as rendered. Run "citadel-iac render" and commit the result.\n',
    );
    expect(readFileSync(join(folder, 'rendered/alpha/etc/motd'), 'utf8')).toBe('by hand\n');
    expect(JSON.parse((await run('--check --json')).printed.out)).toMatchObject({
      stale: [{ path: 'alpha/etc/motd', state: 'different' }, { state: 'left over' }, { state: 'missing' }],
    });
  });

  it('removes what is left over of a host that is gone, and of nobody else when hosts are named', async () => {
    await run('--out review');
    const without = { buildHosts: () => [alpha] };
    expect((await run('alpha --out review', without)).printed.out).toContain('nothing changed');
    expect((await run('--out review', without)).printed.out).toBe(
      '- review/beta.yaml\n- review/beta/etc/motd\n2 files in review, 2 files changed.\n',
    );
    expect(all()).toEqual(['review/alpha.yaml', 'review/alpha/etc/motd']);
    expect(readdirSync(join(folder, 'review'))).toEqual(['alpha', 'alpha.yaml']);
  });

  it('lets a file become a folder and back', async () => {
    const deep: HostManifest = {
      version: 1,
      host: 'alpha',
      files: { '/etc/motd/a': { ...root, content: 'a' } },
    };
    await run('');
    await run('', { buildHosts: () => [deep] });
    expect(all()).toEqual(['rendered/alpha.yaml', 'rendered/alpha/etc/motd/a']);
    await run('');
    expect(all()).toContain('rendered/alpha/etc/motd');
  });

  it('does not follow a link out of the folder', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(folder, 'rendered/alpha'), { recursive: true });
    symlinkSync(elsewhere, join(folder, 'rendered/alpha/etc'));
    const { code, printed } = await run('');
    expect(code).toBe(1);
    expect(printed.err).toBe(
      `[${folder}/rendered/alpha/etc] is neither a file nor a folder, and a rendering has nothing else. ` +
        'Remove it, or render to another folder with --out.\n',
    );
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
