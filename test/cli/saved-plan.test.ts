import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFile as fileOf } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { realEngine } from '../../lib/cli/engine.js';
import { run } from '../../lib/cli/run.js';
import { shellDouble } from './doubles.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The commands with the real engine on two offline roots. */
const INVENTORY =
  'hosts: { one: { root: one }, two: { root: two } }\nsecrets: { password: { env: PLAN_PASSWORD } }\n';
const SECRET = 'correct-horse-battery';

const file = (content: string, mode = '0644') => ({ content, owner: 'root', group: 'root', mode });

describe('a saved plan', { timeout: 120_000 }, () => {
  let folder: string;
  let password: string;

  beforeEach(() => {
    folder = temporaryFolder('citadel-plan-');
    password = SECRET;
    for (const path of ['one/etc', 'one/var/lib', 'two/etc', 'two/var/lib'])
      mkdirSync(join(folder, path), { recursive: true });
    write('docs.json', JSON.stringify({ hosts: { one: document('one'), two: document('two') } }));
  });

  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  const document = (host: string, more: object = {}) => ({
    version: 1,
    host,
    files: {
      '/etc/motd': file(`${host}\n`),
      '/etc/app.conf': file('password = @@secret:password@@\n', '0600'),
      ...more,
    },
  });
  const citadel = async (...args: string[]) => {
    const env = { PLAN_PASSWORD: password };
    const shell = shellDouble({ cwd: folder, inventory: INVENTORY, env });
    const engine = realEngine(env);
    const status = await run(
      args,
      {
        ...shell,
        engine: () => Promise.resolve(engine),
        readFile: (path) => fileOf(join(folder, path), 'utf8'),
      },
      '1.2.3',
    );
    return { status, stdout: shell.printed.out, stderr: shell.printed.err };
  };
  const git = (...args: string[]): string => {
    const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    const result = spawnSync('git', [...who, ...args], { cwd: folder, encoding: 'utf8' });
    expect(result.status, result.stderr).toBe(0);
    return result.stdout.trim();
  };
  const save = async (...args: string[]) => {
    const saved = await citadel('diff', '--save', 'plan.json', '--manifest', 'docs.json', ...args);
    expect(saved.status, saved.stderr).toBe(2);
    return saved;
  };
  const applySaved = (...args: string[]) => citadel('apply', '--plan', 'plan.json', '--yes', ...args);
  /** Refused, naming the host and what; and no host was touched. */
  const refused = async (...words: string[]): Promise<void> => {
    const before = [read('one/etc/motd'), read('two/etc/motd')];
    const result = await applySaved();
    expect(result.status).toBe(1);
    for (const word of words) expect(result.stderr).toContain(word);
    expect([read('one/etc/motd'), read('two/etc/motd')]).toEqual(before);
  };
  const applyNow = async (): Promise<void> => {
    const result = await citadel('apply', '--yes', '--manifest', 'docs.json');
    expect(result.status, result.stderr).toBe(0);
  };
  const changeDocuments = (more: object): void =>
    write('docs.json', JSON.stringify({ hosts: { one: document('one', more), two: document('two', more) } }));

  it('is applied to all its hosts, or those that are named, and holds no secret', async () => {
    await save();
    expect(statSync(join(folder, 'plan.json')).mode & 0o777).toBe(0o600);
    expect(read('plan.json')).not.toContain(SECRET);
    expect(read('plan.json')).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 20));
    expect(JSON.parse(read('plan.json'))).toMatchObject({ format: 'citadel-iac-plan/1' });

    const first = await applySaved('two');
    expect(first.status, first.stderr).toBe(0);
    expect(existsSync(join(folder, 'one/etc/motd'))).toBe(false);
    expect(read('two/etc/app.conf')).toBe(`password = ${SECRET}\n`);
    // What was applied is not applied again, and what is left still is as it was reviewed.
    expect((await applySaved('two')).status).toBe(1);
    expect((await applySaved('one')).status).toBe(0);
    expect(read('one/etc/motd')).toBe('one\n');
    expect((await applySaved('three')).stderr).toContain(
      '[three] is not in the plan plan.json, which has one, two',
    );
  });

  describe('of hosts that have a generation', () => {
    beforeEach(async () => {
      await applyNow();
      changeDocuments({ '/etc/motd': file('new\n'), '/etc/large': file('x'.repeat(2_000_000)) });
      writeFileSync(join(folder, 'one/etc/large'), 'y'.repeat(2_000_000));
      await save();
    });

    it('is applied as it is when nothing changed', async () => {
      expect((await applySaved()).status).toBe(0);
      expect([read('one/etc/motd'), read('two/etc/motd')]).toEqual(['new\n', 'new\n']);
    });

    it.each([
      ['a path that it changes', 'etc/motd', 'by hand\n', 'files /etc/motd'],
      ['a path that it did not have to change', 'etc/app.conf', 'by hand\n', 'files /etc/app.conf'],
      [
        'a byte of what is too large to be shown',
        'etc/large',
        `z${'y'.repeat(1_999_999)}`,
        'files /etc/large',
      ],
    ])('is refused on every host when someone changed %s of one', async (_, path, text, named) => {
      write(`one/${path}`, text);
      await refused(
        '[one] the host was changed after the plan was saved',
        named,
        'citadel-iac diff one --save',
      );
    });

    it('is refused when another apply came between', async () => {
      write('other.json', JSON.stringify(document('two', { '/etc/other': file('x\n') })));
      expect((await citadel('apply', '--yes', '--manifest', 'other.json')).status).toBe(0);
      await refused('[two] the host was changed', 'generation 1 to generation 2');
    });

    it('is refused when a document changed', async () => {
      changeDocuments({ '/etc/motd': file('newer\n') });
      await refused(
        '[one] its document was changed after the plan was saved: files /etc/large, files /etc/motd',
        '[two]',
      );
    });

    it('is refused when the documents are gone, or a host is', async () => {
      write('docs.json', JSON.stringify(document('one', { '/etc/motd': file('new\n') })));
      await refused('two');
      rmSync(join(folder, 'docs.json'));
      await refused('docs.json');
    });

    it('is refused when a secret has another value', async () => {
      write('one/etc/app.conf', 'password = x\n');
      await save('one');
      password = 'another-value';
      await refused('[one] the host was changed after the plan was saved: files /etc/app.conf');
    });
  });

  it.each([
    ['no JSON', '{', 'is not a plan that "citadel-iac diff --save" wrote'],
    ['another file', '{"version":1,"host":"one"}', 'is not a plan that "citadel-iac diff --save" wrote'],
    [
      'a later format',
      '{"format":"citadel-iac-plan/2","tool":"9.1.0"}',
      'format citadel-iac-plan/2, saved by version 9.1.0',
    ],
    ['a damaged one', '{"format":"citadel-iac-plan/1","tool":"x","hosts":{"one":{}}}', 'is not a plan'],
    [
      'another version',
      '{"format":"citadel-iac-plan/1","tool":"0.0.9","hosts":{}}',
      'saved by version 0.0.9',
    ],
  ])('is refused when it is %s', async (_, text, words) => {
    write('plan.json', text);
    const { status, stderr } = await applySaved();
    expect(status).toBe(1);
    expect(stderr).toContain(`[plan.json] `);
    expect(stderr).toContain(words);
  });

  it('is neither of commits nor waited with', async () => {
    const against = await citadel(
      'diff',
      '--save',
      'plan.json',
      '--against',
      'HEAD',
      '--manifest',
      'docs.json',
    );
    expect(against.status).toBe(1);
    expect(against.stderr).toContain('--against');
    expect((await citadel('apply', '--plan', 'plan.json', '--wait', '5')).status).toBe(1);
  });

  describe('the commit of the repository', () => {
    const commits = async (): Promise<unknown[]> => {
      const { hosts } = JSON.parse((await citadel('history', '--json')).stdout) as {
        hosts: { one: { commit?: string }[] };
      };
      return hosts.one.map(({ commit }) => commit);
    };

    it('stands in the history, and says when files were changed since; outside of a repository there is none', async () => {
      await applyNow();
      expect((await citadel('history', 'one')).stdout).not.toContain('commit');
      git('init', '-q');
      git('add', 'inv.yaml', 'docs.json', 'package.json');
      git('commit', '-qm', 'one');
      const head = git('rev-parse', 'HEAD');
      write('one/etc/motd', 'drift\n');
      await applyNow();
      changeDocuments({ '/etc/motd': file('new\n') });
      await save();
      expect(JSON.parse(read('plan.json'))).toMatchObject({ commit: `${head}-dirty` });
      expect((await applySaved()).status).toBe(0);
      expect(await commits()).toEqual([undefined, head, `${head}-dirty`]);
      expect((await citadel('history', 'one')).stdout).toContain(`  ${head.slice(0, 12)}-dirty  `);
      expect(read('one/var/lib/citadel-iac/current/meta')).toContain(`\ncommit=${head}-dirty\n`);
    });

    it('never steers the terminal', async () => {
      await applyNow();
      write('one/var/lib/citadel-iac/current/commit', '\x1b]0;PWNED\x07\x1b[2J\x9b\n');
      const text = await citadel('history', 'one');
      expect(text.status).toBe(0);
      const json = await citadel('history', '--json');
      for (const sign of ['\x1b', '\x07', '\x9b']) expect(text.stdout + json.stdout).not.toContain(sign);
    });
  });
});
