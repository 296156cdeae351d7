import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { alertRules } from '../../stacks/rules.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

const CASES = fileURLToPath(new URL('rules', import.meta.url));

const THRESHOLDS = {
  cpuPercent: { warning: 80, critical: 95 },
  memoryPercent: { warning: 85, critical: 95 },
  diskPercent: { warning: 80, critical: 90 },
  gpuTemperatureCelsius: { warning: 80, critical: 90 },
};

const SETTINGS = { thresholds: THRESHOLDS, backupHosts: ['ai-node'] };

function written(): string {
  const directory = scratch();
  const rules = alertRules(SETTINGS);
  writeTree(
    directory,
    Object.fromEntries(Object.entries(rules).map(([name, text]) => [`${name}.yml`, text])),
  );
  const cases = readdirSync(CASES);
  writeTree(
    directory,
    Object.fromEntries(cases.map((name) => [name, readFileSync(join(CASES, name), 'utf8')])),
  );
  return directory;
}

/** Skipped where promtool is missing: only it knows what Prometheus makes of a rule. */
describe.skipIf(!hasTool('promtool'))('alert rules, by promtool', () => {
  it.each(Object.keys(alertRules(SETTINGS)))('%s passes every lint', (name) => {
    const { status, output } = tool(
      'promtool',
      ['check', 'rules', '--lint=all', '--lint-fatal', `${name}.yml`],
      {
        cwd: written(),
      },
    );
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it.each(readdirSync(CASES))('%s', (name) => {
    const { status, output } = tool('promtool', ['test', 'rules', name], { cwd: written() });
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it('every rule has a case that makes it fire or keeps it quiet', () => {
    const cases = readdirSync(CASES).map((name) => readFileSync(join(CASES, name), 'utf8'));
    const alerts = Object.values(alertRules(SETTINGS)).flatMap((text) =>
      [...text.matchAll(/^ *- alert: (\w+)$/gm)].map((match) => match[1]),
    );
    const untested = alerts.filter((alert) => !cases.some((text) => text.includes(`alertname: ${alert}\n`)));
    expect(untested).toEqual([]);
  });
});

describe('alert rules', () => {
  it('every alert has a severity, a summary and a runbook', () => {
    for (const text of Object.values(alertRules(SETTINGS))) {
      const rules = text.split(/^ *- alert: /m).slice(1);
      expect(rules.length).toBeGreaterThan(0);
      for (const rule of rules) {
        expect(rule).toMatch(/^ *severity: (warning|critical)$/m);
        expect(rule).toMatch(/^ *summary: '/m);
        expect(rule).toMatch(/^ *runbook: '/m);
      }
    }
  });

  it('takes its levels from the thresholds', () => {
    const { hosts } = alertRules({
      ...SETTINGS,
      thresholds: { ...THRESHOLDS, diskPercent: { warning: 71, critical: 92 } },
    });
    expect(hosts).toContain('> 71');
    expect(hosts).toContain('> 92');
  });
});
