import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeOfflineRoot } from '../../scripts/offline-root.mjs';

const REPOSITORY = new URL('../..', import.meta.url).pathname;
/** All that a package is built from. Not in this clone: its dist/ is in use. */
const SOURCES = [
  'bin',
  'citadel.config.ts',
  'lib',
  'stacks',
  'templates',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
const MB = 1_000_000;

let scratch: string;
let tarball: string;
let site: string;

/** What a person types in a folder. @throws with what it printed when it does not end well */
function run(cwd: string, command: string, ...words: string[]): string {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  try {
    return execFileSync(command, words, { cwd, env, encoding: 'utf8', stdio: 'pipe', timeout: 240_000 });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${command} ${words.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'citadel-package-'));
  const clone = join(scratch, 'clone');
  for (const path of SOURCES) cpSync(join(REPOSITORY, path), join(clone, path), { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(clone, 'node_modules'));
  run(clone, 'npm', 'pack', '--pack-destination', scratch);
  tarball = join(scratch, readdirSync(scratch).find((name) => name.endsWith('.tgz')) ?? '');
  run(scratch, process.execPath, join(clone, 'bin/citadel-iac.mjs'), 'init', 'my-site');
  site = join(scratch, 'my-site');
  const packageFile = join(site, 'package.json');
  const text = readFileSync(packageFile, 'utf8').replace(/("citadel-iac": )".*?"/, `$1"file:${tarball}"`);
  writeFileSync(packageFile, text);
  run(site, 'npm', 'install', '--no-audit', '--no-fund');
}, 400_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the package, installed in a new site', () => {
  it('has dist/ only, below 1.5 MB, and brings none of cdktf-cli', () => {
    expect(statSync(tarball).size).toBeLessThan(1.5 * MB);
    const names = run(scratch, 'tar', 'tf', tarball).trim().split('\n');
    expect(
      names.filter((name) => !/^package\/(dist\/|package\.json$|README\.md$|LICENSE)/.test(name)),
    ).toEqual([]);
    const installed = readdirSync(join(site, 'node_modules'));
    expect(installed.filter((name) => /jsii|sentry|pty|cdktf-cli/.test(name))).toEqual([]);
  });

  it.each(['node16', 'bundler'])('is clean to tsc --strict with moduleResolution %s', (resolution) => {
    const module = resolution === 'bundler' ? 'esnext' : 'node16';
    run(site, 'npx', 'tsc', '--noEmit', '--strict', '--module', module, '--moduleResolution', resolution);
  });

  it('runs the site’s own test', () => {
    expect(run(site, 'npx', 'vitest', 'run')).toContain('1 passed');
  });

  it('renders what a colleague reviews, from any folder of the site', () => {
    run(site, 'npx', 'citadel-iac', 'render');
    expect(readFileSync(join(site, 'rendered/web/etc/motd'), 'utf8')).toBe(
      'This is web, kept by citadel-iac.\n',
    );
    const below = join(site, 'lib');
    expect(run(below, '../node_modules/.bin/citadel-iac', 'render', '--json', 'web')).toContain('/etc/motd');
  });

  it('makes stacks for cdktf', () => {
    run(site, 'npx', 'tsx', 'main.ts');
    expect(existsSync(join(site, 'cdktf.out/stacks/web/cdk.tf.json'))).toBe(true);
    expect(existsSync(join(site, 'cdktf.out/stacks/web/terraform.d/citadel/start'))).toBe(true);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'applies to an offline root (skipped without root: owners are set)',
    () => {
      makeOfflineRoot(join(site, 'host'));
      writeFileSync(join(site, 'inventory.yaml'), 'hosts:\n  web: { root: host }\n');
      run(site, 'npx', 'citadel-iac', 'apply', '--yes');
      expect(readFileSync(join(site, 'host/etc/motd'), 'utf8')).toBe('This is web, kept by citadel-iac.\n');
      run(site, 'npx', 'citadel-iac', 'diff');
    },
  );
});
