import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { realEngine } from '../../lib/cli/engine.js';
import { run } from '../../lib/cli/run.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { shellDouble } from './doubles.js';

it('status says where hosts stand, each from what it knows itself, and names those that do not answer', async () => {
  const good = temporaryFolder('citadel-status-');
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(good, path)), { recursive: true });
    writeFileSync(join(good, path), text);
  };
  const ago = (seconds: number): number => Math.floor(Date.now() / 1000) - seconds;
  const base = 'var/lib/citadel-iac';
  put(`${base}/generations/12/digest`, `${'d'.repeat(64)}\n`);
  put(`${base}/generations/12/time`, `${new Date(ago(3 * 86_400 + 60) * 1000).toISOString()}\n`);
  put(`${base}/generations/12/who`, 'anna@laptop\n');
  put(`${base}/generations/12/commit`, `${'ab12'.repeat(10)}\n`);
  symlinkSync('generations/12', join(good, base, 'current'));
  put(`${base}/staging/x-1/who`, 'bob\u001b[2J@home\n');
  put(`${base}/staging/x-1/undo/left`, 'one\ntwo\n');
  symlinkSync('staging/x-1', join(good, base, 'open'));
  const textfiles = 'var/lib/prometheus/node-exporter';
  put(
    `${textfiles}/citadel-drift.prom`,
    `# HELP x\ncitadel_config_drift_items 2\ncitadel_config_drift_last_check_timestamp_seconds ${ago(600)}\ncitadel_config_generation 12\n`,
  );
  put(
    `${textfiles}/citadel-backup.prom`,
    `citadel_backup_last_success_timestamp_seconds{backup="daily",model="a"} ${ago(7300)}\n` +
      `citadel_backup_last_success_timestamp_seconds{backup="daily",model="b"} ${ago(400_000)}\n`,
  );
  put(`${textfiles}/citadel-expected.prom`, 'citadel_backup_max_age_seconds{backup="daily"} 100000\n');
  const inventory = `hosts:
  box: { root: ${good}, address: 10.0.0.1 }
  bare: { root: ${temporaryFolder('citadel-status-')}, address: 10.0.0.2 }
  gone: { root: ${good}/none, address: 10.0.0.3 }
`;
  const call = async (...words: string[]): Promise<{ code: number; out: string; err: string }> => {
    const shell = shellDouble({ inventory });
    shell.engine = () => Promise.resolve(realEngine({}));
    return { code: await run(words, shell, '1.2.3'), ...shell.printed };
  };
  const text = await call('status');
  expect(text.code, text.err).toBe(1);
  expect(text.out, text.err).toMatch(/^bare +none +- +- +not known +- +-$/m);
  expect(text.out).toMatch(
    /^box +12 +3 d ago +ab12ab12ab12 +2 \(10 min ago\) +4 d ago; overdue: daily +unfinished transaction: resolve$/m,
  );
  expect(text.err).toContain('cannot be opened');
  const json = JSON.parse((await call('status', '--json')).out) as Record<string, Record<string, object>>;
  expect(json['hosts']?.['box']).toMatchObject({
    generation: 12,
    who: 'anna@laptop',
    drift: { items: 2, generation: 12 },
    open: { id: 'x-1', running: false, left: 2 },
    reboot: [],
    backups: { daily: { overdue: true } },
  });
  expect(Object.keys(json['unreachable'] ?? {})).toEqual(['gone']);
  expect((await call('status', '--except', 'gone')).code).toBe(0);
});
