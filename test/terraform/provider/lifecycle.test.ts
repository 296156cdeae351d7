import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { faultPath, readRecord, recordPath } from '../support/engine-double.js';
import { REPOSITORY, Workspace } from '../support/terraform.js';

const DOUBLE = join(REPOSITORY, 'test/terraform/support/server-with-double.ts');
const lines = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join('');

const web: HostManifest = {
  version: 1,
  host: 'web',
  files: { '/etc/a.conf': { content: lines(40), owner: 'root', group: 'root', mode: '0644' } },
  origins: { 'files//etc/a.conf': 'web/site/config' },
};

describe('citadel_host in real Terraform, with a double of the engine', { timeout: 120_000 }, () => {
  let workspace: Workspace;
  const hostFile = (path: string): string => join(workspace.root, path);

  beforeEach(async () => {
    workspace = Workspace.create(DOUBLE);
    workspace.write(web);
    const init = await workspace.terraform('init', '-input=false');
    expect(init.output).toContain('successfully initialized');
  });
  afterEach(() => workspace.dispose());

  it('plans, applies, and then has nothing to do', async () => {
    const plan = await workspace.terraform('plan', '-input=false');
    expect(plan.output).toContain('+ "line 20",');
    expect(plan.output).toContain('1 to add');
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('1 added');
    expect(readFileSync(hostFile('/etc/a.conf'), 'utf8')).toBe(lines(40));
    const again = await workspace.terraform('plan', '-detailed-exitcode');
    expect(again.output).toContain('No changes');
    expect(again.status).toBe(0);
  });
});
