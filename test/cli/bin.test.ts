import { spawnSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const REPOSITORY = new URL('../..', import.meta.url).pathname;

/** A project of its own with this one's `bin/` and packages, so that nothing of the real cache is touched. */
let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'citadel-bin-'));
  mkdirSync(join(project, 'node_modules'));
  for (const name of readdirSync(join(REPOSITORY, 'node_modules'))) {
    if (name.startsWith('.') || name === 'citadel-iac-bin') continue;
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(project, 'node_modules', name));
  }
  cpSync(join(REPOSITORY, 'bin'), join(project, 'bin'), { recursive: true });
  write(
    'package.json',
    '{ "name": "citadel-iac", "type": "module", "version": "9.9.9", "workspaces": ["bin"] }',
  );
  write(
    'stacks/app.ts',
    `import { word } from './word.js';\nexport const buildHosts = (): string => word;\n`,
  );
  write('stacks/word.ts', `export const word: string = 'one';\n`);
  write('lib/cli/beside.txt', 'beside');
  write(
    'lib/cli/main.ts',
    `import { readFileSync } from 'node:fs';
export async function main({ version, importApp }: { version: string; importApp: () => Promise<unknown> }): Promise<void> {
  const app = (await importApp()) as { buildHosts(): string };
  const beside = readFileSync(new URL('./beside.txt', import.meta.url), 'utf8');
  console.log(version, app.buildHosts(), beside, ...process.argv.slice(2));
}
`,
  );
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

function write(name: string, text: string): void {
  mkdirSync(join(project, name, '..'), { recursive: true });
  writeFileSync(join(project, name), text);
}

function start(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [join(project, 'bin/citadel-iac.mjs'), ...args], {
    encoding: 'utf8',
    cwd: tmpdir(),
    env: { ...process.env, ...env },
  });
}

const cache = (): string => join(project, 'node_modules/.cache/citadel-iac/cli');
const current = (): { file: string } =>
  JSON.parse(readFileSync(join(cache(), 'current.json'), 'utf8')) as { file: string };

describe('bin/citadel-iac.mjs', () => {
  it('runs the sources as one file, made once', () => {
    expect(start(['diff', '--x'])).toMatchObject({
      stdout: '9.9.9 one beside diff --x\n',
      stderr: '',
      status: 0,
    });
    const first = current();
    // Proof that the second start runs what the first one made.
    const file = join(cache(), first.file);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"one"', '"ONE"'));
    expect(start().stdout).toBe('9.9.9 ONE beside\n');
    expect(current()).toEqual(first);
  });

  it('keeps V8’s compiled form for each command', () => {
    start(['diff']);
    const stem = current().file.replace('.cjs', '');
    expect(existsSync(join(cache(), `${stem}.diff.code`))).toBe(true);
    expect(start(['diff']).stdout).toBe('9.9.9 one beside diff\n');
    writeFileSync(join(cache(), `${stem}.diff.code`), 'not code');
    expect(start(['diff']).stdout).toBe('9.9.9 one beside diff\n');
  });

  it('makes the file again when a source has changed, appeared or gone', () => {
    start();
    write('stacks/word.ts', `export const word: string = 'two';\n`);
    expect(start().stdout).toBe('9.9.9 two beside\n');
    rmSync(join(project, 'stacks/word.ts'));
    write('stacks/app.ts', `export const buildHosts = (): string => 'three';\n`);
    expect(start().stdout).toBe('9.9.9 three beside\n');
    write('package.json', readFileSync(join(project, 'package.json'), 'utf8').replace('9.9.9', '9.9.10'));
    expect(start().stdout).toBe('9.9.10 three beside\n');
  });

  it('makes the file again for another folder: what a copy or a moved project reads stands beside it', () => {
    start();
    const before = project;
    project = `${before}-moved`;
    try {
      renameSync(before, project);
      write('lib/cli/beside.txt', 'moved');
      expect(start()).toMatchObject({ stdout: '9.9.9 one moved\n', stderr: '' });
    } finally {
      rmSync(before, { recursive: true, force: true });
    }
  });

  it('does not when a source was only touched', () => {
    start();
    const before = current();
    utimesSync(join(project, 'stacks/word.ts'), new Date(), new Date(Date.now() + 5000));
    const file = join(cache(), before.file);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"one"', '"ONE"'));
    expect(start(['other']).stdout).toBe('9.9.9 ONE beside other\n');
  });

  it('starts well many times at once, without a cache and with a damaged one', async () => {
    for (const damage of ['', '{"file": "gone.cjs", "inputs": {}}', '{ not json']) {
      if (damage !== '') writeFileSync(join(cache(), 'current.json'), damage);
      const starts = Array.from({ length: 4 }, () => {
        const child = spawn(process.execPath, [join(project, 'bin/citadel-iac.mjs')]);
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
        return new Promise<string>((done) => child.on('close', () => done(text)));
      });
      expect(await Promise.all(starts)).toEqual(Array.from({ length: 4 }, () => '9.9.9 one beside\n'));
    }
  });

  it('runs the sources themselves on request, and where no bundle can be made', () => {
    expect(start([], { CITADEL_NO_BUNDLE: '1' }).stdout).toBe('9.9.9 one beside\n');
    expect(existsSync(cache())).toBe(false);
    write('stacks/app.ts', `await Promise.resolve();\nexport const buildHosts = (): string => 'awaited';\n`);
    expect(start().stdout).toBe('9.9.9 awaited beside\n');
  });

  it('takes another app module from package.json', () => {
    write('other/fleet.ts', `export const buildHosts = (): string => 'other';\n`);
    const config = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as object;
    write('package.json', JSON.stringify({ ...config, citadel: { app: 'other/fleet.ts' } }));
    expect(start().stdout).toBe('9.9.9 other beside\n');
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
    expect(stdout, stderr).toBe('9.9.9 one beside diff\n');
    expect(existsSync(join(project, 'npm-cache/_npx'))).toBe(false);
  });
});
