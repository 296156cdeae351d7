import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../../lib/manifest/index.js';
import { Project } from '../../support/project.js';
import { cleanEnv } from '../../support/terraform.js';
import { treeOf } from '../../support/tree.js';

/*
 * What is real here: Terraform, its local-exec, the synthesised provisioners word for word, citadel-iac and its engine, on
 * offline roots. What is not: HashiCorp's null and local providers, which cannot be had without the public registry;
 * `useStandIns` says what stands in their place.
 */

const owned = { owner: 'root', group: 'root' };
const SECRET = 'pl4nted-v4lue';

function web(line: string): HostManifest {
  return {
    version: 1,
    host: 'web',
    directories: { '/etc/app': { ...owned, mode: '0750' } },
    files: {
      '/etc/app/a.conf': { content: `\${TF} %{x} "q" \\ é e\u0301\n${line}\n`, ...owned, mode: '0644' },
      '/etc/app/key': { content: 'password = @@secret:db@@\n', ...owned, mode: '0600' },
      '/etc/app/whole': { secret: 'db', ...owned, mode: '0600' },
    },
    symlinks: { '/opt/current': { target: '/opt/v1' } },
  };
}

const EXEC = { CITADEL_BINDING: 'exec' };

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 3000) throw new Error('it did not come to that within a minute');
    await sleep(20);
  }
}

describe('the binding by local-exec', { timeout: 300_000 }, () => {
  let project: Project;
  const onB = (path: string): string => join(project.root('b'), path);
  const records = 'var/lib/citadel-iac';

  async function byExec(manifest: HostManifest, env: Readonly<Record<string, string>> = {}): Promise<void> {
    await project.synth('b', manifest, { ...EXEC, ...env });
    project.useStandIns();
    const init = await project.terraform('init', '-input=false');
    expect(init.status, init.output).toBe(0);
  }

  async function byProvider(manifest: HostManifest, ...args: readonly string[]): Promise<void> {
    await project.synth('a', manifest);
    const init = await project.terraform('init', '-input=false');
    expect(init.status, init.output).toBe(0);
    const done = await project.terraform(...args, '-auto-approve');
    expect(done.status, done.output).toBe(0);
  }

  beforeEach(() => {
    project = new Project({ db: { file: 'db.secret' } });
    writeFileSync(join(project.folder, 'db.secret'), `${SECRET}\n`);
  });
  afterEach(() => project.dispose());

  it('leaves the same host as the provider does, byte for byte, from the first deployment to the last', async () => {
    let said = '';
    const apply = async (): Promise<string> => {
      const { status, output } = await project.terraform('apply', '-auto-approve');
      expect(status, output).toBe(0);
      said += output;
      return output;
    };
    await byProvider(web('first'), 'apply');
    await byExec(web('first'));
    expect(await apply()).toContain('terraform_data.web (local-exec): Executing: ["node"');
    expect(treeOf(project.root('b'))).toEqual(treeOf(project.root('a')));
    expect(readFileSync(onB('etc/app/a.conf'), 'utf8')).toBe('${TF} %{x} "q" \\ é e\u0301\nfirst\n');
    const still = await project.terraform('plan', '-detailed-exitcode');
    expect(still.status, still.output).toBe(0);

    // With its state lost, it runs once more and finds nothing to do.
    rmSync(join(project.folder, 'terraform.web.exec.tfstate'));
    await apply();
    expect(treeOf(project.root('b'))).toEqual(treeOf(project.root('a')));

    await byProvider(web('second'), 'apply');
    await byExec(web('second'));
    const second = await apply();
    expect(second).toContain('1 added, 1 changed, 1 destroyed');
    // Of the copy, the line that differs.
    expect(second).toContain('~ "first" -> "second",');
    // The replaced resource was destroyed, and nothing of the host with it.
    expect(treeOf(project.root('b'))).toEqual(treeOf(project.root('a')));
    expect(readlinkSync(onB(`${records}/current`))).toBe('generations/2');

    // Terraform does not look at the host here; a nonce sends the engine, which does.
    writeFileSync(onB('etc/app/a.conf'), 'by hand\n');
    expect((await project.terraform('plan', '-detailed-exitcode')).status).toBe(0);
    await byExec(web('second'), { CITADEL_NONCE: '${again} 1' });
    expect(await apply()).toContain('-by hand');
    expect(readFileSync(onB('etc/app/a.conf'), 'utf8')).toContain('second');

    await byProvider(web('second'), 'destroy');
    await byExec(web('second'));
    const destroy = await project.terraform('destroy', '-auto-approve');
    expect(destroy.status, destroy.output).toBe(0);
    expect(destroy.output).toContain('nothing.json" "--yes" "web"]');
    const outside = (tree: Record<string, string>) =>
      Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith(`/${records}/`)));
    expect(outside(treeOf(project.root('b')))).toEqual(outside(treeOf(project.root('a'))));
    expect(existsSync(onB('etc/app'))).toBe(false);

    const kept = readdirSync(project.folder).filter((name) => name.includes('tfstate'));
    const written = readdirSync(project.stack, { recursive: true, withFileTypes: true })
      .filter((it) => it.isFile() && !it.parentPath.includes('/providers/'))
      .map((it) => join(it.parentPath, it.name));
    const texts = [...kept.map((name) => join(project.folder, name)), ...written].map((it) =>
      readFileSync(it, 'utf8'),
    );
    expect(texts.length).toBeGreaterThan(6);
    expect(said + destroy.output + texts.join('')).not.toContain(SECRET);
  });

  it('hands on exit status and output of a failure, and tries again next time', async () => {
    await byExec(web('first'));
    mkdirSync(onB(records), { recursive: true });
    const holder = execFile('flock', ['--no-fork', onB(`${records}/lock`), 'sleep', '100']);
    await sleep(300);
    const locked = await project.terraform('apply', '-auto-approve');
    holder.kill();
    expect(locked.status).toBe(1);
    expect(locked.output).toContain('exit status 1');
    expect(locked.output).toContain('(local-exec): ');
    expect(existsSync(onB('etc/app'))).toBe(false);

    writeFileSync(join(project.folder, 'db.secret'), '');
    const again = await project.terraform('apply', '-auto-approve');
    expect(again.output).toContain('is tainted, so must be replaced');
    expect(again.output).toContain('exit status 1');

    writeFileSync(join(project.folder, 'db.secret'), SECRET);
    const third = await project.terraform('apply', '-auto-approve');
    expect(third.status, third.output).toBe(0);
    expect(existsSync(onB('etc/app/a.conf'))).toBe(true);
  });

  it('loses nothing to Ctrl-C: the transaction goes on to its end, and the next deployment finds it', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `/opt/many/${index}`);
    const many: HostManifest = {
      version: 1,
      host: 'web',
      directories: { '/opt/many': { ...owned, mode: '0755' } },
      symlinks: Object.fromEntries(names.map((name) => [name, { target: `/srv${name}` }])),
    };
    await byExec(many);
    // A process group of its own, which is what a terminal sends Ctrl-C to.
    const terraform = spawn('terraform', ['apply', '-auto-approve'], {
      cwd: project.stack,
      env: cleanEnv(),
      detached: true,
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => terraform.once('exit', resolve));
    await until(() => existsSync(onB('opt/many')) && readdirSync(onB('opt/many')).length > 0);
    process.kill(-terraform.pid!, 'SIGINT');
    expect(await ended).toBe(1);
    // It was in the middle of it, and goes on with no one there.
    expect(existsSync(onB(`${records}/current`))).toBe(false);
    await until(() => existsSync(onB(`${records}/current`)));
    expect(readdirSync(onB('opt/many'))).toHaveLength(names.length);

    const next = await project.terraform('apply', '-auto-approve');
    expect(next.status, next.output.slice(-2000)).toBe(0);
    expect(next.output).toContain('is tainted, so must be replaced');
    expect(readlinkSync(onB(`${records}/current`))).toBe('generations/1');
  });
});
