import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
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
/** For what hangs, not for a machine that is slow or shared. */
const PATIENCE_MS = 1_200_000;

let scratch: string;
let clone: string;
let tarball: string;
let site: string;

/** What a person types in a folder. @throws with what it printed when it does not end well */
function run(cwd: string, command: string, ...words: string[]): string {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  try {
    return execFileSync(command, words, { cwd, env, encoding: 'utf8', stdio: 'pipe', timeout: PATIENCE_MS });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${command} ${words.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

/** Packs the clone, and gives the path of what came of it. */
function pack(name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  run(clone, 'npm', 'pack', '--pack-destination', folder);
  return join(folder, readdirSync(folder).join());
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'citadel-package-'));
  clone = join(scratch, 'clone');
  for (const path of SOURCES) cpSync(join(REPOSITORY, path), join(clone, path), { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(clone, 'node_modules'));
  tarball = pack('first');
  run(scratch, process.execPath, join(clone, 'bin/citadel-iac.mjs'), 'init', 'my-site');
  site = join(scratch, 'my-site');
  const packageFile = join(site, 'package.json');
  const text = readFileSync(packageFile, 'utf8').replace(/("citadel-iac": )".*?"/, `$1"file:${tarball}"`);
  writeFileSync(packageFile, text);
  run(site, 'npm', 'install', '--no-audit', '--no-fund');
}, PATIENCE_MS);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the package, installed in a new site', { timeout: PATIENCE_MS }, () => {
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

  it.skipIf(process.getuid?.() !== 0)(
    'has nothing new to render or to do after an upgrade to the next version (skipped without root)',
    () => {
      const rendered = (): Record<string, string> => {
        run(site, 'npx', 'citadel-iac', 'render');
        const names = readdirSync(join(site, 'rendered'), { recursive: true, encoding: 'utf8' }).sort();
        const files = names.filter((name) => lstatSync(join(site, 'rendered', name)).isFile());
        return Object.fromEntries(
          files.map((name) => [name, readFileSync(join(site, 'rendered', name), 'utf8')]),
        );
      };
      const before = rendered();
      const host = (): string => run(site, 'find', 'host', '-type', 'f', '-printf', '%p %T@ %s\n');
      const untouched = host();
      expect(Object.keys(before)).toContain('web/etc/motd');
      run(clone, 'npm', 'version', '--no-git-tag-version', 'minor');
      const { version } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as {
        version: string;
      };
      run(site, 'npm', 'install', '--no-audit', '--no-fund', pack('next'));
      expect(run(site, 'npx', 'citadel-iac', '--version')).toContain(version);
      expect(rendered()).toEqual(before);
      expect(run(site, 'npx', 'citadel-iac', 'diff')).toContain('Nothing to do');
      run(site, 'npx', 'citadel-iac', 'apply', '--yes');
      expect(host()).toBe(untouched);
      run(site, 'npx', 'tsc', '--noEmit');
      expect(run(site, 'npx', 'vitest', 'run')).toContain('1 passed');
    },
  );
});
