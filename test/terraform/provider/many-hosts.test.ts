import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { faultPath, journalPath } from '../support/engine-double.js';
import { doubleProvider, Workspace, type Outcome } from '../support/terraform.js';

const program = await doubleProvider();
const HOSTS = ['web1', 'web2', 'web3', 'db-1'];

function manifest(host: string, content = `${host}\n`): HostManifest {
  return {
    version: 1,
    host,
    files: { '/etc/a.conf': { content, owner: 'root', group: 'root', mode: '0644' } },
  };
}

/** Connections by SSH to doubles: the host at an address is the folder of that name in the project's folder. */
describe('many hosts in one stack', { timeout: 120_000 }, () => {
  let workspace: Workspace;
  const at = (address: string, path = ''): string => join(workspace.folder, address, path);
  const pin = (letter: string): string => `SHA256:${letter.repeat(43)}`;
  const way = (address: string, more: object = {}): Record<string, unknown> => {
    const { root: _root, ...entry } = workspace.entry(address);
    return { ...entry, address, user: 'root', host_keys: [pin('a')], ...more };
  };
  const write = (ways: Readonly<Record<string, object>>, documents: readonly HostManifest[]): void => {
    for (const it of documents) workspace.writeDocument(encodeDocument(it), it.host);
    const hosts = documents.map((it) => [it.host, { name: it.host, digest: manifestDigest(it) }] as const);
    workspace.writeStack(ways, {}, { resource: { citadel_host: Object.fromEntries(hosts) } });
  };
  const ways = (more: object = {}): Record<string, object> =>
    Object.fromEntries(HOSTS.map((host) => [host, way(host, more)]));
  const good = async (...args: readonly string[]): Promise<string> => {
    const { status, output } = await workspace.terraform(...args);
    expect(status, output).toBe(0);
    return output;
  };
  const flat = ({ output }: Outcome): string => output.replace(/\n[│|]? */g, ' ');

  beforeEach(async () => {
    workspace = Workspace.create(program);
    for (const host of HOSTS) mkdirSync(at(host));
    write(
      ways(),
      HOSTS.map((host) => manifest(host)),
    );
    await good('init', '-input=false');
    expect(await good('apply', '-auto-approve')).toContain('4 added');
  });
  afterEach(() => workspace.dispose());

  it('are served by one process, with one connection each, whoever looks from wherever', async () => {
    for (const host of HOSTS) {
      expect(readFileSync(at(host, 'etc/a.conf'), 'utf8')).toBe(`${host}\n`);
      rmSync(journalPath(at(host)));
    }
    // Another operator, whose keys are elsewhere: nothing of the connection is in the state.
    write(
      ways({ identity_file: '~/keys/other', port: 2222 }),
      HOSTS.map((host) => manifest(host)),
    );
    expect(await good('plan', '-detailed-exitcode')).toContain('No changes');
    const opened = HOSTS.map((host) => readFileSync(journalPath(at(host)), 'utf8').match(/^open .*$/gm));
    expect(new Set(opened.flat()).size, JSON.stringify(opened)).toBe(1);
    expect(opened.map((lines) => lines?.length)).toEqual([1, 1, 1, 1]);
  });

  it('are applied though one of them fails, which is named', async () => {
    mkdirSync(at('db-1', '.double'), { recursive: true });
    writeFileSync(faultPath(at('db-1')), 'rolled-back');
    write(
      ways(),
      HOSTS.map((host) => manifest(host, 'new\n')),
    );
    const applied = await workspace.terraform('apply', '-auto-approve');
    expect(applied.status).toBe(1);
    expect(flat(applied)).toContain('failed and was undone in step "checks"');
    expect(HOSTS.map((host) => readFileSync(at(host, 'etc/a.conf'), 'utf8'))).toEqual([
      'new\n',
      'new\n',
      'new\n',
      'db-1\n',
    ]);
    rmSync(faultPath(at('db-1')));
    expect(await good('apply', '-auto-approve')).toContain('0 added, 1 changed, 0 destroyed');
  });

  it('may move to another address and get another key, and are destroyed there', async () => {
    renameSync(at('db-1'), at('db-new'));
    writeFileSync(at('db-new', '.double/pin'), pin('b'));
    const documents = HOSTS.map((host) => manifest(host));
    const moved = { ...way('db-1'), address: 'db-new' };
    write({ ...ways(), 'db-1': moved }, documents);
    expect(flat(await workspace.terraform('plan'))).toContain('[db-1] db-new: the host key is another one');
    const ways2 = { ...ways(), 'db-1': { ...moved, host_keys: [pin('b')] } };
    write(ways2, documents);
    expect(await good('plan', '-detailed-exitcode')).toContain('No changes');
    // Gone from the stack, its way still there.
    write(ways2, documents.slice(0, 3));
    expect(await good('apply', '-auto-approve')).toContain('0 added, 0 changed, 1 destroyed');
    expect(existsSync(at('db-new', 'etc/a.conf'))).toBe(false);
  });

  it('are brought up to date after one was put back from a backup', async () => {
    cpSync(at('web1'), at('backup'), { recursive: true });
    const documents = HOSTS.map((host) => manifest(host, 'new\n'));
    write(ways(), documents);
    await good('apply', '-auto-approve');
    rmSync(at('web1'), { recursive: true });
    renameSync(at('backup'), at('web1'));
    const plan = await workspace.terraform('plan', '-detailed-exitcode');
    expect(plan.status).toBe(2);
    expect(plan.output).toMatch(/~ generation = 1 -> \(known after apply\)/);
    expect(plan.output).toMatch(/\+ "-web1",\s+\+ "\+new",/);
    expect(plan.output).toContain('0 to add, 1 to change, 0 to destroy');
    expect(await good('apply', '-auto-approve')).toContain('1 changed');
    expect(readFileSync(at('web1', 'etc/a.conf'), 'utf8')).toBe('new\n');
  });
});
