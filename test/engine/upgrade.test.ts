import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPlan, planHost, readHistory, readManifest, systemDeps } from '../../lib/engine/index.js';
import type { ApplyResult } from '../../lib/engine/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { AFTER, BEFORE } from './support/flip-manifests.js';
import { OfflineRoot } from './support/offline-root.js';

/**
 * A host that the version before this one deployed: an offline root on which commit 04bf05a applied {@link documentOf} for
 * BEFORE and for AFTER, on top of /etc/shared.conf, /opt/elsewhere and a package's /etc/package.conf.
 */
const HOST = new URL('fixtures/host-of-04bf05a.tar.gz', import.meta.url).pathname;
const SECRETS: Readonly<Record<string, string>> = { token: 'planted-4711' };

const documentOf = (base: HostManifest, text: string): HostManifest => ({
  ...base,
  files: {
    ...base.files,
    '/etc/package.conf': { content: text, owner: 'root', group: 'root', mode: '0644' },
    '/etc/token': { content: 'k=@@secret:token@@\n', owner: 'root', group: 'root', mode: '0600' },
  },
});
const FIRST = documentOf(BEFORE, 'first\n');
const SECOND = documentOf(AFTER, 'second\n');

describe('a host that the version before this one deployed', () => {
  let root: OfflineRoot;
  beforeEach(() => {
    root = new OfflineRoot();
    root.shell(`tar -xpf '${HOST}'`);
  });
  afterEach(() => root.remove());

  const plan = async (document: HostManifest) =>
    planHost(await root.transport(), document, { resolve: (name) => Promise.resolve(SECRETS[name] ?? '') });
  const apply = async (document: HostManifest): Promise<ApplyResult> =>
    applyPlan(await root.transport(), await plan(document), { who: 'test@here' }, systemDeps);
  const read = (path: string): string => readFileSync(root.at(path), 'utf8');

  const back = (...words: readonly string[]) =>
    spawnSync('/bin/sh', [root.at('/var/lib/citadel-iac/current/bin/back.sh'), root.path, ...words], {
      encoding: 'utf8',
      timeout: 60_000,
    });

  it('has nothing to do with its own document', async () => {
    expect((await plan(SECOND)).changes).toEqual([]);
  });

  it('has its history, its documents and its secrets read', async () => {
    const transport = await root.transport();
    const records = await readHistory(transport, {});
    expect(records.map(({ generation, current }) => [generation, current])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(await readManifest(transport, 1)).toEqual(FIRST);
    expect(await readManifest(transport, 'current')).toEqual(SECOND);
  });

  it('goes back from the operator’s machine, and by itself to what came after the upgrade', async () => {
    expect((await apply(await readManifest(await root.transport(), 1))).outcome).toBe('committed');
    expect(read('/opt/app/changed')).toBe('old\n');
    expect(read('/etc/shared.conf')).toContain('first\n');
    expect((await plan(FIRST)).changes).toEqual([]);
    expect((await apply(SECOND)).outcome).toBe('committed');

    const refused = back('to', '1', '--yes');
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('by itself this host goes to generation 3 and later ones');
    const gone = back('to', '3', '--yes');
    expect([gone.status, gone.stderr], gone.stdout).toEqual([0, '']);
    expect((await plan(FIRST)).changes).toEqual([]);
  });

  it('gets back what was there before the first deployment, when all leaves', async () => {
    expect((await apply({ version: 1, host: 'box' })).outcome).toBe('committed');
    expect(read('/etc/shared.conf')).toBe('foreign line\n');
    expect(read('/opt/elsewhere/file')).toBe('behind the link\n');
    expect(read('/etc/package.conf')).toBe('as the package wrote it\n');
    for (const path of [
      '/etc/token',
      '/opt/fresh/deep/er/file',
      '/opt/app/changed',
      '/etc/systemd/system/fresh.service',
    ])
      expect([path, existsSync(root.at(path))]).toEqual([path, false]);
  });
});
