import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { layoutOf, repository } from './layout.js';
import { LabError, run } from './process.js';
import { obstacle } from './prerequisites.js';

const api = fileURLToPath(new URL('./api.ts', import.meta.url));
const ask = `import(${JSON.stringify(api)})
  .then((lab) => console.log(JSON.stringify(lab.requireLab())))
  .catch((error) => console.log(error.message))`;
/** The loader keeps a cache; whoever runs must be able to write it. */
const scratch = mkdtempSync(join(tmpdir(), 'lab-gate-'));
chmodSync(scratch, 0o777);
const environment = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', TMPDIR: scratch };

describe('the gate to the lab', () => {
  afterAll(() => {
    rmSync(scratch, { recursive: true });
  });

  const unprivileged =
    // In a user namespace without a mapping no one is root, yet a checkout that only root can enter stays readable.
    process.getuid?.() === 0 ? ['unshare', '--user', '--'] : [];
  const node = [...unprivileged, process.execPath, '--import', 'tsx', '--eval', ask];

  it('says why there is none without root', async () => {
    const result = await run(node, { env: environment, cwd: repository });
    expect(JSON.parse(result.stdout)).toEqual({ available: false, reason: 'the lab needs root' });
  });

  it('is an error where the lab is required', async () => {
    const result = await run(node, { env: { ...environment, CITADEL_LAB: 'required' }, cwd: repository });
    expect(result.stdout.trim()).toBe(
      'CITADEL_LAB=required, but the lab needs root. Run as root on Linux, or unset it.',
    );
  });

  it.runIf(process.getuid?.() === 0)('sees that root alone is not enough', async () => {
    const powerless = [
      'setpriv',
      '--bounding-set=-sys_admin',
      '--inh-caps=-all',
      process.execPath,
      '--import',
      'tsx',
      '--eval',
      ask,
    ];
    const result = await run(powerless, { env: environment, cwd: repository });
    const reason = 'the lab needs CAP_SYS_ADMIN (an unprivileged container has none)';
    expect(JSON.parse(result.stdout)).toEqual({ available: false, reason });
    expect(obstacle()).not.toBe(reason);
  });

  it('refuses names that no namespace could carry', () => {
    expect(() => layoutOf('a'.repeat(21))).toThrow(LabError);
    expect(() => layoutOf('../etc')).toThrow('"../etc" cannot name a lab.');
    expect(layoutOf('citadel').stableLink).toMatch(/\/\.citadel\/lab\.json$/);
    expect(layoutOf('mine').stableLink).toMatch(/\/\.citadel\/lab-mine\.json$/);
  });
});
