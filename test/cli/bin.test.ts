import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENTRY_POINTS } from '../../bin/build.mjs';

const REPOSITORY = new URL('../..', import.meta.url).pathname;

/** A clone in small: this one's `bin/`, build and packages, and sources of a few lines. */
let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'citadel-bin-'));
  mkdirSync(join(project, 'node_modules'));
  for (const name of readdirSync(join(REPOSITORY, 'node_modules'))) {
    if (name.startsWith('.') || name === 'citadel-iac-bin') continue;
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(project, 'node_modules', name));
  }
  cpSync(join(REPOSITORY, 'bin'), join(project, 'bin'), { recursive: true });
  for (const entry of Object.values(ENTRY_POINTS)) write(entry, '');
  write(
    'package.json',
    '{ "name": "citadel-iac", "type": "module", "version": "9.9.9", "workspaces": ["bin"] }',
  );
  write('package-lock.json', '{}');
  write(
    'citadel.config.ts',
    `import { word } from './stacks/word.js';\nexport default { buildHosts: (): string => word };\n`,
  );
  write('stacks/word.ts', `export const word: string = 'one';\n`);
  write('stacks/inventory/inventory.schema.json', '{}');
  write('templates/motd', 'hello');
  write('lib/engine/remote/observe.sh', 'observe');
  write('lib/cli/doctor/examine.sh', 'examine');
  for (const path of ['lib/text', 'lib/render', 'lib/manifest', 'lib/cli/site-module.ts'])
    cpSync(join(REPOSITORY, path), join(project, path), { recursive: true });
  write(
    'lib/cli/main.ts',
    `import { readFileSync } from 'node:fs';
import { asset, BUILT } from '../text/assets.js';
import { siteFrom, type SiteModule } from './site-module.js';
export async function main(own: SiteModule): Promise<void> {
  const { default: app } = (await siteFrom(process.cwd(), own).load()) as { default: { buildHosts(): string } };
  const read = (path: string) => readFileSync(asset(path), 'utf8');
  console.log(BUILT, app.buildHosts(), read('templates/motd'), read('lib/engine/remote/observe.sh'), ...process.argv.slice(2));
}
`,
  );
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

function write(name: string, text: string): void {
  mkdirSync(join(project, name, '..'), { recursive: true });
  writeFileSync(join(project, name), text);
}

function start(args: readonly string[] = []): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [join(project, 'bin/citadel-iac.mjs'), ...args], {
    encoding: 'utf8',
    cwd: tmpdir(),
  });
}

const built = (): number => statSync(join(project, 'dist/cli.js')).mtimeMs;

describe('bin/citadel-iac.mjs', () => {
  it('builds dist/ at the first start, and runs it', () => {
    expect(start(['diff', '--x'])).toMatchObject({
      stdout: 'true one hello observe diff --x\n',
      stderr: '',
      status: 0,
    });
    const first = built();
    expect(start().stdout).toBe('true one hello observe\n');
    expect(built()).toBe(first);
  });

  it('builds again when a source or a file for hosts has changed, appeared or gone', () => {
    start();
    write('stacks/word.ts', `export const word: string = 'two';\n`);
    expect(start().stdout).toBe('true two hello observe\n');
    rmSync(join(project, 'stacks/word.ts'));
    write('citadel.config.ts', `export default { buildHosts: (): string => 'three' };\n`);
    expect(start().stdout).toBe('true three hello observe\n');
    write('templates/motd', 'bye');
    expect(start().stdout).toBe('true three bye observe\n');
  });

  it('needs no new build in a clone that was moved', () => {
    start();
    const first = built();
    const before = project;
    project = `${before}-moved`;
    try {
      renameSync(before, project);
      expect(start()).toMatchObject({ stdout: 'true one hello observe\n', stderr: '' });
      expect(built()).toBe(first);
    } finally {
      rmSync(before, { recursive: true, force: true });
    }
  });

  it('starts well many times at once, without dist/ and with a damaged one', async () => {
    for (const damage of ['', 'dist/sources.sha256', 'dist/cli.js']) {
      if (damage !== '') rmSync(join(project, damage));
      const starts = Array.from({ length: 4 }, () => {
        const child = spawn(process.execPath, [join(project, 'bin/citadel-iac.mjs')], { cwd: tmpdir() });
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
        return new Promise<string>((done) => child.on('close', () => done(text)));
      });
      expect(await Promise.all(starts)).toEqual(Array.from({ length: 4 }, () => 'true one hello observe\n'));
    }
  });

  it('removes what an earlier build wrote, once no process can need it any more', () => {
    start();
    const old = join(project, 'dist/chunk-OLD.js');
    const young = join(project, 'dist/chunk-YOUNG.js');
    for (const path of [old, young]) writeFileSync(path, '');
    utimesSync(old, new Date(0), new Date(0));
    write('stacks/word.ts', `export const word: string = 'two';\n`);
    start();
    expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
  });

  it('shows the mistake in a source, and builds nothing of it', () => {
    start();
    write('stacks/word.ts', 'export const word: string = ;\n');
    const { status, stderr } = start();
    expect(status).toBe(1);
    expect(stderr).toContain('stacks/word.ts:1:28');
  });

  it('runs for the site that the working directory lies in, and for this one elsewhere', () => {
    const other = mkdtempSync(join(tmpdir(), 'citadel-site-'));
    const from = (cwd: string) =>
      spawnSync(process.execPath, [join(project, 'bin/citadel-iac.mjs')], { cwd, encoding: 'utf8' }).stdout;
    try {
      writeFileSync(join(other, 'package.json'), '{ "type": "module" }');
      expect(from(other)).toBe('true one hello observe\n');
      writeFileSync(
        join(other, 'citadel.config.ts'),
        `export default { buildHosts: (): string => 'other' };\n`,
      );
      mkdirSync(join(other, 'deep/er'), { recursive: true });
      expect(from(other)).toBe('true other hello observe\n');
      expect(from(join(other, 'deep/er'))).toBe('true other hello observe\n');
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  it('says what to do when the packages are not installed', () => {
    rmSync(join(project, 'node_modules'), { recursive: true });
    const { status, stderr } = start();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^\[citadel-iac\] a package is missing: .*\. Run "npm install" in .*\.\n$/);
  });

  it('is what "npx citadel-iac" runs after npm install, without a build, the network or npm’s own cache', () => {
    // As npm does it: only the link of the workspace is missing here.
    const npm = {
      ...process.env,
      npm_config_registry: 'http://127.0.0.1:9',
      npm_config_cache: join(project, 'npm-cache'),
    };
    expect(existsSync(join(REPOSITORY, 'node_modules/.bin/citadel-iac')), 'run npm install').toBe(true);
    mkdirSync(join(project, 'node_modules/.bin'));
    symlinkSync('../bin', join(project, 'node_modules/citadel-iac-bin'));
    symlinkSync('../citadel-iac-bin/citadel-iac.mjs', join(project, 'node_modules/.bin/citadel-iac'));
    const { stdout, stderr } = spawnSync('npx', ['citadel-iac', 'diff'], {
      encoding: 'utf8',
      cwd: project,
      env: npm,
    });
    expect(stdout, stderr).toBe('true one hello observe diff\n');
    expect(existsSync(join(project, 'npm-cache/_npx'))).toBe(false);
  });
});
