import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleProvider } from '../../../lib/terraform/binding/bundle.js';
import {
  h1,
  installProvider,
  launcher,
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
        '  version     = "0.1.0"',
        '  constraints = "0.1.0"',
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

describe('launcher', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'citadel-launch-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (text: string, env: NodeJS.ProcessEnv = process.env): string => {
    const path = join(folder, 'launcher');
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return execFileSync(path, ['one two'], { env }).toString();
  };
  const odd = 'it\'s $HOME `x` "y"';

  it('becomes node on the program, whatever its paths are called', () => {
    const program = join(folder, `${odd}.cjs`);
    writeFileSync(program, 'console.log(process.env.CITADEL_PROJECT_DIR, process.argv[2])');
    const text = launcher({ program, project: `/p/${odd}`, node: process.execPath });
    expect(start(text)).toBe(`/p/${odd} one two\n`);
    const plain = launcher({ program: '/p.js', project: '/p', node: '/usr/bin/node' });
    execFileSync('shellcheck', ['-'], { input: plain });
  });

  it('takes the node on PATH where the other is gone', () => {
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/node'), '#!/bin/sh\necho "other node: $1"\n', { mode: 0o755 });
    const text = launcher({ program: '/p.js', project: '/', node: join(folder, 'gone/node') });
    expect(start(text, { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` })).toBe('other node: /p.js\n');
  });
});

describe('installProvider', () => {
  it('writes a launcher and a lock with its digest, and the same again', () => {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-install-'));
    try {
      const options = { folder, program: '/p.js', project: '/project', node: '/usr/bin/node' };
      installProvider(options);
      const lock = readFileSync(join(folder, '.terraform.lock.hcl'), 'utf8');
      const path = join(
        folder,
        'terraform.d/plugins/registry.citadel.internal/ops/citadel/0.1.0',
        terraformPlatform(process.platform, process.arch),
        'terraform-provider-citadel_v0.1.0',
      );
      expect(statSync(path).mode & 0o111).toBe(0o111);
      expect(lock).toContain(h1({ 'terraform-provider-citadel_v0.1.0': readFileSync(path) }));
      installProvider(options);
      expect(readFileSync(join(folder, '.terraform.lock.hcl'), 'utf8')).toBe(lock);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('bundleProvider', () => {
  it('builds once, and again only when something is gone', { timeout: 60_000 }, () => {
    const cache = mkdtempSync(join(tmpdir(), 'citadel-bundle-'));
    try {
      const first = bundleProvider({ cache });
      const stamp = statSync(first.main).mtimeMs;
      expect(bundleProvider({ cache })).toEqual(first);
      expect(statSync(first.main).mtimeMs).toBe(stamp);
      rmSync(first.main);
      expect(bundleProvider({ cache })).toEqual(first);
      expect(statSync(first.main).size).toBeGreaterThan(1000);
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });
});
