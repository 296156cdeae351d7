import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPlan, systemDeps } from '../../lib/engine/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { before, withFault } from '../engine/support/faults.js';
import { OfflineRoot } from '../engine/support/offline-root.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The real program next to another run on the same offline root. */
const BIN = new URL('../../bin/citadel-iac.mjs', import.meta.url).pathname;

const files = (...names: string[]): HostManifest => ({
  version: 1,
  host: 'box',
  files: Object.fromEntries(
    names.map((name) => [
      `/etc/${name}`,
      { content: `${name}\n`, owner: 'root', group: 'root', mode: '0644' },
    ]),
  ),
});

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

describe('apply --wait', { timeout: 120_000 }, () => {
  let root: OfflineRoot;
  let folder: string;
  let said: string;

  beforeEach(async () => {
    root = new OfflineRoot();
    folder = temporaryFolder('citadel-wait-');
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(folder, 'inv.yaml'), `hosts: { box: { root: ${JSON.stringify(root.path)} } }\n`);
    await root.apply(files('one'));
  });
  afterEach(() => root.remove());

  function citadel(manifest: HostManifest, ...args: string[]): Promise<Ended> {
    writeFileSync(join(folder, 'it.json'), JSON.stringify(manifest));
    said = '';
    const child = spawn(
      process.execPath,
      [BIN, ...args, '--inventory', 'inv.yaml', '--manifest', 'it.json'],
      { cwd: folder, env: { ...process.env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return new Promise((done) => child.on('close', (status) => done({ status, out, err: said })));
  }

  /** Another run that stops before this step until the file `go` is there. */
  async function another(step: string, manifest: HostManifest) {
    const go = root.at('/go');
    const at = root.at('/at');
    const script = withFault(before(step, `true >'${at}'; while [ ! -e '${go}' ]; do sleep 0.05; done`));
    const plan = await root.plan(manifest);
    const result = applyPlan(
      await root.transport(),
      plan,
      { who: 'anna@laptop' },
      { ...systemDeps, transactionScript: script },
    );
    await expect.poll(() => existsSync(at), { timeout: 60_000 }).toBe(true);
    return { result, goOn: () => writeFileSync(go, '') };
  }

  it('plans again when the other run is at its end, shows that plan and applies it', async () => {
    const other = await another('put_path', files('one', 'two'));
    const waiting = citadel(files('one', 'three'), 'apply', '--yes', '--wait', '60');
    await expect.poll(() => said, { timeout: 60_000 }).toContain('box: waiting for anna@laptop');
    other.goOn();
    expect((await other.result).outcome).toBe('committed');
    const { status, out } = await waiting;
    expect(status).toBe(0);
    // What the other one brought is not in this document: the plan that is shown and done says so.
    expect(out).toContain('- files /etc/two');
    expect(out).toContain('box: done.');
    expect(existsSync(root.at('/etc/two'))).toBe(false);
    expect(readFileSync(root.at('/etc/three'), 'utf8')).toBe('three\n');
    expect(await root.plan(files('one', 'three'))).toMatchObject({ changes: [], record: false });
  });

  it('plans again also when the other run began after the plan', async () => {
    const other = await another('validate', files('one', 'two'));
    const waiting = citadel(files('one', 'three'), 'apply', '--yes', '--wait', '60');
    const staging = root.at('/var/lib/citadel-iac/staging');
    await expect
      .poll(() => readdirSync(staging).filter((id) => existsSync(join(staging, id, 'pid'))).length, {
        timeout: 60_000,
      })
      .toBe(2);
    other.goOn();
    expect((await other.result).outcome).toBe('committed');
    const { status, out, err } = await waiting;
    expect(status).toBe(0);
    expect(err).toContain('box: was changed after the plan was made; planning again');
    expect(out).toContain('- files /etc/two');
    expect(out.match(/^box: .*/gm)).toEqual(['box: done. The host is at generation 3.']);
    expect(existsSync(root.at('/etc/two'))).toBe(false);
    expect(existsSync(root.at('/etc/three'))).toBe(true);
  });

  it('ends when its time is over', async () => {
    const other = await another('put_path', files('one', 'two'));
    const { status, out } = await citadel(files('one', 'three'), 'apply', '--yes', '--wait', '1');
    expect(status).toBe(1);
    expect(out).toContain('anna@laptop');
    other.goOn();
    expect((await other.result).outcome).toBe('committed');
    expect(existsSync(root.at('/etc/three'))).toBe(false);
  });

  it('without it nothing is waited for', async () => {
    const other = await another('put_path', files('one', 'two'));
    const { status } = await citadel(files('one', 'three'), 'apply', '--yes');
    expect(status).toBe(1);
    other.goOn();
    expect((await other.result).outcome).toBe('committed');
  });
});
