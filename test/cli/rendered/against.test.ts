import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { gitSaid } from '../../../lib/cli/rendered/at-ref.js';
import { plansMarkdown } from '../../../lib/cli/text/markdown.js';
import { call } from '../call.js';
import { planOf } from '../doubles.js';

const root = { owner: 'root', group: 'root', mode: '0644' };
const UNIT = '/etc/systemd/system/a.service';
const alpha: HostManifest = {
  version: 1,
  host: 'alpha',
  files: {
    '/etc/motd': { ...root, content: 'hello\nworld\n' },
    [UNIT]: {
      ...root,
      content: '[Service]\nExecStart=/bin/true\nTimeoutStartSec=15m30s\nTimeoutStopSec=30s\n',
    },
  },
  units: {
    'a.service': { enabled: true, state: 'running', restartOn: ['/etc/motd'], reloadOn: [], wave: 0 },
  },
};
const beta: HostManifest = { version: 1, host: 'beta', packages: { htop: {} } };
const changed: HostManifest = {
  ...alpha,
  files: { ...alpha.files, '/etc/motd': { ...root, content: 'hello\n```\n| @everyone <b>\n' } },
};

describe('citadel-iac diff --against', () => {
  let folder: string;
  const git = (...words: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...words], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
    });
  const run = (words: string, hosts: HostManifest[]) =>
    call(words, { cwd: folder, app: { buildHosts: () => hosts } });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'citadel against '));
    git('init', '-q', '-b', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'Begin');
    git('tag', 'empty');
    await run('render', [alpha, beta]);
    git('add', 'rendered');
    git('commit', '-q', '-m', 'Render');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('finds nothing where nothing changed, and asks no host', async () => {
    const { code, printed, engineDouble } = await run('diff --against main', [alpha, beta]);
    expect(code).toBe(0);
    expect(printed.out).toContain('Nothing to do.');
    expect(engineDouble.calls).toEqual([]);
  });

  it('shows lines, and what restarts', async () => {
    const commit = git('rev-parse', 'HEAD').slice(0, 12);
    const { code, printed } = await run('diff alpha --against main', [changed, beta]);
    expect(code).toBe(2);
    expect(printed.out).toBe(`alpha  commit ${commit}

  ~ files /etc/motd  (config)
      @@ -1,2 +1,3 @@
       hello
      -world
      +\`\`\`
      +| @everyone <b>
      restarts a.service

  1 change: 1 to update.
  Units, in this order: restart a.service.

`);
  });

  it('is a comment for a pull request as Markdown', async () => {
    const commit = git('rev-parse', 'HEAD').slice(0, 12);
    const gamma: HostManifest = { version: 1, host: 'gamma' };
    const { code, printed } = await run('diff --against main --format markdown', [changed, gamma]);
    expect(code).toBe(2);
    expect(printed.out).toBe(`### What a deploy would change

Compared with the rendering of commit ${commit}; no host was asked.

> gamma is new.

> beta left the inventory: a deploy leaves it as it is.

| host | create | update | delete | changed by hand | stops or restarts | for how long |
| --- | --: | --: | --: | --: | --- | --- |
| <code>alpha</code> | 0 | 1 | 0 | 0 | restarts <code>a.service</code> | up to 16 min |
| <code>gamma</code> | 0 | 0 | 0 | 0 | nothing |  |

#### <code>alpha</code>

- restarts <code>a.service</code>, up to 16 min

<details><summary><b>~</b> files <code>/etc/motd</code> +2 −1</summary>

- restarts <code>a.service</code>

\`\`\`\`diff
@@ -1,2 +1,3 @@
 hello
-world
+\`\`\`
+| @everyone <b>
\`\`\`\`

</details>
`);
  });

  it('keeps a comment within what a forge takes, table first', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 400 }, (_, n) => [
        `/etc/many/file-${n}`,
        { ...root, content: 'a line of some length\n'.repeat(300) },
      ]),
    );
    const { printed } = await run('diff alpha --against main --format markdown', [{ ...alpha, files }]);
    expect(Buffer.byteLength(printed.out)).toBeLessThan(60_001);
    expect(printed.out).toMatch(/\| <code>alpha<\/code> \| 400 \| 0 \| \d+ \| 0 \| /);
    expect(printed.out).toMatch(/… and \d+ more changes; "citadel-iac diff" has them all\./);
  });

  it('keeps within it with hundreds of hosts, of units and of remarks', async () => {
    const plans = Array.from({ length: 1500 }, (_, n) => planOf(`host-${n}`));
    const fleet = plansMarkdown(plans, { comparison: 'x', remarks: ['y'] });
    expect(Buffer.byteLength(fleet)).toBeLessThan(60_001);
    expect(fleet).toMatch(/\n… and more; "citadel-iac diff" has it all\.\n$/);

    const names = Array.from({ length: 1000 }, (_, n) => `unit-with-a-long-name-${n}.service`);
    const units = Object.fromEntries(
      names.map((name) => [name, { ...alpha.units?.['a.service'], restartOn: [] }]),
    ) as NonNullable<HostManifest['units']>;
    const many = await run('diff alpha --against main --format markdown', [{ ...alpha, units }]);
    expect(Buffer.byteLength(many.printed.out)).toBeLessThan(60_001);
    expect(many.printed.out).toContain('| <code>alpha</code> | ');
    expect(many.printed.out).toMatch(/<details><summary>\d+ units in this order<\/summary>/);
  });

  it('names a few units in the table, and shows secrets as tokens', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name}.service`);
    const units = Object.fromEntries(
      names.map((name) => [name, { ...alpha.units?.['a.service'], restartOn: ['/etc/motd'] }]),
    ) as NonNullable<HostManifest['units']>;
    const withUnits = (content: string): HostManifest => ({
      ...alpha,
      units,
      files: { ...alpha.files, '/etc/motd': { ...root, content } },
    });
    await run('render', [withUnits('key=1\n'), beta]);
    git('commit', '-q', '-a', '-m', 'Six units');
    const wanted = [withUnits('key=@@secret:api_key@@\nother=2\n'), beta];
    const { printed } = await run('diff alpha --against HEAD --format markdown', wanted);
    expect(printed.out).toContain('restarts <code>d.service</code><br>and 2 more units |');
    expect(printed.out).toContain('\n+key=<secret api_key>\n+other=2\n');
    const page = await run('diff alpha --against HEAD --format html --out page.html', wanted);
    expect(page.printed.out).toBe('');
    expect(page.code).toBe(2);
    const text = readFileSync(join(folder, 'page.html'), 'utf8');
    expect(text).toContain('&lt;secret api_key&gt;');
    expect(text).not.toContain('@@secret');
    git('reset', '-q', '--hard', 'HEAD~1');
  });

  it.each(['text', 'json', 'markdown', 'html'])('writes %s to a file as it prints it', async (format) => {
    const printed = await run(`diff alpha --against main --format ${format}`, [changed, beta]);
    const written = await run(`diff alpha --against main --format ${format} --out out.txt`, [changed, beta]);
    expect(written.printed.out).toBe('');
    expect([printed.code, written.code]).toEqual([2, 2]);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(printed.printed.out);
  });

  it('says when the file cannot be written', async () => {
    const { code, printed } = await run('diff alpha --against main --out nosuch/x', [changed, beta]);
    expect(code).toBe(1);
    expect(printed.err).toMatch(
      /^\[nosuch\/x\] cannot be written: ENOENT.*\. Give a file in a folder that is there and that you may write to\.\n$/,
    );
  });

  it('says what is wrong with the reference', async () => {
    for (const reference of ['nosuch', '--output=x', 'main:rendered']) {
      const { code, printed } = await run(`diff --against=${reference}`, [alpha]);
      expect(code).toBe(1);
      expect(printed.err).toBe(
        `[${reference}] is no commit, branch or tag of this repository. Give one that "git rev-parse" knows; a shallow clone may have to fetch it first.\n`,
      );
    }
    expect((await run('diff --against empty', [alpha])).printed.err).toMatch(
      /^\[empty\] commit [0-9a-f]{12} has no rendered\/\. Run "citadel-iac render" there and commit what it writes, or compare with live hosts\.\n$/,
    );
  });

  it('passes on what git says of a folder that is no repository', async () => {
    const bare = mkdtempSync(join(tmpdir(), 'citadel none '));
    try {
      const { code, printed } = await call('diff --against main', {
        cwd: bare,
        app: { buildHosts: () => [alpha] },
      });
      expect(code).toBe(1);
      expect(printed.err).toMatch(
        /^\[.*citadel none .*\] git says: not a git repository \(.*\.git\)?\. Run it in a clone of the project, which has its history\.\n$/,
      );
    } finally {
      rmSync(bare, { recursive: true });
    }
  });

  it('passes on what git says of a repository that belongs to someone else', async () => {
    // Git's own tests have this switch; containers of a CI have such folders.
    const mine = {
      GIT_TEST_ASSUME_DIFFERENT_OWNER: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      LC_ALL: 'de_DE.UTF-8',
    };
    for (const [name, value] of Object.entries(mine)) vi.stubEnv(name, value);
    try {
      const { code, printed } = await run('diff --against main', [alpha]);
      expect(code).toBe(1);
      expect(printed.err).toContain(
        `[${folder}] git says: detected dubious ownership in repository at '${folder}`,
      );
      expect(printed.err).toContain('git config --global --add safe.directory ');
      expect(printed.err).toMatch(
        /\. Run it as the owner of the folder, or make git trust it as it says\.\n$/,
      );
      expect(printed.err).not.toContain('is no commit');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('passes on anything else that git says, without what a terminal would obey', async () => {
    const config = readFileSync(join(folder, '.git/config'), 'utf8');
    writeFileSync(join(folder, '.git/config'), `${config}[include]\n\tpath = "\u001b[31m/x"\n[x\n`);
    try {
      const { printed } = await run('diff --against main', [alpha]);
      expect(printed.err).toMatch(
        /^\[.*\] git says: bad config line \d+ in file .*config\. "git rev-parse main" in this folder says the same: fix it there\.\n$/,
      );
    } finally {
      writeFileSync(join(folder, '.git/config'), config);
    }
    expect(gitSaid('fatal: a\u001b[31m\n\n\tb  \nfatal: c\n')).toBe('a\\u001b[31m b c');
    expect(gitSaid(`fatal: ${'x'.repeat(2000)}`)).toHaveLength(600);
  });

  it('does not take a rendering that was edited into something else', async () => {
    writeFileSync(join(folder, 'rendered/alpha.yaml'), 'host: other\n');
    git('commit', '-q', '-a', '-m', 'By hand');
    expect((await run('diff --against main', [alpha])).printed.err).toBe(
      '[rendered/alpha.yaml] is not a summary of this host. Write it again with "citadel-iac render".\n',
    );
    git('reset', '-q', '--hard', 'HEAD~1');
  });
});
