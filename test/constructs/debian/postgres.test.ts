import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Host, PostgresServer, secret } from '../../../lib/constructs/index.js';
import { tool } from '../../stacks/tools.js';
import { manifestOf, problemsOf } from '../host/support.js';
import { contentOf } from './support.js';

const FOLDER = '/etc/postgresql/15/main';
/** As Debian's package has it, or where CITADEL_POSTGRES says. */
const POSTGRES = process.env['CITADEL_POSTGRES'] ?? '/usr/lib/postgresql/15/bin/postgres';

const server = (host: Host): PostgresServer =>
  new PostgresServer(host, 'db', {
    version: 15,
    settings: { shared_buffers: '64MB', max_connections: 20, log_line_prefix: "it's %m ", jit: false },
    access: [{ user: 'app', from: '10.0.0.0/8' }],
  });

describe('PostgresServer', () => {
  it('is the package, settings, logins and the unit of its cluster', () => {
    const manifest = manifestOf(server);
    expect(manifest.packages).toEqual({ 'postgresql-15': {} });
    expect(manifest.files?.[`${FOLDER}/conf.d/citadel.conf`]?.content).toBe(
      "shared_buffers = '64MB'\nmax_connections = 20\nlog_line_prefix = 'it''s %m '\njit = off\n",
    );
    expect(manifest.files?.[`${FOLDER}/pg_hba.conf`]).toMatchObject({
      content: expect.stringMatching(
        /^local all postgres peer\n[^]*\nhost all app 10\.0\.0\.0\/8 scram-sha-256\n$/,
      ) as string,
      owner: 'postgres',
      mode: '0640',
    });
    expect(manifest.units?.['postgresql@15-main.service']).toEqual({
      enabled: null,
      state: 'running',
      restartOn: [`${FOLDER}/conf.d/citadel.conf`],
      reloadOn: [`${FOLDER}/pg_hba.conf`],
      wave: 0,
    });
    expect(manifest.checks).toHaveProperty('postgresql-15-main-5432');
  });

  it.skipIf(!existsSync(POSTGRES))('has settings that PostgreSQL reads as they are meant', () => {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-pg-'));
    tool('chmod', ['0755', folder]);
    const file = join(folder, 'postgresql.conf');
    // Debian's own file, which includes ours, says where the rest is.
    writeFileSync(
      file,
      `data_directory = '${folder}'\nhba_file = '${folder}/hba'\nident_file = '${folder}/ident'\n${contentOf(`${FOLDER}/conf.d/citadel.conf`, server)}`,
    );
    const asked = tool('runuser', [
      '-u',
      'nobody',
      '--',
      POSTGRES,
      '-C',
      'log_line_prefix',
      `--config-file=${file}`,
    ]);
    expect(asked).toMatchObject({ status: 0, output: expect.stringMatching(/^it's %m $/m) as string });
  });

  it('makes roles and databases once, in that order, with the password in a file alone', () => {
    const manifest = manifestOf((host) => {
      const db = server(host);
      db.database('app', { owner: db.role('app', { password: secret('app_db') }) });
    });
    const text = (unit: string): string =>
      (manifest.files?.[`/etc/systemd/system/${unit}`]?.content ?? '').replaceAll(/ \\\n +/g, ' ');
    expect(text('citadel-once-role-app.service')).toContain("rolname = 'app'\" createuser -- app\n");
    expect(text('citadel-once-database-app.service')).toContain(
      'After=postgresql@15-main.service\nAfter=citadel-once-role-app.service\n',
    );
    expect(text('citadel-once-database-app.service')).toContain('createdb --owner=app -- app\n');
    expect(manifest.files?.['/etc/postgresql/citadel-app.password']).toEqual({
      secret: 'app_db',
      owner: 'postgres',
      group: 'postgres',
      mode: '0600',
    });
    expect(manifest.units?.['citadel-postgres-app.service']?.restartOn).toContain(
      '/etc/postgresql/citadel-app.password',
    );
  });

  it.each<[object, string]>([
    [{ version: 9.6 }, '9.6 is not a major version'],
    [{ settings: { 'a b': 1 } }, 'is not a parameter'],
    [{ settings: { a: "x\ny = 'z'" } }, 'is not a value of one line'],
    [{ access: [{ user: 'a b', from: '10.0.0.0/8' }] }, 'access[0].user: "a b" is not a role'],
    [{ access: [{ user: 'a', from: '10.0.0.1' }] }, 'is not a network'],
    [{ access: [{ user: 'a', from: '10.0.0.0/8', methd: 'md5' }] }, 'Did you mean method?'],
  ])('is refused: %j', (props, text) => {
    const given = { version: 15, ...props };
    expect(problemsOf((host) => new PostgresServer(host, 'db', given)).join('\n')).toContain(text);
    expect(problemsOf((host) => server(host).role("x'; DROP")).join('\n')).toContain('is not a role');
  });
});
