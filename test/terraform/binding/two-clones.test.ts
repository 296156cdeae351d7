import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { PROVIDER_SOURCE, PROVIDER_VERSION } from '../../../lib/terraform/address.js';
import { providerProgram } from '../../../lib/terraform/binding/install-program.js';
import { installProvider } from '../../../lib/terraform/binding/install.js';
import { cleanEnv, REPOSITORY, run, type Outcome } from '../support/terraform.js';

/** One account: a home of its own, with the plugin cache that cdktf makes there for all of its projects. */
let home: string;
const plugins = (): string => join(home, '.terraform.d/plugin-cache');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'citadel-home-'));
  mkdirSync(plugins(), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('two clones of one account, with Terraform alone', { timeout: 180_000 }, () => {
  const clone = (name: string): string => join(home, name);
  const stack = (name: string): string => join(clone(name), 'cdktf.out/stacks/web');
  const motd = (name: string): string => join(clone(name), 'host/etc/motd');
  const install = (name: string): void =>
    installProvider({
      folder: stack(name),
      program: join(clone(name), 'dist/provider.js'),
      project: clone(name),
      node: process.execPath,
    });
  /** As a clone is: sources, packages and what is built of them are its own. */
  const make = (name: string): void => {
    for (const path of ['host/etc', 'host/var/lib', 'cdktf.out/stacks/web', 'dist'])
      mkdirSync(join(clone(name), path), { recursive: true });
    cpSync(join(providerProgram(), '..'), join(clone(name), 'dist'), { recursive: true });
    cpSync(join(REPOSITORY, 'package.json'), join(clone(name), 'package.json'));
    const content = `of ${name}\n`;
    const manifest: HostManifest = {
      version: 1,
      host: 'web',
      files: { '/etc/motd': { content, owner: 'root', group: 'root', mode: '0644' } },
    };
    mkdirSync(join(stack(name), 'documents'));
    writeFileSync(join(stack(name), 'documents/web.json'), encodeDocument(manifest));
    writeFileSync(
      join(stack(name), 'main.tf.json'),
      JSON.stringify({
        terraform: {
          required_providers: { citadel: { source: PROVIDER_SOURCE, version: PROVIDER_VERSION } },
          backend: { local: { path: '../../../terraform.web.tfstate' } },
        },
        provider: { citadel: { hosts: { web: { document: 'documents/web.json', root: './host' } } } },
        resource: { citadel_host: { web: { name: 'web', digest: manifestDigest(manifest) } } },
      }),
    );
    install(name);
  };
  let cached = true;
  const terraform = (name: string, ...args: readonly string[]): Promise<Outcome> =>
    run('terraform', args, {
      cwd: stack(name),
      env: { ...cleanEnv(), HOME: home, ...(cached ? { TF_PLUGIN_CACHE_DIR: plugins() } : {}) },
    });
  const good = async (name: string, ...args: readonly string[]): Promise<void> => {
    const done = await terraform(name, ...args);
    expect(done.status, `${name} ${args.join(' ')}\n${done.output}`).toBe(0);
  };

  it.each([true, false])('take turns, and outlive each other (with a plugin cache: %s)', async (cache) => {
    cached = cache;
    for (const name of ['a', 'b']) {
      make(name);
      await good(name, 'init', '-input=false');
    }
    for (const name of ['a', 'b', 'a', 'b']) {
      await good(name, 'apply', '-auto-approve');
      await good(name, 'plan', '-detailed-exitcode');
      expect(readFileSync(motd(name), 'utf8')).toBe(`of ${name}\n`);
    }
    // Each is read and written by its own project only.
    rmSync(motd('a'));
    expect((await terraform('a', 'plan', '-detailed-exitcode')).status).toBe(2);
    await good('b', 'plan', '-detailed-exitcode');

    renameSync(clone('a'), clone('moved'));
    await good('b', 'plan', '-detailed-exitcode');
    await good('moved', 'apply', '-auto-approve');
    expect(readFileSync(motd('moved'), 'utf8')).toBe('of a\n');
    install('moved');
    for (const name of ['moved', 'b']) {
      await good(name, 'init', '-input=false');
      await good(name, 'plan', '-detailed-exitcode');
    }

    rmSync(clone('moved'), { recursive: true });
    await good('b', 'plan', '-detailed-exitcode');
    make('c');
    for (const name of ['c', 'b']) {
      await good(name, 'init', '-input=false');
      await good(name, 'apply', '-auto-approve');
    }
    if (cache) {
      rmSync(plugins(), { recursive: true });
      mkdirSync(plugins());
      for (const name of ['b', 'c']) {
        await good(name, 'init', '-input=false');
        await good(name, 'plan', '-detailed-exitcode');
      }
    }
  });
});

const MAIN = `
import { bindHost, cdk } from '../lib/terraform/binding/index.js';

const app = new cdk.App();
const stack = new cdk.TerraformStack(app, 'web');
const files = { '/etc/motd': { content: process.cwd() + '\\n', owner: 'root', group: 'root', mode: '0644' } };
bindHost(stack, { host: 'web', target: { root: './host' }, manifest: () => ({ version: 1, host: 'web', files }) });
app.synth();
`;

describe('two projects of one account, with plain cdktf commands', { timeout: 600_000 }, () => {
  const folders: string[] = [];
  const project = (): string => {
    // Inside the repository, so that its packages are found.
    const folder = mkdtempSync(join(REPOSITORY, '.tmp-clone-'));
    folders.push(folder);
    for (const path of ['etc', 'var/lib']) mkdirSync(join(folder, 'host', path), { recursive: true });
    writeFileSync(join(folder, 'main.ts'), MAIN);
    const settings = { language: 'typescript', app: 'node --import tsx main.ts', sendCrashReports: 'false' };
    writeFileSync(join(folder, 'cdktf.json'), JSON.stringify(settings));
    return folder;
  };
  const cdktf = async (folder: string, ...args: readonly string[]): Promise<string> => {
    const { TF_PLUGIN_CACHE_DIR: _cache, ...env } = cleanEnv();
    const offline = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' };
    const done = await run(join(REPOSITORY, 'node_modules/.bin/cdktf'), args, {
      cwd: folder,
      env: { ...env, TF_CLI_ARGS: '', HOME: home, ...offline },
      seconds: 120,
    });
    expect(done.status, done.output).toBe(0);
    return done.output;
  };
  afterEach(() => folders.splice(0).forEach((it) => rmSync(it, { recursive: true, force: true })));

  it('take turns, and outlive each other', async () => {
    const [a, b] = [project(), project()];
    for (const it of [a, b]) {
      await cdktf(it, 'deploy', '--auto-approve');
      expect(readFileSync(join(it, 'host/etc/motd'), 'utf8')).toBe(`${it}\n`);
    }
    for (const it of [a, b, a]) expect(await cdktf(it, 'diff')).toContain('No changes');
    expect(existsSync(join(plugins(), PROVIDER_SOURCE, PROVIDER_VERSION))).toBe(true);
    rmSync(a, { recursive: true });
    expect(await cdktf(b, 'diff')).toContain('No changes');
    await cdktf(b, 'deploy', '--auto-approve');
  });
});
