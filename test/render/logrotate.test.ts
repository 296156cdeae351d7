import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderLogrotate, type LogrotateEntry } from '../../lib/render/index.js';

const whole: LogrotateEntry = {
  paths: ['/opt/citadel/logs/*.log', '/srv/my logs/*'],
  frequency: 'daily',
  rotate: 14,
  maxageDays: 30,
  maxsize: '100M',
  minsize: 1024,
  missingok: true,
  notifempty: true,
  compress: true,
  delaycompress: true,
  copytruncate: false,
  dateext: true,
  dateformat: '-%Y%m%d-%s',
  sharedscripts: true,
  olddir: '/opt/citadel/logs/old',
  create: { mode: '0640', owner: 'root', group: 'adm' },
  su: { user: 'root', group: 'adm' },
  scripts: { postrotate: ['systemctl kill --signal=HUP citadel-phi3.service || true'] },
};

describe('renderLogrotate', () => {
  it('writes directives in one order', () => {
    expect(renderLogrotate([whole, { paths: ['/x'], create: false, scripts: { prerotate: [] } }]))
      .toBe(`/opt/citadel/logs/*.log
"/srv/my logs/*" {
    daily
    rotate 14
    maxage 30
    minsize 1024
    maxsize 100M
    missingok
    notifempty
    compress
    delaycompress
    nocopytruncate
    dateext
    sharedscripts
    dateformat -%Y%m%d-%s
    olddir /opt/citadel/logs/old
    create 0640 root adm
    su root adm
    postrotate
        systemctl kill --signal=HUP citadel-phi3.service || true
    endscript
}

/x {
    nocreate
    prerotate
    endscript
}
`);
  });

  it.each<[Partial<LogrotateEntry>, string]>([
    [{ paths: [] }, 'entries[0].paths: there is no path. Give at least one.'],
    [
      { paths: ['x.log'] },
      'entries[0].paths: "x.log" is not a path that logrotate can be given. Write an absolute path without quotes, backslashes and braces.',
    ],
    [
      { paths: ['/x" { }'] },
      'entries[0].paths: "/x\\" { }" is not a path that logrotate can be given. Write an absolute path without quotes, backslashes and braces.',
    ],
    [{ paths: ['/x\n/y'] }, 'entries[0].paths: "/x\\n/y" has a line end inside. Give one line.'],
    [
      { frequency: 'daily', size: 5 },
      'entries[0].size: "size" makes logrotate forget "daily". Use maxsize (also before the time) or minsize (not before that size).',
    ],
    [{ rotate: -1 }, 'entries[0].rotate: -1 is not a whole number of zero or more. Give one.'],
    [{ size: '5X' }, 'entries[0].size: "5X" is not a size. Write bytes, or a number with k, M or G.'],
    [
      { dateformat: 'a b' },
      'entries[0].dateformat: "a b" is not one plain word. Use letters, digits and "._%+-".',
    ],
    [
      { create: { mode: '999', owner: 'root', group: 'adm' } },
      'entries[0].create.mode: "999" is not a mode. Write it as "0640".',
    ],
    [
      { scripts: { postrotate: [' endscript '] } },
      'entries[0].scripts.postrotate: a line says "endscript", which ends the script. Take it out.',
    ],
    [
      { scripts: { postrotate: ['a\nb'] } },
      'entries[0].scripts.postrotate: "a\\nb" has a line end inside. Give one line.',
    ],
  ])('refuses %#', (change, message) => {
    expect(() => renderLogrotate([{ paths: ['/x'], ...change }])).toThrow(message);
  });

  const tool = '/usr/sbin/logrotate';
  it.skipIf(!existsSync(tool))(`is read by logrotate${existsSync(tool) ? '' : ` (needs ${tool})`}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'citadel-logrotate-'));
    try {
      const path = join(directory, 'conf');
      const check = (text: string) => {
        writeFileSync(path, text, { mode: 0o644 });
        return spawnSync(tool, ['--debug', '--state', join(directory, 'state'), path], {
          encoding: 'utf8',
          timeout: 20_000,
        });
      };
      const { stdout, stderr } = check(renderLogrotate([{ ...whole, olddir: directory }]));
      expect(`${stdout}${stderr}`).not.toMatch(/^error|: error|error:|unknown|unexpected/im);
      expect(stderr).toContain('considering log /srv/my logs/*');
      expect(check('/x { nonsense 5 }\n').stderr).toContain('error');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('the rarer options', () => {
  const rare: LogrotateEntry = {
    paths: ['/var/log/app.log'],
    frequency: 'daily',
    compress: true,
    compressWith: {
      command: '/usr/bin/zstd',
      extension: '.zst',
      options: '-q --rm',
      uncompress: '/usr/bin/unzstd',
    },
    minageDays: 2,
    dateext: true,
    dateyesterday: true,
    create: true,
    olddir: '/var/log/old',
    createOlddir: { mode: '0750', owner: 'root', group: 'adm' },
    mail: false,
    shred: true,
    missingok: true,
  };

  it('are written as logrotate names them', () => {
    expect(renderLogrotate([rare]).split('\n').slice(1, -2)).toEqual(
      [
        'daily',
        'minage 2',
        'missingok',
        'compress',
        'dateext',
        'shred',
        'dateyesterday',
        'compresscmd /usr/bin/zstd',
        'compressext .zst',
        'compressoptions -q --rm',
        'uncompresscmd /usr/bin/unzstd',
        'nomail',
        'olddir /var/log/old',
        'createolddir 0750 root adm',
        'create',
      ].map((line) => `    ${line}`),
    );
    expect(() => renderLogrotate([{ ...rare, mail: 'a b' }])).toThrow(/mail.*is not one plain word/);
  });

  it.skipIf(!existsSync('/usr/sbin/logrotate'))('are read by logrotate', () => {
    const folder = mkdtempSync(join(tmpdir(), 'logrotate-rare-'));
    writeFileSync(join(folder, 'rare'), renderLogrotate([rare]), { mode: 0o644 });
    const run = spawnSync('/usr/sbin/logrotate', ['-d', '-s', '/dev/null', join(folder, 'rare')]);
    expect(run.stderr.toString('utf8')).not.toMatch(/error|unknown/);
    expect(run.status).toBe(0);
    rmSync(folder, { recursive: true });
  });
});
