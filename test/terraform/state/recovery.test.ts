import { copyFileSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { StateServer } from '../support/state-server.js';
import { Workspace } from '../support/terraform.js';

/* Each row of the table in docs/terraform/state.md, with real Terraform and the real engine on an offline root. */

const web = (text: string): HostManifest => ({
  version: 1,
  host: 'web',
  files: { '/etc/app.conf': { content: `${text}\n`, owner: 'root', group: 'root', mode: '0644' } },
});

describe('the state', { timeout: 180_000 }, () => {
  let workspace: Workspace;
  const state = (): string => join(workspace.folder, 'terraform.tfstate');
  const generation = (): string => readlinkSync(join(workspace.root, 'var/lib/citadel-iac/current'));
  const terraform = async (...args: readonly string[]): Promise<string> => {
    const { status, output } = await workspace.terraform(...args);
    expect(status, output).toBe(0);
    return output;
  };
  const deploy = (text: string): Promise<string> => {
    workspace.write(web(text));
    return terraform('apply', '-auto-approve', '-input=false');
  };

  beforeEach(() => {
    workspace = Workspace.create();
    for (const path of ['etc', 'var/lib']) mkdirSync(join(workspace.root, path), { recursive: true });
    workspace.write(web('one'));
  });
  afterEach(() => workspace.dispose());

  it('lost: a deployment takes the host up as it is, and so does an import', async () => {
    await terraform('init', '-input=false');
    await deploy('one');
    rmSync(state());
    expect(await deploy('one')).toContain('1 added');
    expect(generation()).toBe('generations/1');

    rmSync(state());
    expect(await terraform('import', '-input=false', 'citadel_host.host', 'web')).toContain(
      'Import successful',
    );
    expect(await terraform('plan', '-detailed-exitcode')).toContain('No changes');
    expect(generation()).toBe('generations/1');
  });

  it('stale: the plan looks at the host, whatever an old state says', async () => {
    await terraform('init', '-input=false');
    await deploy('one');
    copyFileSync(state(), join(workspace.folder, 'old'));
    await deploy('two');
    copyFileSync(join(workspace.folder, 'old'), state());
    expect(await terraform('plan', '-detailed-exitcode')).toContain('No changes');

    // What is new since that state is a change from how the host is, not from what the state remembers.
    workspace.write(web('three'));
    expect(await terraform('plan')).toMatch(/"-two",\s+\+ "\+three"/);
    await deploy('three');
    expect(readFileSync(join(workspace.root, 'etc/app.conf'), 'utf8')).toBe('three\n');
    expect(generation()).toBe('generations/3');
  });

  it('of a host that is gone: it is forgotten without asking the host', async () => {
    await terraform('init', '-input=false');
    await deploy('one');
    rmSync(workspace.root, { recursive: true });
    expect((await workspace.terraform('plan')).status).toBe(1);
    expect(await terraform('state', 'rm', 'citadel_host.host')).toContain('Successfully removed 1');
    mkdirSync(join(workspace.root, 'etc'), { recursive: true });
    mkdirSync(join(workspace.root, 'var/lib'), { recursive: true });
    expect(await deploy('one')).toContain('1 added');
  });

  it('in a file: what a lock leaves behind keeps no one out', async () => {
    await terraform('init', '-input=false');
    const left = {
      ID: 'c0ffee00-0000-4000-8000-000000000000',
      Operation: 'OperationTypeApply',
      Who: 'gone@away',
    };
    writeFileSync(join(workspace.folder, '.terraform.tfstate.lock.info'), JSON.stringify(left));
    expect(await deploy('one')).toContain('1 added');
  });

  describe('over HTTP', () => {
    let server: StateServer;
    beforeEach(async () => {
      server = await StateServer.start();
      const { address } = server;
      const http = { address, lock_address: address, unlock_address: address, retry_max: 0 };
      workspace.writeJson('backend.tf.json', { terraform: { backend: { http } } });
      await terraform('init', '-input=false');
    });
    afterEach(() => server.stop());

    it('is kept there, under a lock for each deployment', async () => {
      await deploy('one');
      expect(server.state).toContain('"citadel_host"');
      expect(server.lock).toBeUndefined();
      const kept = server.calls.filter((call) => call !== 'GET 200' && call !== 'GET 404');
      expect(kept[0]).toBe('LOCK 200');
      expect(kept).toContain('POST 200');
      expect(kept.at(-1)).toBe('UNLOCK 200');
    });

    it('locked by someone who is gone: refused with the lock’s ID, which unlocks it', async () => {
      await deploy('one');
      const id = 'c0ffee00-0000-4000-8000-000000000000';
      server.lock = JSON.stringify({
        ID: id,
        Operation: 'OperationTypeApply',
        Info: '',
        Who: 'gone@away',
        Version: '1.11.4',
        Created: '2026-01-02T03:04:05Z',
        Path: '',
      });
      workspace.write(web('two'));
      const refused = await workspace.terraform('apply', '-auto-approve', '-input=false');
      expect(refused.status).toBe(1);
      expect(refused.output).toContain('Error acquiring the state lock');
      // What Terraform calls "Lock Info" there is the lock that it did not get.
      expect(refused.output).toContain(`HTTP remote state already locked:\nID=${id}`);
      expect(generation()).toBe('generations/1');

      expect(await terraform('force-unlock', '-force', id)).toContain('successfully unlocked');
      expect(await deploy('two')).toContain('1 changed');
      expect(generation()).toBe('generations/2');
    });
  });
});
