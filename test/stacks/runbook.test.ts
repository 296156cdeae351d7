import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runbook } from '../../stacks/runbook.js';
import { groupsOf } from '../constructs/monitoring/alert-tree.js';
import { inventoryOf } from './example.js';

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
