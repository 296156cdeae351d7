import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CitadelError, type HostManifest } from '../../../lib/manifest/index.js';
import { loadTemplate } from '../../../lib/render/index.js';
import { recovery } from '../../../lib/roles/monitoring/recovery.js';
import { buildHosts } from '../../../stacks/app.js';
import { contentOf } from '../../stacks/example.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool, tool } from '../../stacks/tools.js';
import { parseInventory } from '../../support/site.js';

const PROGRAM = '/usr/local/sbin/citadel-offsite';
const RESTORE = '/usr/local/lib/citadel-offsite/restore.sh';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFw';
const S3 = 'repository: s3:https://s3.example.org/bucket/a, s3: { accessKey: s3_id, secretKey: s3_key }';
const SECRETS =
  'secrets: { pw: { env: PW }, s3_id: { env: A }, s3_key: { env: B }, ssh: { env: C }, admin: { env: D } }\n';

function inventory(offsite: string, more = ''): string {
  return `hosts:\n  a:\n    address: 10.0.0.5\n${more}    offsite: { password: pw, ${offsite} }\noperator: { addresses: [10.0.0.1] }\n${SECRETS}`;
}

function host(offsite: string, more = ''): HostManifest {
  const [built] = buildHosts(parseInventory(inventory(offsite, more), 'site.yaml'));
  if (built === undefined) throw new Error('there is no host');
  return built;
}

function refusal(offsite: string): string[] {
  try {
    host(offsite);
  } catch (error) {
    if (error instanceof CitadelError) return error.problems.map(({ got }) => got);
    throw error;
  }
  return [];
}

describe('offsite, in the inventory', () => {
  it('is nothing on a host without it', () => {
    const [plain] = buildHosts(
      parseInventory(
        'hosts:\n  a:\n    address: 10.0.0.5\noperator: { addresses: [10.0.0.1] }\n',
        'site.yaml',
      ),
    );
    expect(Object.keys(plain?.files ?? {}).filter((path) => path.includes('offsite'))).toEqual([]);
    expect(plain?.packages).not.toHaveProperty('restic');
  });

  it('refuses an address with an account in it, and keys that do not go with it', () => {
    expect(refusal('repository: "rest:https://user:word@h/x"')).toEqual([
      expect.stringContaining('an address with an account in it is a secret (repositorySecret)'),
    ]);
    expect(refusal('repository: /srv/restic, repositorySecret: pw')).toEqual([
      expect.stringContaining('needs exactly one of "repository" and "repositorySecret"'),
    ]);
    expect(refusal('repository: s3:https://h/bucket')).toEqual([
      expect.stringContaining('needs "s3" with a repository s3:…, and with no other'),
    ]);
    expect(refusal('repository: sftp://u@h//srv/x')).toEqual([
      expect.stringContaining('needs "sftp" with a repository sftp://…, and with no other'),
    ]);
    expect(
      refusal('repository: "sftp://-oProxyCommand=x@h//srv/x", sftp: { key: ssh, hostKeys: [x] }').length,
    ).toBe(2);
  });
});

describe('offsite, on a host', () => {
  it('gives the program its secrets in files that root alone reads, and names none of them in a unit', () => {
    const built = host(S3);
    for (const name of ['password', 's3-access-key', 's3-secret-key', 'repository', 'settings'])
      expect(built.files?.[`/etc/citadel-offsite/${name}`]).toMatchObject({ owner: 'root', mode: '0600' });
    expect(contentOf(built, '/etc/citadel-offsite/password')).toBe('@@secret:pw@@\n');
    expect(built.directories?.['/etc/citadel-offsite']).toMatchObject({ mode: '0700' });
    const unit = contentOf(built, '/etc/systemd/system/citadel-offsite.service');
    expect(unit).toContain(`ExecStart=${PROGRAM} backup\n`);
    expect(unit).not.toMatch(/secret|AWS|s3/i);
    expect(built.units?.['citadel-offsite.timer']).toMatchObject({ enabled: true });
  });

  it('keeps /etc without the files that come from secrets, which the inventory brings back', () => {
    const text = contentOf(
      host(`${S3}, paths: ["/srv/a b"], exclude: ["/etc/[x]$y"]`),
      '/etc/citadel-offsite/settings',
    );
    expect(text.split('\n')).toEqual([
      'host a',
      'keep 7 5 12',
      'parts 8',
      'path /etc',
      'path /srv/a b',
      'exclude /etc/\\[x\\]$$y',
      'exclude /etc/citadel-offsite/password',
      'exclude /etc/citadel-offsite/s3-access-key',
      'exclude /etc/citadel-offsite/s3-secret-key',
      'exclude /etc/gshadow',
      'exclude /etc/gshadow-',
      'exclude /etc/shadow',
      'exclude /etc/shadow-',
      'password-name pw',
      'repository-is-public yes',
      'keys secrets s3_id, s3_key of the inventory',
      '',
    ]);
  });

  it('keeps of a monitoring server samples, silences and Grafana’s database, each in its own way', () => {
    const built = host(
      S3,
      '    monitoring: { grafana: { adminPassword: admin, package: /var/cache/grafana.deb } }\n',
    );
    const settings = contentOf(built, '/etc/citadel-offsite/settings');
    expect(settings).toContain(
      '\nfiles prometheus prometheus-alertmanager.service /var/lib/prometheus/alertmanager\n',
    );
    expect(settings).toContain('\nprometheus prometheus prometheus.service /var/lib/prometheus/metrics2\n');
    expect(settings).toContain('\nsqlite grafana grafana-server.service /var/lib/grafana/grafana.db\n');
    expect(settings).toContain('\nexclude /etc/grafana/admin-password\n');
    expect(Object.keys(built.packages ?? {})).toEqual(expect.arrayContaining(['restic', 'sqlite3']));
    // A rebuild brings it back, and does not say that it is lost.
    expect(recovery.losses?.(built)).toEqual([]);
  });

  it('logs in to an SFTP store with its own key, and knows the store’s', () => {
    const built = host(
      `repository: sftp://backup@store:2222//srv/a, sftp: { key: ssh, hostKeys: ["${KEY}"] }`,
    );
    expect(contentOf(built, '/etc/citadel-offsite/known-hosts')).toBe(`[store]:2222 ${KEY}\n`);
    expect(contentOf(built, '/etc/citadel-offsite/settings')).toContain('\nssh -p 2222 backup@store\n');
    expect(contentOf(built, '/etc/citadel-offsite/ssh-key')).toBe('@@secret:ssh@@\n');
  });

  it('takes a folder whose disk is not there for no empty repository', () => {
    const built = host('repository: /mnt/usb/restic');
    expect(contentOf(built, '/etc/systemd/system/citadel-offsite.service.d/store.conf')).toContain(
      'RequiresMountsFor=/mnt/usb/restic\n',
    );
  });

  it('is late by alerts after a run and a half, and the time that one takes', () => {
    expect(
      contentOf(
        host(`${S3}, everyHours: 6`),
        '/var/lib/prometheus/node-exporter/citadel-offsite-expected.prom',
      ),
    ).toContain(`\ncitadel_offsite_max_age_seconds ${(9 + 2) * 3600}\n`);
  });

  it.skipIf(!hasTool('systemd-analyze'))('has units that systemd takes, and finds well protected', () => {
    const root = scratch();
    const built = host(S3, '    monitoring: {}\n');
    const units = Object.keys(built.files ?? {}).filter((path) => /\/systemd\/.*offsite/.test(path));
    expect(units).toHaveLength(6);
    writeTree(root, {
      ...Object.fromEntries(units.map((path) => [path, contentOf(built, path)])),
      [PROGRAM]: '#!/bin/sh\n',
      '/usr/lib/systemd/system/sysinit.target': '[Unit]\n',
    });
    chmodSync(join(root, PROGRAM), 0o755);
    const names = units.filter((path) => /\.(service|timer)$/.test(path)).map((path) => join(root, path));
    const verified = tool('systemd-analyze', [
      'verify',
      '--recursive-errors=no',
      '--man=no',
      `--root=${root}`,
      ...names.map((path) => path.slice(root.length)),
    ]);
    expect(verified).toEqual({ status: 0, output: '' });
    for (const service of names.filter((path) => path.endsWith('.service')))
      expect(
        tool('systemd-analyze', ['security', '--offline=true', '--threshold=30', '--no-pager', service])
          .status,
      ).toBe(0);
  });
});

const TSDB = '/var/lib/prometheus/metrics2';
const BLOCK = '01HX0000000000000000000000';

/** A monitoring server's folders below a root of their own, and its program. */
function world() {
  const root = scratch();
  const settings = [
    'host a',
    'keep 7 5 12',
    'parts 1',
    'path /etc',
    'files root am.service /var/lib/prometheus/alertmanager',
    `prometheus root prometheus.service ${TSDB}`,
    'sqlite root grafana.service /var/lib/grafana/grafana.db',
    'exclude /etc/shadow',
    'password-name pw',
    'repository-is-public yes',
    'keys none',
  ];
  writeTree(root, {
    program: loadTemplate(`base${PROGRAM}`).text,
    [RESTORE]: loadTemplate(`base${RESTORE}`).text,
    '/etc/citadel-offsite/settings': `${settings.join('\n')}\n`,
    '/etc/citadel-offsite/repository': `${root}/store\n`,
    '/etc/citadel-offsite/password': 'a word\n',
    '/etc/hosts': '127.0.0.1 localhost\n',
    '/etc/shadow': 'a hash\n',
    '/var/lib/citadel-iac/generations/1/manifest.json': '{}',
    '/var/lib/citadel-iac/generations/1/undo/x': 'a hash',
    '/var/lib/prometheus/alertmanager/silences': 'a silence',
    [`${TSDB}/${BLOCK}/meta.json`]: '{}',
    // More than a pack of metadata has, so that the largest file of the store is this one’s.
    [`${TSDB}/${BLOCK}/chunks/000001`]: Array.from({ length: 40_000 }, (_, index) => index * 7919).join(' '),
    [`${TSDB}/01HY0000000000000000000000.tmp-for-creation/meta.json`]: '{}',
    [`${TSDB}/wal/00000001`]: 'a segment',
    '/var/lib/grafana/README': '',
    '/var/lib/prometheus/node-exporter/README': '',
  });
  tool('sqlite3', [
    join(root, 'var/lib/grafana/grafana.db'),
    'CREATE TABLE t (a); INSERT INTO t VALUES (42)',
  ]);
  const run = (...args: string[]) =>
    tool('sh', [join(root, 'program'), ...args], { env: { CITADEL_OFFSITE_ROOT: root } });
  const metrics = () =>
    readFileSync(join(root, 'var/lib/prometheus/node-exporter/citadel-offsite.prom'), 'utf8');
  return { root, run, metrics };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
}

describe('the program', () => {
  it.skipIf(!hasTool('shellcheck'))('is clean to shellcheck', () => {
    const root = scratch();
    writeTree(root, {
      [PROGRAM]: loadTemplate(`base${PROGRAM}`).text,
      [RESTORE]: loadTemplate(`base${RESTORE}`).text,
    });
    const files = [PROGRAM, RESTORE].map((path) => join(root, path));
    expect(tool('shellcheck', ['-x', '-P', 'SCRIPTDIR', ...files])).toEqual({ status: 0, output: '' });
  });

  it('says how it is used', () => {
    expect(world().run('snapshots')).toEqual({
      status: 2,
      output: 'citadel-offsite: usage: citadel-offsite backup|check|restore|sheet|restic ARGS...\n',
    });
  });
});

/** Skipped where restic or sqlite is missing; CI requires both. */
describe.skipIf(!hasTool('restic') || !hasTool('sqlite3'))('the program, with the real restic', () => {
  it('brings back what it kept, says when a pack is damaged, and brings back what is sound', () => {
    const { root, run, metrics } = world();
    const made = run('backup');
    expect(made.status, made.output).toBe(0);
    expect(metrics()).toContain('\ncitadel_offsite_last_run_success 1\n');
    expect(metrics()).toMatch(/\ncitadel_offsite_size_bytes \d{4,}\n/);
    // The copies that were made are gone.
    expect(existsSync(join(root, TSDB, 'snapshots/citadel-offsite'))).toBe(false);
    expect(existsSync(join(root, 'var/lib/grafana/citadel-offsite.db'))).toBe(false);

    const target = join(root, 'back');
    for (const tag of ['configuration', 'data'])
      expect(run('restic', 'restore', 'latest', '--tag', tag, '--target', target)).toMatchObject({
        status: 0,
      });
    expect(filesBelow(join(target, root))).toEqual([
      'etc/citadel-offsite/password',
      'etc/citadel-offsite/repository',
      'etc/citadel-offsite/settings',
      'etc/hosts',
      'var/lib/citadel-iac/generations/1/manifest.json',
      'var/lib/grafana/citadel-offsite.db',
      'var/lib/prometheus/alertmanager/silences',
      `var/lib/prometheus/metrics2/snapshots/citadel-offsite/${BLOCK}/chunks/000001`,
      `var/lib/prometheus/metrics2/snapshots/citadel-offsite/${BLOCK}/meta.json`,
      'var/lib/prometheus/metrics2/snapshots/citadel-offsite/wal/00000001',
    ]);
    const database = join(target, root, 'var/lib/grafana/citadel-offsite.db');
    expect(tool('sqlite3', [database, 'SELECT a FROM t']).output).toBe('42\n');
    const whole = run('check');
    expect(whole.status, whole.output).toBe(0);
    expect(metrics()).toContain('\ncitadel_offsite_check_last_run_success 1\n');

    const packs = filesBelow(join(root, 'store/data')).map((name) => join(root, 'store/data', name));
    const [largest = ''] = packs.sort((a, b) => statSync(b).size - statSync(a).size);
    const bytes = readFileSync(largest);
    bytes[1000] = (bytes[1000] ?? 0) ^ 0xff;
    chmodSync(largest, 0o600);
    writeFileSync(largest, bytes);
    const damaged = run('check');
    expect(damaged.status).toBe(1);
    expect(damaged.output).toContain('docs/offsite.md, "A damaged repository"');
    expect(metrics()).toContain('\ncitadel_offsite_check_last_run_success 0\n');
    const partly = run('restic', 'restore', 'latest', '--tag', 'data', '--target', join(root, 'partly'));
    expect(partly.status).toBe(1);
    expect(partly.output).toContain(`${BLOCK}/chunks/000001`);
    expect(readFileSync(join(root, 'partly', root, 'var/lib/prometheus/alertmanager/silences'), 'utf8')).toBe(
      'a silence',
    );
  }, 180_000);

  it('brings a new machine what it kept, and leaves a machine alone that has kept something itself', () => {
    const { root, run } = world();
    writeTree(root, { '/srv/site/a: b': 'a page', '/srv/kept': 'before' });
    const settings = join(root, 'etc/citadel-offsite/settings');
    writeFileSync(
      settings,
      `${readFileSync(settings, 'utf8')}path /srv/site\npath /srv/kept\npath /srv/none\n`,
    );
    expect(run('backup').status).toBe(0);
    expect(run('restore', '--if-new')).toEqual({ status: 0, output: 'already\nend\n' });
    for (const path of [
      `${TSDB}/${BLOCK}`,
      '/var/lib/grafana/grafana.db',
      '/srv/site',
      '/var/lib/citadel-offsite',
    ])
      rmSync(join(root, path), { recursive: true });
    writeTree(root, {
      [`${TSDB}/wal/00000007`]: 'since then',
      '/var/lib/prometheus/alertmanager/silences': '',
      '/srv/kept': 'after',
    });
    const restored = run('restore', '--if-new');
    expect(restored.status).toBe(1); // /srv/none
    const lines = restored.output.split('\n').map((line) => line.split('\t').slice(0, 2).join(' '));
    expect(lines.filter((line) => !line.startsWith('citadel-offsite:'))).toEqual([
      `restored ${TSDB}`,
      'restored /var/lib/prometheus/alertmanager',
      'restored /var/lib/grafana/grafana.db',
      'restored /srv/site',
      'kept /srv/kept',
      'lost /srv/none',
      'end',
      '',
    ]);
    expect(restored.output).toMatch(/^restored\t\/srv\/site\t\d+\t\d{10}$/m);
    expect(filesBelow(join(root, TSDB))).toEqual([
      `${BLOCK}/chunks/000001`,
      `${BLOCK}/meta.json`,
      'wal/00000001',
    ]);
    expect(readFileSync(join(root, 'srv/site/a: b'), 'utf8')).toBe('a page');
    expect(readFileSync(join(root, 'srv/kept'), 'utf8')).toBe('after');
    expect(tool('sqlite3', [join(root, 'var/lib/grafana/grafana.db'), 'SELECT a FROM t']).output).toBe(
      '42\n',
    );
    expect(run('restore', '--if-new').output).toBe('already\nend\n');
  }, 120_000);

  it('brings back what is sound of a damaged store: no half of a block, no file with a hole', () => {
    const { root, run } = world();
    // Packs of its own, so that the damage is this block’s.
    expect(
      run('restic', 'init').status + run('restic', 'backup', '--host', 'a', join(root, TSDB, BLOCK)).status,
    ).toBe(0);
    const packs = filesBelow(join(root, 'store/data')).map((name) => join(root, 'store/data', name));
    expect(run('backup').status).toBe(0);
    const [largest = ''] = packs.sort((a, b) => statSync(b).size - statSync(a).size);
    const bytes = readFileSync(largest);
    bytes[1000] = (bytes[1000] ?? 0) ^ 0xff;
    chmodSync(largest, 0o600);
    writeFileSync(largest, bytes);
    rmSync(join(root, 'var/lib/prometheus/alertmanager/silences'));
    const restored = run('restore');
    expect(restored.status).toBe(1);
    expect(restored.output).toMatch(new RegExp(`^damaged\t${TSDB}\t\\d+\t\\d+\tthe block ${BLOCK}$`, 'm'));
    expect(filesBelow(join(root, TSDB))).toEqual(['wal/00000001']);
    expect(readFileSync(join(root, 'var/lib/prometheus/alertmanager/silences'), 'utf8')).toBe('a silence');
  }, 120_000);

  it('changes nothing where the store cannot be opened', () => {
    const { root, run } = world();
    const before = filesBelow(join(root, 'var/lib/prometheus'));
    const { status, output } = run('restore', '--if-new');
    expect(status).toBe(1);
    expect(output).toContain('citadel-offsite: the repository cannot be opened: ');
    expect(filesBelow(join(root, 'var/lib/prometheus'))).toEqual(before);
    expect(existsSync(join(root, 'var/lib/citadel-offsite/restored'))).toBe(false);
  }, 60_000);

  it('begins no new repository in the place of one that is gone, and says so by its metrics', () => {
    const { root, run, metrics } = world();
    writeTree(root, { '/var/lib/citadel-offsite/begun': '' });
    const { status, output } = run('backup');
    expect(status).toBe(1);
    expect(output).toContain('citadel-offsite: the repository cannot be opened, or is gone: ');
    expect(existsSync(join(root, 'store'))).toBe(false);
    expect(metrics()).toContain('\ncitadel_offsite_last_run_success 0\n');
  }, 60_000);
});
