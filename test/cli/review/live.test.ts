import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realEngine } from '../../../lib/cli/engine.js';
import { run } from '../../../lib/cli/run.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { OfflineRoot } from '../../engine/support/offline-root.js';
import { call, down } from '../call.js';
import { CHANGE, planOf, shellDouble } from '../doubles.js';

const CANARY = 'canary-9f41-secret-value';
const root = { owner: 'root', group: 'root', mode: '0644' };
const manifest: HostManifest = {
  version: 1,
  host: 'box',
  files: {
    '/etc/app.conf': { ...root, content: 'user = app\nkey = @@secret:app_key@@\nport = 81\n' },
    '/etc/app.key': { ...root, mode: '0600', secret: 'app_key' },
  },
};

describe('review formats of a host as it is', () => {
  let box: OfflineRoot;
  let folder: string;
  beforeAll(() => {
    box = new OfflineRoot();
    folder = mkdtempSync(join(tmpdir(), 'citadel-live-'));
    box.write('/etc/app.conf', `user = app\nkey = ${CANARY}\nport = 80\n`);
  });
  afterAll(() => {
    box.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['markdown', 'html'])('%s shows lines, and secrets as tokens', async (format) => {
    const secret = join(folder, 'key');
    writeFileSync(secret, CANARY);
    const shell = {
      ...shellDouble({
        cwd: folder,
        inventory: `hosts:\n  box: { root: ${JSON.stringify(box.path)} }\nsecrets: { app_key: { file: ${JSON.stringify(secret)} } }\n`,
        app: { buildHosts: () => [manifest] },
      }),
    };
    const code = await run(
      ['diff', '--format', format, '--out', 'out'],
      { ...shell, engine: () => Promise.resolve(realEngine({})) },
      '1',
    );
    expect(shell.printed.err).toBe('');
    expect(code).toBe(2);
    const text = readFileSync(join(folder, 'out'), 'utf8');
    expect(text).toContain('Compared with the hosts as they are.');
    expect(text).toContain('port = ');
    expect(text).toMatch(format === 'html' ? /&lt;secret app_key&gt;/ : /<secret app_key>/);
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain('@@secret');
  });

  it.each(['markdown', 'html'])(
    '%s says which host could not be read, and what was changed by hand',
    async (format) => {
      const { code, printed } = await call(`diff --format ${format}`, {
        engine: { open: { beta: down }, plans: { alpha: planOf('alpha', { changes: [CHANGE] }) } },
      });
      expect(code).toBe(1);
      expect(printed.out).toContain('beta could not be read.');
      expect(printed.out).toMatch(/drift/);
    },
  );
});
