import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROVIDER_VERSION } from '../../../lib/terraform/address.js';
import {
  h1,
  installProvider,
  LAUNCHER,
  startText,
  terraformPlatform,
  withLockEntry,
} from '../../../lib/terraform/binding/install.js';

describe('terraformPlatform', () => {
  it.each([
    ['linux', 'x64', 'linux_amd64'],
    ['linux', 'arm64', 'linux_arm64'],
    ['darwin', 'arm64', 'darwin_arm64'],
    ['win32', 'ia32', 'windows_386'],
  ] as const)('%s %s is %s', (platform, arch, expected) => {
    expect(terraformPlatform(platform, arch)).toBe(expected);
  });
});

describe('h1', () => {
  it('is the digest of the sorted lines that sha256sum prints', () => {
    // printf '' | sha256sum, then: printf '%s  %s\n' DIGEST b | openssl dgst -sha256 -binary | base64
    expect(h1({})).toBe('h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
    const line = `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n`;
    const sum = execFileSync('sha256sum', { input: line }).toString().slice(0, 64);
    expect(h1({ a: new Uint8Array() })).toBe(`h1:${Buffer.from(sum, 'hex').toString('base64')}`);
  });

  it('does not depend on the order of files', () => {
    const [one, two] = [Buffer.from('1'), Buffer.from('2')];
    expect(h1({ a: one, b: two })).toBe(h1({ b: two, a: one }));
  });
});

describe('withLockEntry', () => {
  it('writes a lock for a folder that has none', () => {
    expect(withLockEntry('', 'h1:x=')).toBe(
      [
        '# This file is maintained automatically by "terraform init".',
        '# Manual edits may be lost in future updates.',
        '',
        'provider "registry.citadel.internal/ops/citadel" {',
        '  version     = "0.2.0"',
        '  constraints = "0.2.0"',
        '  hashes = [',
        '    "h1:x=",',
        '  ]',
        '}',
        '',
      ].join('\n'),
    );
  });

  it('replaces its own entry and keeps those of others', () => {
    const other = 'provider "registry.terraform.io/hashicorp/null" {\n  version = "3.2.4"\n}\n';
    const first = withLockEntry(`# comment\n\n${other}`, 'h1:a=');
    expect(first).toContain(other);
    const second = withLockEntry(first, 'h1:b=');
    expect(second).toContain(other);
    expect(second).not.toContain('h1:a=');
    expect(withLockEntry(second, 'h1:b=')).toBe(second);
  });
});

describe('LAUNCHER', () => {
  it('has a new version when it has another text: Terraform keeps one of a version for all projects', () => {
    const digest = createHash('sha256').update(LAUNCHER).digest('hex').slice(0, 12);
    expect([PROVIDER_VERSION, digest]).toEqual(['0.2.0', '0167d3820719']);
  });

  it('is clean, and so is what it starts', () => {
    const start = startText({ folder: '/s', program: '/p.js', project: '/p', node: '/usr/bin/node' });
    for (const input of [LAUNCHER, `#!/bin/sh\n${start}`]) execFileSync('shellcheck', ['-'], { input });
  });
});

describe('installProvider', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'citadel-install-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const options = { program: '/p.js', project: '/project', node: process.execPath };
  const archive = (): string =>
    join(
      folder,
      'terraform.d/plugins/registry.citadel.internal/ops/citadel',
      `terraform-provider-citadel_0.2.0_${terraformPlatform(process.platform, process.arch)}.zip`,
    );
  /** What becomes of the launcher where it stands unpacked, in the folder of a stack. */
  const start = (stack: string, env: NodeJS.ProcessEnv = process.env) => {
    writeFileSync(join(folder, 'launcher'), LAUNCHER, { mode: 0o755 });
    return spawnSync(join(folder, 'launcher'), ['one two'], { cwd: stack, env, encoding: 'utf8' });
  };

  it('writes a packed launcher and a lock with its digest, and the same bytes again', () => {
    installProvider({ ...options, folder });
    const lock = readFileSync(join(folder, '.terraform.lock.hcl'), 'utf8');
    expect(lock).toContain(h1({ 'terraform-provider-citadel_v0.2.0': Buffer.from(LAUNCHER) }));
    const packed = readFileSync(archive());
    execFileSync('python3', ['-m', 'zipfile', '-t', archive()]);
    execFileSync('python3', ['-m', 'zipfile', '-e', archive(), join(folder, 'out')]);
    expect(readFileSync(join(folder, 'out/terraform-provider-citadel_v0.2.0'), 'utf8')).toBe(LAUNCHER);
    installProvider({ ...options, folder, project: '/elsewhere', program: '/q.js' });
    expect(readFileSync(archive())).toEqual(packed);
    expect(readFileSync(join(folder, '.terraform.lock.hcl'), 'utf8')).toBe(lock);
  });

  it('starts the program of the stack, whatever its paths are called, and after a move of the project', () => {
    const odd = 'it\'s $HOME `x` "y"';
    const project = join(folder, odd);
    const stack = join(project, 'cdktf.out/stacks/web');
    mkdirSync(stack, { recursive: true });
    const program = join(project, `${odd}.cjs`);
    writeFileSync(
      program,
      'console.log(require("path").resolve(process.env.CITADEL_PROJECT_DIR), process.argv[2])',
    );
    installProvider({ ...options, folder: stack, program, project });
    expect(start(stack).stdout).toBe(`${project} one two\n`);
    renameSync(project, join(folder, 'moved'));
    const moved = start(join(folder, 'moved/cdktf.out/stacks/web'));
    expect(moved.stdout).toBe(`${join(folder, 'moved')} one two\n`);
  });

  it('takes the node on PATH where the other is gone', () => {
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/node'), '#!/bin/sh\necho "other node: $1"\n', { mode: 0o755 });
    installProvider({ ...options, folder, node: join(folder, 'gone/node') });
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
    expect(start(folder, env).stdout).toBe('other node: /p.js\n');
  });

  it('says what to do in a folder without a stack', () => {
    const refused = start(folder);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toBe(
      `The citadel provider finds no terraform.d/citadel/start in ${folder}: run 'npx cdktf synth' in the project.\n`,
    );
  });
});
