import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateManifest, type HostManifest } from '../../lib/manifest/index.js';
import { cleanEnv, REPOSITORY, run, type Outcome } from '../terraform/support/terraform.js';
import { FOREIGN, hostileOrigins, hostilePaths, SHARED } from './hostile-manifest.js';
import { HOSTILE } from './hostile-values.js';

/** A folder, a file and an argument that shells, HCL and JSON could take for more. */
const ODD = `it's "x" $(touch pwned) \${x} %{if true} %n \\ é`;
const VALUE = `va'lue" $(touch pwned) \${x} %{y} \\n é\u0301`;

const MAIN = `
import { readFileSync } from 'node:fs';
import { App, TerraformStack } from 'cdktf';
import { bindHost } from '../lib/terraform/binding/index.js';

const app = new App();
const { target, secrets, manifest } = JSON.parse(readFileSync('input.json', 'utf8'));
const stack = new TerraformStack(app, 'ai-node');
bindHost(stack, { host: 'ai-node', target, secrets, manifest: () => manifest });
app.synth();
`;

describe('hostile values through cdktf and Terraform, to an offline root', () => {
  let folder: string;
  let root: string;

  const cdktf = (...args: readonly string[]): Promise<Outcome> =>
    run(join(REPOSITORY, 'node_modules/.bin/cdktf'), args, {
      cwd: folder,
      env: { ...cleanEnv(), TF_CLI_ARGS: '', NO_COLOR: '1', HOSTILE_VALUE: VALUE },
      seconds: 170,
    });
  const onHost = (path: string): string => join(root, path);
  const tree = (): string[] =>
    (readdirSync(root, { recursive: true }) as string[]).filter((path) => !path.startsWith('var')).sort();

  const ownership = { owner: 'root', group: 'root', mode: '0600' } as const;
  const paths = hostilePaths();
  const manifest: HostManifest = validateManifest({
    version: 1,
    host: 'ai-node',
    ...paths,
    files: {
      ...paths.files,
      '/srv/hostile/env': { content: 'a=@@secret:env@@;\n', ...ownership },
      '/srv/hostile/file': { secret: 'file', ...ownership },
      '/srv/hostile/command': { content: '@@secret:command@@', ...ownership },
    },
    origins: hostileOrigins(paths),
  });

  function expectAsWanted(): void {
    for (const [path, { content, mode }] of Object.entries(manifest.files ?? {})) {
      if (content?.includes('@@secret:') !== false) continue;
      expect(readFileSync(onHost(path)).equals(Buffer.from(content)), JSON.stringify(path)).toBe(true);
      expect((lstatSync(onHost(path)).mode & 0o7777).toString(8).padStart(4, '0'), path).toBe(mode);
    }
    for (const [path, { target }] of Object.entries(manifest.symlinks ?? {}))
      expect(readlinkSync(onHost(path)), JSON.stringify(path)).toBe(target);
    expect(readFileSync(onHost('/srv/hostile/env'), 'utf8')).toBe(`a=${VALUE};\n`);
    expect(readFileSync(onHost('/srv/hostile/file'), 'utf8')).toBe(`${VALUE}\n\n second line`);
    expect(readFileSync(onHost('/srv/hostile/command'), 'utf8')).toBe(ODD);
    expect(readFileSync(onHost(SHARED)).subarray(0, FOREIGN.length).equals(FOREIGN)).toBe(true);
  }

  function expectNobodyRan(): void {
    for (const place of [folder, join(folder, 'cdktf.out/stacks/ai-node'), root, REPOSITORY, '/', '/tmp'])
      expect(
        readdirSync(place).filter((name) => name.startsWith('pwned')),
        place,
      ).toEqual([]);
  }

  beforeAll(() => {
    folder = mkdtempSync(join(REPOSITORY, '.tmp-cdktf-'));
    root = join(folder, ODD);
    mkdirSync(join(root, 'etc'), { recursive: true });
    mkdirSync(join(root, 'var/lib'), { recursive: true });
    mkdirSync(onHost(dirname(SHARED)), { recursive: true });
    writeFileSync(onHost(SHARED), FOREIGN);
    writeFileSync(join(folder, `${ODD}.secret`), `${VALUE}\n\n second line\n`);
    const settings = { language: 'typescript', app: 'node --import tsx main.ts', sendCrashReports: 'false' };
    writeFileSync(join(folder, 'cdktf.json'), JSON.stringify(settings));
    writeFileSync(join(folder, 'main.ts'), MAIN);
    const secrets = {
      env: { env: 'HOSTILE_VALUE' },
      file: { file: `./${ODD}.secret` },
      command: { command: ['printf', '%s', ODD] },
    };
    writeFileSync(
      join(folder, 'input.json'),
      JSON.stringify({ target: { root: `./${ODD}` }, secrets, manifest }),
    );
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('arrive byte for byte', async () => {
    const deploy = await cdktf('deploy', '--auto-approve', 'ai-node');
    expect(deploy.status, deploy.output.slice(-4000)).toBe(0);
    expectAsWanted();
    expectNobodyRan();
  });

  it('leave nothing to do', async () => {
    const again = await cdktf('diff', 'ai-node');
    expect(again.output).toContain('No changes');
  });

  it('are found and healed when someone changes them', async () => {
    for (const text of HOSTILE) writeFileSync(onHost(`/srv/hostile/names/${text}`), `by hand ${text}\n`);
    const diff = await cdktf('diff', 'ai-node');
    expect(diff.output.match(/"-by hand /g)?.length).toBe(HOSTILE.length);
    const deploy = await cdktf('deploy', '--auto-approve', 'ai-node');
    expect(deploy.status, deploy.output.slice(-4000)).toBe(0);
    expectAsWanted();
  });

  it('leave the root as it was when they go', async () => {
    const destroy = await cdktf('destroy', '--auto-approve', 'ai-node');
    expect(destroy.status, destroy.output.slice(-4000)).toBe(0);
    expect(existsSync(onHost('/srv/hostile'))).toBe(false);
    expect(readFileSync(onHost(SHARED)).subarray(0, FOREIGN.length).equals(FOREIGN)).toBe(true);
    expect(tree().filter((path) => !path.startsWith('srv/hostile-shared'))).toEqual(['etc', 'srv']);
    expectNobodyRan();
  });
});
