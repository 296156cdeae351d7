import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { Project } from '../../terraform/support/project.js';
import { Workspace } from '../../terraform/support/terraform.js';
import { given, PROGRAMS, whySkipped } from './given.js';

/* Everything is real but the host, which is an offline root. */

const owned = { owner: 'root', group: 'root' };
const SECRET = 'pl4nted-v4lue';
const CURRENT = 'var/lib/citadel-iac/current';

function web(line: string): HostManifest {
  return {
    version: 1,
    host: 'web',
    directories: { '/etc/app': { ...owned, mode: '0750' } },
    files: {
      '/etc/app/a.conf': { content: `\${TF} %{x} "q" \\ é\n${line}\n`, ...owned, mode: '0644' },
      '/etc/app/key': { content: 'password = @@secret:db@@\n', ...owned, mode: '0600' },
    },
  };
}

/** As `terraform providers mirror` lays them out, for the registries of both programs. @returns the command line's settings */
function mirrorOf(folder: string): string {
  for (const name of ['null', 'local'] as const) {
    const program = given(name);
    if (program === undefined) throw new Error(`no ${name} provider`);
    const version = program.version.replace(/.* /, '');
    for (const registry of ['registry.terraform.io', 'registry.opentofu.org']) {
      const place = join(folder, registry, 'hashicorp', name, version, 'linux_amd64');
      mkdirSync(place, { recursive: true });
      copyFileSync(program.path, join(place, basename(program.path)));
    }
  }
  const settings = join(folder, 'settings.tfrc');
  writeFileSync(settings, `provider_installation {\n  filesystem_mirror {\n    path = "${folder}"\n  }\n}\n`);
  return settings;
}

describe.each(PROGRAMS)('$version', ({ path: command }) => {
  const note = whySkipped('null', 'local');

  describe.skipIf(note !== '')(`with HashiCorp’s own null and local providers${note}`, () => {
    let mirror: string;
    let project: Project;
    let said = '';
    const onHost = (path: string): string => join(project.root('b'), path);
    const copy = (): string => join(project.folder, '.citadel/hosts/web.json');
    const declare = async (manifest: HostManifest, env: Readonly<Record<string, string>> = {}) => {
      await project.synth('b', manifest, { CITADEL_BINDING: 'exec', ...env });
      const { status, output } = await run('init', '-input=false');
      expect(status, output).toBe(0);
    };
    const run = async (...args: readonly string[]) => {
      const outcome = await project.terraform(...args);
      said += outcome.output;
      return outcome;
    };
    const apply = async (): Promise<string> => {
      const { status, output } = await run('apply', '-auto-approve', '-input=false');
      expect(status, output).toBe(0);
      return output;
    };

    beforeAll(() => {
      mirror = mkdtempSync(join(tmpdir(), 'citadel-mirror-'));
      project = new Project(
        { db: { file: 'db.secret' } },
        { command, env: { TF_CLI_CONFIG_FILE: mirrorOf(mirror) } },
      );
      writeFileSync(join(project.folder, 'db.secret'), `${SECRET}\n`);
    });
    afterAll(() => {
      project.dispose();
      rmSync(mirror, { recursive: true });
    });

    it('deploys a host, with one local_file, and then plans no change', async () => {
      await declare(web('first'));
      expect(Object.keys(project.json['resource']?.['local_file'] ?? {})).toEqual(['web']);
      const output = await apply();
      expect(output).toContain('null_resource.web (local-exec): Executing: ["node"');
      expect(output).toContain('3 added, 0 changed, 0 destroyed');
      expect(readFileSync(onHost('etc/app/a.conf'), 'utf8')).toBe('${TF} %{x} "q" \\ é\nfirst\n');
      expect(JSON.parse(readFileSync(copy(), 'utf8'))).toHaveProperty('files');
      const plan = await run('plan', '-detailed-exitcode');
      expect(plan.status, plan.output).toBe(0);
      expect((await run('plan', '-refresh-only', '-detailed-exitcode')).status).toBe(0);
    });

    it('heals drift with a nonce, and does not see it without', async () => {
      writeFileSync(onHost('etc/app/a.conf'), 'by hand\n');
      expect((await run('plan', '-detailed-exitcode')).status).toBe(0);
      await declare(web('first'), { CITADEL_NONCE: '1' });
      expect(await apply()).toContain('-by hand');
      expect(readFileSync(onHost('etc/app/a.conf'), 'utf8')).toContain('first');
    });

    it('shows an edit by its line, and applies it', async () => {
      await declare(web('second'), { CITADEL_NONCE: '1' });
      const output = await apply();
      expect(output).toContain('~ "first" -> "second",');
      expect(readlinkSync(onHost(CURRENT))).toBe('generations/3');
    });

    it('writes the copy again where it is gone, and touches no host', async () => {
      rmSync(copy());
      const plan = await run('plan');
      expect(plan.output).toContain('1 to add, 0 to change, 0 to destroy');
      expect(await apply()).toContain('1 added, 0 changed, 0 destroyed');
      expect(existsSync(copy())).toBe(true);
      expect(readlinkSync(onHost(CURRENT))).toBe('generations/3');
    });

    it('leaves nothing after a destroy, and no secret anywhere', async () => {
      const destroy = await run('destroy', '-auto-approve');
      expect(destroy.status, destroy.output).toBe(0);
      expect(existsSync(onHost('etc/app'))).toBe(false);
      expect(existsSync(copy())).toBe(false);
      const states = readdirSync(project.folder).filter((name) => name.includes('tfstate'));
      expect(states.length).toBeGreaterThan(0);
      const kept = states.map((name) => readFileSync(join(project.folder, name), 'utf8')).join('');
      expect(said + kept).not.toContain(SECRET);
    });
  });

  describe('with our provider', () => {
    let workspace: Workspace;
    const onHost = (path: string): string => join(workspace.root, path);
    const run = async (...args: readonly string[]): Promise<string> => {
      const { status, output } = await workspace.terraform(...args);
      expect(status, output).toBe(0);
      return output;
    };
    const config = (line: string): HostManifest => ({
      version: 1,
      host: 'web',
      files: { '/etc/app.conf': { content: `one\n${line}\n`, ...owned, mode: '0644' } },
    });

    beforeEach(() => {
      workspace = Workspace.create(undefined, command);
      for (const path of ['etc', 'var/lib']) mkdirSync(onHost(path), { recursive: true });
    });
    afterEach(() => workspace.dispose());

    it('deploys, plans no change, shows drift by its line and heals it, and destroys', async () => {
      workspace.write(config('two'));
      await run('init', '-input=false');
      expect(await run('apply', '-auto-approve')).toContain('1 added');
      await run('plan', '-detailed-exitcode');
      await run('plan', '-refresh-only', '-detailed-exitcode');
      writeFileSync(onHost('etc/app.conf'), 'one\nby hand\n');
      expect(await run('plan')).toMatch(/"-by hand",\s+\+ "\+two",/);
      expect(await run('apply', '-auto-approve')).toContain('1 changed');
      expect(readFileSync(onHost('etc/app.conf'), 'utf8')).toBe('one\ntwo\n');
      expect(await run('destroy', '-auto-approve')).toContain('1 destroyed');
      expect(existsSync(onHost('etc/app.conf'))).toBe(false);
    });
  });
});
