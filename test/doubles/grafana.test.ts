import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GrafanaServer } from '../../lib/roles/monitoring/index.js';
import { secret } from '../../lib/constructs/secret.js';
import { buildHosts } from '../../stacks/app.js';
import { devOps } from '../roles/monitoring/daemon-files.js';
import { contentOf, inventoryOf } from '../stacks/example.js';
import { writeTree } from '../stacks/scratch.js';
import { freePort, until } from '../support/debian-programs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const DOUBLE = join(import.meta.dirname, 'grafana/grafana-server');
const SOURCES = join(import.meta.dirname, '../../templates/dev-ops/usr/local/lib/citadel/grafana-sources');
const EDITOR = join(import.meta.dirname, '../../templates/dev-ops/usr/local/lib/citadel/grafana-editor');
const IMPORT = '/opt/citadel/monitoring/dashboards/citadel-overview.json';
const hasYaml = spawnSync('/usr/bin/python3', ['-c', 'import yaml']).status === 0;
const PASSWORD = 'a"b\\c';
const IMPORT_PASSWORD = 'im"p\\ort';

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

/** The double with what our construct writes, and the guide's import file. */
async function grafana(prometheus: number): Promise<{ url: string; folder: string; imported: string }> {
  const hosts = buildHosts(inventoryOf('lab'));
  const of = (name: string) => hosts.find(({ host }) => host === name)!;
  const folder = temporaryFolder('citadel-grafana-');
  const port = await freePort();
  const manifest = devOps(
    (host) =>
      new GrafanaServer(host, 'grafana', {
        port,
        reach: 'loopback',
        rootUrl: 'http://127.0.0.1:3000',
        source: { file: '/grafana.deb' },
        adminPassword: secret('admin'),
        importPassword: secret('import'),
        dataSources: [
          { name: 'P', uid: 'prometheus', type: 'prometheus', url: `http://127.0.0.1:${prometheus}` },
          { name: 'A', uid: 'alertmanager', type: 'alertmanager', url: 'http://127.0.0.1:1' },
        ],
        dashboards: { overview: contentOf(of('dev-ops'), '/etc/grafana/dashboards/overview.json') },
      }),
  );
  const files = Object.entries(manifest.files ?? {}).filter(([path]) => path.startsWith('/etc/grafana'));
  writeTree(
    folder,
    Object.fromEntries(
      files.map(([path, { content }]) => [
        path,
        (content ?? (path.endsWith('/import-password') ? IMPORT_PASSWORD : PASSWORD)).replaceAll(
          '/etc/grafana/',
          `${folder}/etc/grafana/`,
        ),
      ]),
    ),
  );
  const child = spawn('/usr/bin/python3', [DOUBLE, `--config=${folder}/etc/grafana/grafana.ini`], {
    stdio: 'inherit',
  });
  ends.push(() => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await until('Grafana answers', () =>
    fetch(`${url}/api/health`).then(
      () => true,
      () => undefined,
    ),
  );
  return { url, folder, imported: contentOf(of('ai-node'), IMPORT) };
}

const login = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const importInto = async (url: string, body: string, headers = login('admin', PASSWORD)) => {
  const answer = await fetch(`${url}/api/dashboards/import`, { method: 'POST', headers, body });
  return { status: answer.status, answer: (await answer.json()) as unknown };
};

describe.skipIf(!hasYaml)('Grafana as we provision it', () => {
  it('takes the guide’s import, again and again, and nothing over a dashboard that stands in a file', async () => {
    const { url, imported } = await grafana(1);
    for (let month = 0; month < 2; month++)
      expect(await importInto(url, imported)).toMatchObject({
        status: 200,
        answer: { uid: 'citadel-overview-import', title: 'Citadel overview (imported)' },
      });
    const over = imported.replace('"citadel-overview-import"', '"citadel-overview"');
    expect(await importInto(url, over)).toEqual({
      status: 400,
      answer: { message: 'Cannot save provisioned dashboard' },
    });
  });

  it('has an account that imports dashboards and is no administrator, whatever its password was before', async () => {
    const { url, folder, imported } = await grafana(1);
    const editor = async (verb: 'is' | 'make'): Promise<{ status: number | null; error: string }> => {
      const secrets = ['import-password', ...(verb === 'make' ? ['admin-password'] : [])];
      const [first = '', ...rest] = secrets.map((name) => `${folder}/etc/grafana/${name}`);
      const child = spawn('sh', [EDITOR, verb, url, 'citadel-import', first, ...rest]);
      let error = '';
      child.stderr.on('data', (data: Buffer) => (error += data.toString()));
      const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { status, error };
    };
    expect(await editor('is')).toMatchObject({ status: 1 });
    expect(await editor('make')).toEqual({ status: 0, error: '' });
    expect(await editor('is')).toMatchObject({ status: 0 });
    const account = login('citadel-import', IMPORT_PASSWORD);
    expect(await importInto(url, imported, account)).toMatchObject({ status: 200 });
    const users = await fetch(`${url}/api/users/lookup?loginOrEmail=citadel-import`, { headers: account });
    expect(users.status).toBe(403);
    writeTree(folder, { 'etc/grafana/import-password': 'rotated' });
    expect(await editor('is')).toMatchObject({ status: 1 });
    expect(await editor('make')).toEqual({ status: 0, error: '' });
    expect(await importInto(url, imported, account)).toMatchObject({ status: 401 });
    expect(await importInto(url, imported, login('citadel-import', 'rotated'))).toMatchObject({
      status: 200,
    });
    // A person has another password by now.
    writeTree(folder, { 'etc/grafana/admin-password': 'first' });
    expect(await editor('make')).toEqual({
      status: 1,
      error:
        'the account "citadel-import" of Grafana cannot be made: the password of admin was changed in Grafana. Give the secret of ' +
        '"adminPassword" that one, or leave "importPassword" out.\n',
    });
  });

  it('is well only with a Prometheus that answers', async () => {
    const server = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => server.close());
    const { url, folder } = await grafana((server.address() as AddressInfo).port);
    const check = async (...uids: string[]): Promise<{ status: number | null; output: string }> => {
      const child = spawn('sh', [SOURCES, url, `${folder}/etc/grafana/admin-password`, ...uids]);
      let output = '';
      child.stdout.on('data', (data: Buffer) => (output += data.toString()));
      child.stderr.on('data', (data: Buffer) => (output += data.toString()));
      const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { status, output };
    };
    expect(await check('prometheus')).toEqual({ status: 0, output: '' });
    expect(await check('unloaded')).toMatchObject({
      status: 1,
      output: expect.stringContaining('does not reach its data source "unloaded": HTTP 404') as string,
    });
    await new Promise((resolve) => server.close(resolve));
    expect(await check('prometheus')).toMatchObject({ status: 1 });
    // A person has another password by now.
    writeTree(folder, { 'etc/grafana/admin-password': 'first' });
    expect(await check('prometheus')).toMatchObject({ status: 0 });
  });
});
