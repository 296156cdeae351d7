import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runbook } from '../../stacks/runbook.js';
import { groupsOf } from '../roles/monitoring/alert-tree.js';
import { contentOf, inventoryOf, manifestOf } from './example.js';

const production = inventoryOf('citadel');
const page = runbook(production);
const alerts = groupsOf(production).flatMap((group) => group.alerts);

describe('the runbook', () => {
  it('is what the alerts say: "npm run runbook" writes it', () => {
    expect(readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8')).toBe(page);
  });

  it('has one section for each alert, at the anchor that the alert names', () => {
    const anchors = [...page.matchAll(/^### (\S+)$/gm)].map((match) => match[1]?.toLowerCase());
    const wanted = [...new Set(alerts.map(({ alert }) => alert.toLowerCase()))];
    expect(anchors.filter((anchor) => wanted.includes(anchor ?? '')).sort()).toEqual(wanted.sort());
  });

  it('leads nowhere that is not there', () => {
    const anchors = [...page.matchAll(/^##+ (.*)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]);
    expect(links.filter((link) => !anchors.includes(link ?? ''))).toEqual([]);
  });

  const boxes = [...page.matchAll(/^```sh\n([\s\S]*?)\n```$/gm)].map(([, text = '']) => text);

  it('has commands that are there, with words in capitals that it explains', () => {
    expect(boxes.length).toBeGreaterThan(150);
    const programs = boxes.flatMap((box) => box.match(/\/opt\/citadel\/scripts\/[\w.]+/g) ?? []);
    expect(programs.length).toBeGreaterThan(10);
    for (const program of new Set(programs)) {
      expect(existsSync(new URL(`../../templates/ai-node${program}`, import.meta.url)), program).toBe(true);
    }
    const verbs = boxes.flatMap((box) => [...box.matchAll(/^citadel (\w+)/gm)].map(([, verb]) => verb));
    expect([...new Set(verbs)].sort()).toEqual(['health', 'logs', 'restart', 'start', 'stop']);
    const capitals = boxes.flatMap(
      (box) =>
        box
          .replaceAll(/"[A-Za-z-]+: .*?"|-X POST|POWER,PERFORMANCE|ECC,ROW_REMAPPER/g, '')
          .match(/\b[A-Z]{3,}\b/g) ?? [],
    );
    // WATTS is for the person to choose; the others are options of nvidia-smi.
    const options = ['TEMPERATURE', 'POWER', 'WATTS'];
    const unexplained = new Set(
      capitals.filter(
        (word) => !options.includes(word) && !page.split('## Contents')[0]?.includes(`\`${word}\``),
      ),
    );
    expect([...unexplained]).toEqual([]);
  });

  it('asks the exporter that probes for a module that it has', () => {
    const devOps = manifestOf(production, 'dev-ops');
    const modules = boxes.flatMap((box) => [...box.matchAll(/module=(\w+)/g)].map(([, name]) => name));
    expect(modules).toEqual(['http_ok']);
    expect(contentOf(devOps, '/etc/prometheus/blackbox.yml')).toContain('  http_ok:\n');
  });

  it('calls the monitoring server by its name and its address', () => {
    const { 'dev-ops': monitor, ...others } = production.hosts;
    const other = runbook({
      ...production,
      hosts: { ...others, watcher: { ...monitor!, address: '192.0.2.7' } },
    });
    expect(page).toContain('<http://192.168.10.36:9090/targets>');
    expect(other).toContain('<http://192.0.2.7:9090/targets>');
    expect(other).toContain('npx citadel-iac apply watcher');
    expect(other).not.toMatch(/dev-ops/i);
  });

  it('has a section for each model, and none for one that is gone', () => {
    const node = production.hosts['ai-node']!;
    const { phi3: _phi3, ...models } = node.ai!.models;
    const without = runbook({
      ...production,
      hosts: { ...production.hosts, 'ai-node': { ...node, ai: { ...node.ai!, models } } },
    });
    expect(page).toContain('### phi3 on ai-node');
    expect(without).not.toContain('phi3');
  });
});
