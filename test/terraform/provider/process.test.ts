import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { cleanEnv, doubleProvider, run, Workspace } from '../support/terraform.js';

const main = await doubleProvider();

/** What Terraform puts into the environment. */
const HOST_ENV = {
  TF_PLUGIN_MAGIC_COOKIE: 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2',
  PLUGIN_PROTOCOL_VERSIONS: '5,6',
};

describe("the provider's process", { timeout: 60_000 }, () => {
  let child: ChildProcess | undefined;
  afterEach(() => {
    child?.kill('SIGTERM');
    child = undefined;
  });

  const start = async (
    env: Readonly<Record<string, string>>,
    args: readonly string[] = [],
    cwd = process.cwd(),
  ): Promise<string> => {
    child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env }, stdio: 'pipe', cwd });
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    return line.toString();
  };

  it('refuses a person with a hint and status 1, and writes nothing on standard output', async () => {
    const outcome = await run(process.execPath, [main], { cwd: '/', env: { PATH: process.env['PATH'] } });
    expect(outcome.status).toBe(1);
    expect(outcome.output).toContain('Run "npx cdktf diff"');
    expect(outcome.output).not.toContain('1|6');
  });

  it('says one line, and does not end by an interrupt', async () => {
    const line = await start(HOST_ENV);
    const [core, version, network, socket = '', kind] = line.trimEnd().split('|');
    expect([core, version, network, kind]).toEqual(['1', '6', 'unix', 'grpc']);
    expect(existsSync(socket)).toBe(true);
    // What Ctrl-C does to the whole process group must not end it.
    child?.kill('SIGINT');
    await delay(300);
    expect(child?.exitCode).toBeNull();
  });

  it('serves a debug session without TLS to several Terraform commands', async () => {
    const workspace = Workspace.create(main);
    try {
      const line = await start({}, ['--debug'], workspace.folder);
      const value = /^TF_REATTACH_PROVIDERS='(.*)'\n$/.exec(line)?.[1] ?? '';
      workspace.write({ version: 1, host: 'web' });
      const env = { ...cleanEnv(), TF_REATTACH_PROVIDERS: value };
      const terraform = (...args: string[]) => run('terraform', args, { cwd: workspace.folder, env });
      await terraform('init');
      expect((await terraform('apply', '-auto-approve')).output).toContain('Apply complete!');
      expect((await terraform('plan')).output).toContain('No changes');
      expect(child?.exitCode).toBeNull();
    } finally {
      workspace.dispose();
    }
  });

  it('works where the host turned TLS off, and leaves no socket behind', async () => {
    const workspace = Workspace.create(main);
    try {
      workspace.write({ version: 1, host: 'web' });
      const sockets = join(workspace.folder, 'sockets');
      mkdirSync(sockets);
      const env = { ...cleanEnv(), TF_DISABLE_PLUGIN_TLS: '1', TMPDIR: sockets };
      await run('terraform', ['init'], { cwd: workspace.folder, env });
      const plan = await run('terraform', ['plan'], { cwd: workspace.folder, env });
      expect(plan.output).toContain('1 to add');
      expect(readdirSync(sockets)).toEqual([]);
    } finally {
      workspace.dispose();
    }
  });
});
