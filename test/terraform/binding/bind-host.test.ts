import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, LocalBackend, TerraformOutput, TerraformStack } from 'cdktf';
import { Construct } from 'constructs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CitadelError,
  manifestDigest,
  type HostManifest,
  type SshTarget,
} from '../../../lib/manifest/index.js';
import { hostAttributes } from '../../../lib/terraform/binding/attributes.js';
import { bindHost } from '../../../lib/terraform/binding/index.js';

const fingerprint = `SHA256:${'a'.repeat(43)}`;
const ssh: SshTarget = {
  address: '192.0.2.1',
  port: 22,
  user: 'ops',
  hostKeys: [fingerprint],
  identityFile: '~/.ssh/${id} %{x}',
  jump: { address: 'jump', port: 2222, user: 'ops', hostKeys: [fingerprint] },
  client: 'system',
  connectTimeoutSec: 15,
  readTimeoutSec: 60,
  applyTimeoutSec: 1800,
  confirmTimeoutSec: 60,
};

describe('hostAttributes', () => {
  it('is the smallest block for an offline root', () => {
    expect(hostAttributes('web.json', { root: '/mnt' })).toEqual({ document: 'web.json', root: '/mnt' });
  });

  it('names everything as the schema does, escaped once, without what is not set', () => {
    expect(hostAttributes('web.json', ssh, { db: { command: ['pass', '${db}'] } })).toEqual({
      document: 'web.json',
      address: '192.0.2.1',
      port: 22,
      user: 'ops',
      host_keys: [fingerprint],
      identity_file: '~/.ssh/$${id} %%{x}',
      jump: [{ address: 'jump', port: 2222, user: 'ops', host_keys: [fingerprint] }],
      client: 'system',
      connect_timeout_sec: 15,
      read_timeout_sec: 60,
      apply_timeout_sec: 1800,
      confirm_timeout_sec: 60,
      secrets: { db: { command: ['pass', '$${db}'] } },
    });
  });
});

describe('bindHost', () => {
  let outdir: string;
  let app: App;
  let stack: TerraformStack;
  const manifest = (host: string): HostManifest => ({ version: 1, host });
  const bind = (host: string) =>
    bindHost(stack, { host, target: { root: '/r' }, manifest: () => manifest(host) });
  const json = () => stack.toTerraform() as Record<string, Record<string, Record<string, unknown>>>;

  beforeEach(() => {
    outdir = mkdtempSync(join(tmpdir(), 'citadel-bind-'));
    app = new App({ outdir });
    stack = new TerraformStack(app, 'web');
  });
  afterEach(() => rmSync(outdir, { recursive: true, force: true }));

  it('asks for the manifest at synthesis', () => {
    let late: HostManifest = manifest('web');
    bindHost(stack, { host: 'web', target: { root: '/r' }, manifest: () => late });
    late = { ...late, packages: { curl: {} } };
    expect(json()['resource']?.['citadel_host']?.['web']).toMatchObject({ digest: manifestDigest(late) });
  });

  it('writes the documents of its hosts next to the stack, and takes away those of others', () => {
    const documents = join(outdir, 'stacks/web/documents');
    mkdirSync(documents, { recursive: true });
    writeFileSync(join(documents, 'gone.json'), '{}');
    bind('web');
    bind('db');
    app.synth();
    expect(readdirSync(documents).sort()).toEqual(['db.json', 'web.json']);
    expect(readFileSync(join(documents, 'db.json'), 'utf8')).toBe('{"host":"db","version":1}\n');
  });

  it('lets Terraform refuse to destroy a host that is protected', () => {
    bind('web');
    bindHost(stack, { host: 'db', target: { root: '/r' }, manifest: () => manifest('db'), protect: true });
    const { web, db } = json()['resource']?.['citadel_host'] ?? {};
    expect(db).toMatchObject({ lifecycle: { prevent_destroy: true } });
    expect(web).not.toHaveProperty('lifecycle');
  });

  it('gives a host the sources of the secrets that its manifest names, and of no other', () => {
    const secrets = { db: { env: 'DB' }, key: { file: 'key' }, other: { command: ['pass', 'other'] } };
    const own = { owner: 'root', group: 'root', mode: '0600' };
    const files = {
      '/etc/db': { content: 'db = @@secret:db@@\n', ...own },
      '/etc/key': { secret: 'key', ...own },
    };
    bindHost(stack, {
      host: 'web',
      target: { root: '/r' },
      secrets,
      manifest: () => ({ ...manifest('web'), files }),
    });
    bindHost(stack, { host: 'bare', target: { root: '/r' }, secrets, manifest: () => manifest('bare') });
    expect(json()['provider']?.['citadel']).toEqual([
      {
        hosts: {
          web: {
            document: 'documents/web.json',
            root: '/r',
            secrets: { db: { env: 'DB' }, key: { file: 'key' } },
          },
          bare: { document: 'documents/bare.json', root: '/r' },
        },
      },
    ]);
    expect(JSON.stringify(json())).not.toContain('pass');
  });

  it('has all hosts in one provider block, each with a name that Terraform takes', () => {
    bind('web');
    bind('1db');
    expect(json()['provider']).toMatchObject({
      citadel: [{ hosts: { web: { root: '/r' }, '1db': { root: '/r' } } }],
    });
    expect(json()['resource']?.['citadel_host']).toMatchObject({
      web: { name: 'web', provider: 'citadel' },
      _1db: { name: '1db', provider: 'citadel' },
    });
  });

  it('keeps the names of hosts and secrets as they are', () => {
    const file = { content: '@@secret:db2b@@', owner: 'root', group: 'root', mode: '0600' };
    bindHost(stack, {
      host: 'ai-node1x',
      target: { root: '/${r}' },
      secrets: { db2b: { env: 'DB' } },
      manifest: () => ({ ...manifest('ai-node1x'), files: { '/etc/db': file } }),
    });
    app.synth();
    const text = readFileSync(join(outdir, 'stacks/web/cdk.tf.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      provider: {
        citadel: [{ hosts: { 'ai-node1x': { root: '/$${r}', secrets: { db2b: { env: 'DB' } } } } }],
      },
    });
  });

  it('keeps the state where the stack wants it', () => {
    new LocalBackend(stack, { path: '/elsewhere' });
    bind('web');
    expect(json()['terraform']?.['backend']).toEqual({ local: { path: '/elsewhere' } });
  });

  it('lets other resources use what it knows', () => {
    new TerraformOutput(stack, 'digest', { value: bind('web').digest });
    expect(json()['output']?.['digest']).toEqual({ value: '${citadel_host.web.digest}' });
  });

  it('reports every problem of a manifest at synthesis, and each one once', () => {
    const problem = (path: string, got: string) => ({ code: 'x', path, got, fix: 'Do so' });
    const failing = (): never => {
      throw new CitadelError([problem('web/a', 'a is wrong'), problem('web/b', 'b is wrong')]);
    };
    bindHost(stack, { host: 'web', target: { root: '/r' }, manifest: failing });
    const other = new Construct(stack, 'other');
    other.node.addValidation({ validate: () => ['[web/b] b is wrong. Do so.'] });
    let message = '';
    try {
      app.synth();
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('[web/a] a is wrong. Do so.');
    expect(message.match(/b is wrong/g)).toHaveLength(1);
  });
});
