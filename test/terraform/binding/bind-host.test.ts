import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, LocalBackend, TerraformOutput, TerraformStack } from 'cdktf';
import { Construct } from 'constructs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CitadelError, type HostManifest, type SshTarget } from '../../../lib/manifest/index.js';
import { providerAttributes } from '../../../lib/terraform/binding/attributes.js';
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

describe('providerAttributes', () => {
  it('is the smallest block for an offline root', () => {
    expect(providerAttributes('web', { root: '/mnt' })).toEqual({ host: 'web', root: '/mnt' });
  });

  it('names everything as the schema does, escaped once, without what is not set', () => {
    expect(providerAttributes('web', ssh, { db: { command: ['pass', '${db}'] } })).toEqual({
      host: 'web',
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
    expect(json()['resource']?.['citadel_host']?.['web']).toMatchObject({
      document: '{"host":"web","packages":{"curl":{}},"version":1}',
    });
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
    expect(json()['provider']?.['citadel']).toMatchObject([
      { host: 'web', secrets: { db: { env: 'DB' }, key: { file: 'key' } } },
      { host: 'bare' },
    ]);
    expect(JSON.stringify(json())).not.toContain('pass');
  });

  it('gives a second host an alias, and a name that Terraform takes', () => {
    bind('web');
    bind('1db');
    expect(json()['provider']).toMatchObject({ citadel: [{ host: 'web' }, { host: '1db', alias: '_1db' }] });
    expect(json()['resource']?.['citadel_host']).toMatchObject({
      web: { provider: 'citadel' },
      _1db: { provider: 'citadel._1db' },
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
