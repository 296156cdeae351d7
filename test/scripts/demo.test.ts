import { spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';

it.skipIf(process.getuid?.() !== 0)(
  'npm run demo goes on offline roots to its end where no lab can run (skipped without root: owners are set)',
  () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/demo.mjs', '--offline'], {
      encoding: 'utf8',
    });
    const said = stripVTControlCharacters(stdout);
    expect(status, said + stderr).toBe(0);
    expect(said).toContain('The lab cannot run here: you asked for --offline.');
    expect(said).toMatch(/^ +- {2}scrape_interval: 5m\n +\+ {2}scrape_interval: 15s$/m);
    expect(said).toContain('Try next');
  },
  300_000,
);
