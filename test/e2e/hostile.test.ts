import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expandManifest,
  pathProblem,
  validateManifest,
  type HostManifest,
} from '../../lib/manifest/index.js';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { fingerprint, Workbench, type CliRun } from './harness.js';
import {
  ARGUMENTS_OUT,
  BLOCKS,
  CRON,
  FOREIGN,
  hostileHost,
  MOUNT,
  SHARED,
  TOP,
  UNITS,
  USERS,
} from './hostile-manifest.js';
import { HOSTILE, slug } from './hostile-values.js';

const root = { owner: 'root', group: 'root' } as const;
const EMPTY: HostManifest = validateManifest({ version: 1, host: 'ai-node' });

/** The blocks of a file as they should stand in it, in the order of their names. */
export function blocksText(blocks: Readonly<Record<string, string>>): string {
  return Object.keys(blocks)
    .sort()
    .map((name) => {
      const text = blocks[name] ?? '';
      const end = text === '' || text.endsWith('\n') ? '' : '\n';
      return `# BEGIN citadel-iac ${name}\n${text}${end}# END citadel-iac ${name}\n`;
    })
    .join('');
}

describeLab('hostile values', (lab) => {
  let bench: Workbench;
  let host: LabHost;

  beforeAll(async () => {
    await lab.reset('ai-node');
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    await mkdir(join(host.root, dirname(SHARED)), { recursive: true });
    await writeFile(join(host.root, SHARED), FOREIGN);
  });

  afterAll(() => bench.close());

  /** Files of the host, seen from outside: no shell and no tool of ours in between. */
  const bytes = (path: string): Buffer => readFileSync(join(host.root, path));

  function expectAsWanted(manifest: HostManifest): void {
    const { files = {}, directories = {}, symlinks = {} } = expandManifest(manifest);
    for (const [path, file] of Object.entries(files)) {
      const seen = bytes(path);
      expect(seen.equals(Buffer.from(file.content ?? '')), JSON.stringify(path)).toBe(true);
      expect((lstatSync(join(host.root, path)).mode & 0o7777).toString(8).padStart(4, '0'), path).toBe(
        file.mode,
      );
    }
    for (const [path, { mode }] of Object.entries(directories)) {
      const seen = lstatSync(join(host.root, path));
      expect(seen.isDirectory(), JSON.stringify(path)).toBe(true);
      expect((seen.mode & 0o7777).toString(8).padStart(4, '0'), path).toBe(mode);
    }
    for (const [path, { target }] of Object.entries(symlinks)) {
      const seen = readlinkSync(join(host.root, path), { encoding: 'buffer' });
      expect(seen.toString('utf8'), JSON.stringify(path)).toBe(target);
    }
  }

  async function expectNobodyRan(): Promise<void> {
    const found = 'find / -xdev -name "pwned*" ! -path "/proc/*" 2>/dev/null';
    expect(await host.mustExec(found)).toBe('');
    expect(await lab.operator.mustExec('ls -d pwned* /tmp/pwned* 2>/dev/null || true')).toBe('');
  }

  function expectPlainWords(run: CliRun): void {
    const words = run.stdout + run.stderr;
    expect(words).not.toContain('internal error');
    expect(words).not.toMatch(/^ +at /m);
    // What a terminal would obey never reaches one.
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    expect(words).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  }

  describe('in every place of one host', () => {
    let before: string;

    beforeAll(async () => {
      await bench.apply(EMPTY);
      before = await fingerprint(host);
    });

    it('are shown without being obeyed', async () => {
      const run = await bench.cli(['diff', '--manifest', await bench.writeManifest(hostileHost())]);
      expect(run.code, run.stderr).toBe(2);
      expectPlainWords(run);
      expect(await fingerprint(host)).toBe(before);
      await expectNobodyRan();
    });

    it('arrive byte for byte', async () => {
      const run = await bench.apply(hostileHost());
      expectPlainWords(run);
      expectAsWanted(hostileHost());
      const shared = bytes(SHARED);
      expect(shared.subarray(0, FOREIGN.length).equals(FOREIGN)).toBe(true);
      expect(shared.subarray(FOREIGN.length).toString('utf8')).toBe(`\n${blocksText(BLOCKS)}`);
      await expectNobodyRan();
    });

    it('are the arguments of a health check', () => {
      const seen = bytes(`${ARGUMENTS_OUT}/$(x) 'args"`).toString('utf8');
      expect(seen.split('\0')).toEqual([...HOSTILE, '']);
    });

    it('are the arguments of a unit’s command', () => {
      expect(bytes(`${ARGUMENTS_OUT}/unit`).toString('utf8').split('\0')).toEqual([...HOSTILE, '']);
    });

    it('are homes and shells of accounts', async () => {
      const lines = (await host.mustExec("getent passwd | grep '^hostile-'")).trimEnd().split('\n');
      const seen = lines.map((line) => {
        const [name, , , , , home, shell] = line.split(':');
        return { name, home, shell };
      });
      expect(seen).toEqual(
        USERS.map((text, index) => ({
          name: `hostile-${slug(index)}`,
          home: `${TOP}-homes/${text}`,
          shell: index % 2 === 0 ? '/bin/bash' : `${TOP}/bin/${text}`,
        })),
      );
    });

    it('are names of units that run, and a mount', async () => {
      for (const unit of UNITS) {
        expect((await host.exec(['systemctl', 'is-active', '--', unit])).stdout, unit).toBe('active\n');
        expect((await host.exec(['systemctl', 'is-enabled', '--', unit])).stdout, unit).toBe('enabled\n');
      }
      const mounted = await host.mustExec([
        'findmnt',
        '--kernel',
        '-n',
        '-r',
        '-o',
        'TARGET',
        '--mountpoint',
        MOUNT,
      ]);
      expect(mounted.trim()).toBe(MOUNT.replaceAll(' ', '\\x20'));
    });

    it('leave nothing to do', async () => {
      const { code, changes } = await bench.diff(hostileHost());
      expect(changes).toEqual([]);
      expect(code).toBe(0);
    });

    it('are found and healed when someone changes them', async () => {
      for (const text of HOSTILE) {
        await writeFile(join(host.root, `${TOP}/names/${text}`), `by hand ${text}`);
      }
      const run = await bench.cli(['diff', '--manifest', await bench.writeManifest(hostileHost())]);
      expect(run.code, run.stderr).toBe(2);
      expectPlainWords(run);
      const { changes } = await bench.diff(hostileHost());
      expect(changes.map(({ key, cause }) => `${cause} ${key}`).sort()).toEqual(
        HOSTILE.map((text) => `drift ${TOP}/names/${text}`).sort(),
      );
      for (const { diff } of changes) expect(diff).toContain('-by hand ');
      await bench.apply(hostileHost());
      expectAsWanted(hostileHost());
    });

    it('come back when an apply fails and is undone', async () => {
      const failing = hostileHost();
      const files = { ...failing.files };
      for (const text of HOSTILE) delete files[`${TOP}/names/${text}`];
      const broken = validateManifest({
        ...failing,
        files,
        symlinks: {},
        checks: { fails: { kind: 'tcp', host: '$(touch pwned)', port: 1, timeoutSec: 1, wave: 0 } },
        origins: {},
      });
      const held = await fingerprint(host);
      const run = await bench.cli(['apply', '--yes', '--manifest', await bench.writeManifest(broken)]);
      expect(run.code, run.stdout + run.stderr).toBe(3);
      expectPlainWords(run);
      expect(await fingerprint(host)).toBe(held);
      expectAsWanted(hostileHost());
      await expectNobodyRan();
    });

    it('are what cron runs', async () => {
      const out = join(host.root, ARGUMENTS_OUT, 'cron');
      await expect
        .poll(
          () => {
            try {
              return readFileSync(out, 'utf8').split('\0');
            } catch {
              return [];
            }
          },
          { timeout: 90_000, interval: 1000 },
        )
        .toEqual([...CRON, '']);
    });

    it('are who is named in the history', async () => {
      const who = `$(touch pwned)'"\`id\` %n \\ é \u001b[31m=x`;
      const manifest = validateManifest({ ...hostileHost(), groups: {}, users: {} });
      const path = await bench.writeManifest(manifest);
      const { SUDO_USER: _nobody, ...env } = process.env as Record<string, string>;
      const applied = await lab.operator.exec(
        ['node', 'bin/citadel-iac.mjs', 'apply', '--yes', '--manifest', path, '--inventory', bench.inventory],
        { env: { ...env, SUDO_USER: who }, timeoutMs: 120_000 },
      );
      expect(applied.code, applied.stderr).toBe(0);
      const history = await bench.cli(['history', 'ai-node', '--json']);
      const { hosts } = history.json() as { hosts: Record<string, { who: string }[]> };
      expect(hosts['ai-node']?.at(-1)?.who).toMatch(/^\$\(touch pwned\)'"`id` %n \\ é \?\[31m=x@/);
      expectPlainWords(await bench.cli(['history', 'ai-node']));
      await expectNobodyRan();
    });

    it('leave the host as it was when they go', async () => {
      await bench.apply(EMPTY);
      // What was never ours: what the checks wrote, homes, and the folder that a mount covered.
      await host.mustExec(`rm -rf ${ARGUMENTS_OUT} ${TOP}-homes; rmdir '${MOUNT}' '${dirname(MOUNT)}'`);
      expect(bytes(SHARED).subarray(0, FOREIGN.length).equals(FOREIGN)).toBe(true);
      expect((await host.exec(`find ${TOP} ${TOP}-mnt /etc/systemd/system -name '*hostile*'`)).stdout).toBe(
        '',
      );
      await writeFile(join(host.root, SHARED), FOREIGN);
      expect(await fingerprint(host)).toBe(before);
      await expectNobodyRan();
    });
  });

  describe('that cannot arrive are refused by name', () => {
    const file = { content: 'x\n', ...root, mode: '0644' };
    const check = { timeoutSec: 1, wave: 0 };
    const user = { home: '/home/u', shell: '/bin/sh', groups: [], system: false };
    const REFUSED: readonly (readonly [string, object, RegExp])[] = [
      ['a newline in a path', { files: { '/srv/a\nb': file } }, /a\\\\?nb.*control character/],
      ['NUL in a path', { files: { '/srv/a\0b': file } }, /control character/],
      ['a path out of its folder', { files: { '/srv/../etc/x': file } }, /contains "\.\."/],
      ['half a character', { files: { '/srv/x': { ...file, content: 'a\ud800' } } }, /well-formed/],
      ['a newline in a link', { symlinks: { '/srv/x': { target: 'a\nb' } } }, /control character/],
      ['a marker in a block', { blocks: { '/srv/x': { a: '# END citadel-iac a\n' } } }, /marker/],
      ['a quote in a block name', { blocks: { '/srv/x': { "it's": '' } } }, /it's.*is not a block name/],
      ['a newline in a key', { users: { u: { ...user, authorizedKeys: ['a\nb'] } } }, /control character/],
      ['a colon in a home', { users: { u: { ...user, home: '/home/a:b' } } }, /\/home\/a:b.*contains ":"/],
      ['a command for an account', { users: { '$(id)': user } }, /\$\(id\).*is not an account name/],
      ['an option for a package', { packages: { '-oDpkg::x': {} } }, /is not a Debian package name/],
      ['a command for a version', { packages: { tree: { version: '1;id' } } }, /is not a Debian version/],
      ['a path for a unit', { units: { '../x.service': {} } }, /is not a systemd unit name/],
      [
        'a newline in an argument',
        { checks: { c: { kind: 'command', command: ['a\nb'], ...check } } },
        /control/,
      ],
      [
        'a newline in a URL',
        { checks: { c: { kind: 'http', url: 'http://h/\n', status: 200, ...check } } },
        /control/,
      ],
      [
        'a mode with bits to spare',
        { files: { '/srv/x': { ...file, mode: '0644;id' } } },
        /four octal digits/,
      ],
    ];

    it.each(REFUSED)('%s', async (_name, sections, words) => {
      const path = join(bench.folder, 'refused.json');
      await writeFile(path, JSON.stringify({ version: 1, host: 'ai-node', ...sections }));
      const run = await bench.cli(['apply', '--yes', '--manifest', path]);
      expect(run.code).toBe(1);
      expectPlainWords(run);
      expect(run.stderr).toMatch(words);
    });

    it('and nothing has run', expectNobodyRan);
  });

  it('whatever they are', { timeout: 900_000 }, async () => {
    const nasty = fc.constantFrom(...HOSTILE, "'", '"', '`', '$(', '${', '%{', '\\', '-', ' ', '*', '\u0301');
    const wild = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.array(nasty, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
    );
    const name = wild.filter((text) => !text.includes('/') && pathProblem(`/${text}`) === undefined);
    const target = wild.filter((text) => text !== '' && !/[\u0000-\u001f\u007f]/.test(text)); // eslint-disable-line no-control-regex
    const block = wild.filter((text) => !/^# (BEGIN|END) citadel-iac /m.test(text));
    const batch = fc.record({
      files: fc.uniqueArray(fc.tuple(name, wild), { selector: ([key]) => key, maxLength: 12 }),
      links: fc.uniqueArray(fc.tuple(name, target), { selector: ([key]) => key, maxLength: 6 }),
      folders: fc.uniqueArray(name, { maxLength: 6 }),
      blocks: fc.array(block, { maxLength: 4 }),
      words: fc.array(target, { minLength: 1, maxLength: 6 }),
    });
    const top = '/srv/wild';
    await fc.assert(
      fc.asyncProperty(batch, async ({ files, links, folders, blocks, words }) => {
        const manifest = validateManifest({
          version: 1,
          host: 'ai-node',
          directories: Object.fromEntries(
            ['', ...folders.map((each) => `/d/${each}`)].map((path) => [
              `${top}${path}`,
              { ...root, mode: '0755' },
            ]),
          ),
          files: {
            ...Object.fromEntries(
              files.map(([key, content]) => [`${top}/f/${key}`, { content, ...root, mode: '0644' }]),
            ),
            [`${top}/dump`]: {
              content: '#!/bin/sh\nprintf "%s\\0" "$@" >/srv/wild-out\n',
              ...root,
              mode: '0755',
            },
          },
          // A link that leads to itself is refused.
          symlinks: Object.fromEntries(
            links
              .filter(([key, to]) => resolve('/', to) !== `/${key}`)
              .map(([key, to], index) => [`${top}/l/${index}/${key}`, { target: to }]),
          ),
          ...(blocks.length > 0 && {
            blocks: {
              [`${top}/shared`]: Object.fromEntries(blocks.map((text, index) => [slug(index), text])),
            },
          }),
          checks: { c: { kind: 'command', command: [`${top}/dump`, ...words], timeoutSec: 10, wave: 0 } },
        });
        await bench.apply(manifest);
        expectAsWanted(manifest);
        for (const text of Object.values(manifest.blocks ?? {})) {
          expect(bytes(`${top}/shared`).toString('utf8')).toBe(blocksText(text));
        }
        expect(bytes('/srv/wild-out').toString('utf8').split('\0')).toEqual([...words, '']);
        expect((await bench.diff(manifest)).changes).toEqual([]);
      }),
      { numRuns: 20, endOnFailure: true },
    );
    await expectNobodyRan();
  });
});
