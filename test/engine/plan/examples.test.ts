import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planBetween } from '../../../lib/engine/plan/between.js';
import { loadInventory } from '../../support/site.js';
import { buildHosts } from '../../../stacks/app.js';

describe('the plan between two documents', () => {
  it.each(['citadel.yaml', 'offline.yaml'])('of the example with itself is nothing (%s)', async (name) => {
    const inventory = loadInventory(join('stacks/inventory', name), {}, process.cwd());
    for (const manifest of buildHosts(inventory)) {
      const plan = await planBetween(manifest, manifest);
      expect(plan).toMatchObject({ changes: [], unitActions: [] });
      const { changes } = await planBetween(null, manifest);
      expect(new Set(changes.map(({ action }) => action))).toEqual(new Set(['create']));
    }
  });
});
