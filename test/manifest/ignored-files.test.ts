import { describe, expect, it } from 'vitest';
import { checkManifest } from '../../lib/manifest/validate.js';
import { logrotatePatterns } from '../../lib/manifest/rules/logrotate.js';

function codes(files: Readonly<Record<string, object>>, more: object = {}): string[] {
  const all = Object.fromEntries(
    Object.entries(files).map(([path, file]) => [
      path,
      { content: '', owner: 'root', group: 'root', mode: '0644', ...file },
    ]),
  );
  return checkManifest({ version: 1, host: 'box', files: all, ...more }).problems.map(
    ({ code, property }) => `${code} ${property ?? ''}`,
  );
}

describe('a file of sudoers.d', () => {
  it.each(['a.conf', 'john.doe', 'a~', '.hidden'])('with a name that sudo ignores is refused: %s', (name) => {
    expect(codes({ [`/etc/sudoers.d/${name}`]: { mode: '0440' } })).toEqual([
      `manifest.sudoers.name files["/etc/sudoers.d/${name}"]`,
    ]);
  });

  it('is refused as a link or with a block, too', () => {
    expect(
      codes(
        {},
        { symlinks: { '/etc/sudoers.d/a.b': { target: '/x' } }, blocks: { '/etc/sudoers.d/c~': { x: '' } } },
      ),
    ).toEqual([
      'manifest.sudoers.name blocks["/etc/sudoers.d/c~"]',
      'manifest.sudoers.name symlinks["/etc/sudoers.d/a.b"]',
    ]);
  });

  it.each(['0644', '0640', '0600', '0777'])('is refused with the mode %s', (mode) => {
    expect(codes({ '/etc/sudoers.d/a': { mode } })).toEqual([
      'manifest.sudoers.mode files["/etc/sudoers.d/a"].mode',
    ]);
  });

  it('is refused when it is not root’s, and taken when all is right', () => {
    const more = { assumedAccounts: { users: ['games'] } };
    expect(codes({ '/etc/sudoers.d/a': { mode: '0440', owner: 'games' } }, more)).toEqual([
      'manifest.sudoers.owner files["/etc/sudoers.d/a"].owner',
    ]);
    expect(
      codes({ '/etc/sudoers.d/a': { mode: '0440' }, '/etc/sudoers.d/README': { mode: '0400' } }),
    ).toEqual([]);
    expect(codes({ '/etc/sudoers': { mode: '0644' } })).toHaveLength(1);
    expect(codes({ '/opt/sudoers.d/a.b': {} })).toEqual([]);
  });
});

describe('a file of cron.d', () => {
  const lines = (content: string): string[] => codes({ '/etc/cron.d/a': { content } });

  it.each([
    '61 * * * * root true',
    '0 25 * * * root true',
    '0 3 * * root',
    '0 3 * * * root',
    '@fortnightly root true',
    '0 3 * * fun root true',
    '*/0 * * * * root true',
  ])('that cron would ignore is refused: %s', (line) => {
    expect(lines(`# comment\n${line}\n`)).toEqual(['manifest.cron.line files["/etc/cron.d/a"].content']);
  });

  it.each([
    '0 3 * * * root true',
    '  */5  8-18/2 1,15 jan-mar Mon\troot  A=b test -x /x && /x',
    '@reboot root /usr/bin/true',
    'MAILTO=""',
    'PATH = /usr/bin:/bin',
    '"A B" = c',
    '',
    '   # comment',
  ])('is taken: %s', (line) => {
    expect(lines(`${line}\n`)).toEqual([]);
  });

  it('names the line, the reason and the way out', () => {
    const file = { content: '\n61 * * * * root true\n', owner: 'root', group: 'root', mode: '0644' };
    const { problems } = checkManifest({ version: 1, host: 'box', files: { '/etc/cron.d/a': file } });
    expect(problems[0]?.got).toBe(
      'line 2: "61 * * * *" has "61" for the minute; cron would ignore the whole file',
    );
    expect(problems[0]?.fix).toContain('0 to 59');
  });

  it('is refused with a name, owner or mode for which cron ignores it', () => {
    expect(codes({ '/etc/cron.d/a.b': {} })).toEqual(['manifest.cron.name files["/etc/cron.d/a.b"]']);
    expect(codes({ '/etc/cron.d/a': { mode: '0664' }, '/etc/cron.d/b': { mode: '0755' } })).toEqual([
      'manifest.cron.mode files["/etc/cron.d/a"].mode',
    ]);
    expect(codes({ '/etc/cron.d/a': { owner: 'games' } }, { assumedAccounts: { users: ['games'] } })).toEqual(
      ['manifest.cron.owner files["/etc/cron.d/a"].owner'],
    );
  });

  it.each(['hourly', 'daily', 'weekly', 'monthly'])(
    'of cron.%s is a program with a name that run-parts takes',
    (when) => {
      const folder = `/etc/cron.${when}`;
      expect(
        codes({
          [`${folder}/a.sh`]: { mode: '0755' },
          [`${folder}/b`]: {},
          [`${folder}/c`]: { mode: '0755' },
        }),
      ).toEqual([
        `manifest.cron.name files["${folder}/a.sh"]`,
        `manifest.cron.program files["${folder}/b"].mode`,
      ]);
      const link = { symlinks: { [`${folder}/d.sh`]: { target: '/opt/d.sh' } } };
      expect(codes({}, link)).toEqual([`manifest.cron.name symlinks["${folder}/d.sh"]`]);
    },
  );
});

describe('logs in files of logrotate.d', () => {
  const entry = (...paths: string[]): { content: string } => ({
    content: `${paths.join(' ')} {\n  weekly\n  postrotate\n    test -e /x && { /var/log/c.log; }\n  endscript\n}\n`,
  });
  const twice = (a: object, b: object): string[] =>
    codes({ '/etc/logrotate.d/a': a, '/etc/logrotate.d/b': b });

  it.each([
    ['equal paths', entry('/var/log/x.log'), entry('/var/log/y.log', '/var/log/x.log')],
    ['equal patterns', entry('/var/log/app/*.log'), entry('"/var/log/app/*.log"')],
    ['a path of a pattern', entry('/var/log/app/*.log'), entry('/var/log/app/x.log')],
    ['a pattern with a path', entry('/var/log//app/x.log'), entry('/var/log/app/[w-z].lo?')],
  ])('are refused when two entries name them: %s', (_name, a, b) => {
    expect(twice(a, b)).toEqual(['manifest.logrotate.twice files["/etc/logrotate.d/b"].content']);
  });

  it('are refused within one file, and taken when they differ', () => {
    const both = { content: entry('/var/log/x').content + entry('/var/log/x').content };
    expect(codes({ '/etc/logrotate.d/a': both })).toHaveLength(1);
    expect(
      twice(entry('/var/log/app/*.log'), entry('/var/log/app/old/x.log', '/var/log/app/x.logs')),
    ).toEqual([]);
    expect(twice(entry('/var/log/c.log'), entry('/var/log/d.log'))).toEqual([]);
    expect(
      twice(entry('/var/log/x'), { content: `ignoreduplicates\n${entry('/var/log/x').content}` }),
    ).toEqual([]);
  });

  it('are read as logrotate does', () => {
    const text = `# /no\ncompress\ninclude /etc/none\n/a\n"/b c" '/d{e}'\n{\n  olddir /f\n}\n/g { daily }\n/h {\n}\n`;
    expect(logrotatePatterns(text)).toEqual(['/a', '/b c', '/d{e}', '/g', '/h']);
  });
});
