import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finished } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { cleanEnv, REPOSITORY } from '../terraform/support/terraform.js';
import { installNodePrograms } from './node-programs.js';
import { fingerprint, scenario, type Side } from './transaction-scenario.js';

const MAIN = `
import { readFileSync } from 'node:fs';
import { App, TerraformStack } from 'cdktf';
import { bindHost } from '../lib/terraform/binding/index.js';

const app = new App();
const { target, manifest } = JSON.parse(readFileSync('input.json', 'utf8'));
const stack = new TerraformStack(app, 'ai-node');
bindHost(stack, { host: 'ai-node', target, manifest: () => manifest });
app.synth();
`;

/** Terraform's state says one generation, the host has gone back to another by itself: cdktf sees and heals it. */
describeLab('cdktf after the host went back by itself', (lab) => {
  const host = lab.host('ai-node');
  const prints = new Map<Side, string>();
  let folder: string;

  async function cdktf(...args: readonly string[]): Promise<Finished> {
    const run = await lab.operator.exec([join(REPOSITORY, 'node_modules/.bin/cdktf'), ...args], {
      cwd: folder,
      env: { ...cleanEnv(), NO_COLOR: '1', CI: 'true', CHECKPOINT_DISABLE: '1' },
      timeoutMs: 280_000,
    });
    return { ...run, stdout: stripVTControlCharacters(run.stdout) };
  }

  async function want(side: Side): Promise<void> {
    const target = (await lab.inventory())['ai-node'];
    writeFileSync(
      join(folder, 'input.json'),
      JSON.stringify({
        target: { ...target, keepGenerations: 5 },
        manifest: scenario('ai-node', side, true),
      }),
    );
  }

  async function deploy(side: Side): Promise<void> {
    await want(side);
    const run = await cdktf('deploy', '--auto-approve', 'ai-node');
    expect(run.code, run.stdout.slice(-4000) + run.stderr).toBe(0);
    prints.set(side, await fingerprint(host));
  }

  beforeAll(async () => {
    await host.reset();
    await installNodePrograms(host);
    folder = mkdtempSync(join(REPOSITORY, '.tmp-cdktf-'));
    const settings = { language: 'typescript', app: 'node --import tsx main.ts', sendCrashReports: 'false' };
    writeFileSync(join(folder, 'cdktf.json'), JSON.stringify(settings));
    writeFileSync(join(folder, 'main.ts'), MAIN);
    await deploy('A');
    await deploy('B');
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows line by line what it would bring back, and brings it back', async () => {
    const went = await host.exec('citadel-rollback to 1 --yes', { user: 'agent0', timeoutMs: 180_000 });
    expect(went.code, went.stdout + went.stderr).toBe(0);
    expect(await fingerprint(host)).toBe(prints.get('A'));

    const diff = await cdktf('diff', 'ai-node');
    expect(diff.code, diff.stdout + diff.stderr).toBe(0);
    expect(diff.stdout).toMatch(/\+ "-side = A",\s+\+ "\+side = B",/);
    expect(diff.stdout).toMatch(/generation += 3 -> /);
    await deploy('B');
    expect(await fingerprint(host)).toBe(prints.get('B'));
    expect((await cdktf('diff', 'ai-node')).stdout).toContain('No changes');
    expect(await host.mustExec('grep -h ^keep= /var/lib/citadel-iac/current/meta')).toBe('keep=5\n');
  }, 600_000);
});
