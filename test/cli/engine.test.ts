import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realEngine } from '../../lib/cli/engine.js';
import { CitadelError, type HostManifest, type SecretSources } from '../../lib/manifest/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const file = (secret: string) => ({ secret, owner: 'root', group: 'root', mode: '0600' });
const manifest: HostManifest = {
  version: 1,
  host: 'alpha',
  files: { '/a': file('asks'), '/b': file('env') },
};
const signal = new AbortController().signal;

describe('the secrets that a host needs', () => {
  it('are asked for once, and the values are kept for the plan', async () => {
    const [projectDir, root] = [temporaryFolder('citadel-engine-'), temporaryFolder('citadel-root-')];
    const sources: SecretSources = {
      asks: { command: ['sh', '-c', 'echo asked >> log; echo a-value'] },
      env: { env: 'A' },
      idle: { command: ['sh', '-c', 'echo idle >> log'] },
    };
    const engine = realEngine({ A: 'another-value' });
    await engine.requireSecrets(manifest, sources, { projectDir });
    const plan = await engine.plan(
      engine.open('alpha', { root }, signal, sources, { projectDir }),
      manifest,
      sources,
      {
        projectDir,
        signal,
      },
    );
    expect(plan.contents.get('/a')?.toString()).toBe('a-value');
    expect(readFileSync(join(projectDir, 'log'), 'utf8')).toBe('asked\n');
  });

  it('are all named when they cannot be read', async () => {
    const sources: SecretSources = { env: { env: 'A' } };
    const asked = realEngine({}).requireSecrets(manifest, sources, { projectDir: '/' });
    const told = await asked.catch((error: unknown) => error);
    expect(told).toBeInstanceOf(CitadelError);
    expect((told as CitadelError).problems.map(({ path }) => path)).toEqual(['secrets/asks', 'secrets/env']);
  });
});
