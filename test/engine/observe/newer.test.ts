import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPlan, systemDeps } from '../../../lib/engine/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { OfflineRoot } from '../support/offline-root.js';

const files = (content: string): HostManifest => ({
  version: 1,
  host: 'box',
  files: { '/etc/one': { content, owner: 'root', group: 'root', mode: '0644' } },
});

describe('a generation of a later version', () => {
  let root: OfflineRoot;
  beforeEach(async () => {
    root = new OfflineRoot();
    const plan = await root.plan(files('1\n'));
    await applyPlan(await root.transport(), plan, { who: 'test@here', tool: '7.4.0' }, systemDeps);
  });
  afterEach(() => root.remove());

  const edit = (name: string, change: (value: Record<string, unknown>) => void): void => {
    const path = root.at(`/var/lib/citadel-iac/current/${name}`);
    const value = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    change(value);
    writeFileSync(path, JSON.stringify(value));
  };
  const containers = (): void => edit('index.json', (index) => (index['containers'] = { web: {} }));

  it('is not gone on from when it has a section that is not known here', async () => {
    containers();
    await expect(root.apply(files('2\n'))).rejects.toThrow(
      /generation 1 was made by version 7\.4\.0 of citadel-iac and has what this version does not know: containers/,
    );
    expect(readFileSync(root.at('/etc/one'), 'utf8')).toBe('1\n');
    expect(root.generation).toBe(1);
  });

  it('is not put right by its own document either', async () => {
    containers();
    root.write('/etc/one', 'by hand\n');
    await expect(root.apply(files('1\n'))).rejects.toThrow(/does not know: containers/);
    expect(root.generation).toBe(1);
  });

  it('is not gone on from when its document is of a later version', async () => {
    edit('manifest.json', (manifest) => (manifest['version'] = 2));
    writeFileSync(root.at('/var/lib/citadel-iac/current/digest'), 'a'.repeat(64));
    await expect(root.apply(files('2\n'))).rejects.toThrow(/version 7\.4\.0.*a document of version 2/);
    expect(root.generation).toBe(1);
  });

  it('is of "a later version" where it does not say of which', async () => {
    root.shell('rm var/lib/citadel-iac/current/tool');
    containers();
    await expect(root.plan(files('2\n'))).rejects.toThrow(/made by a later version of citadel-iac/);
  });
});
