import { describe, expect, it } from 'vitest';
import { promtoolTests } from '../../../lib/constructs/monitoring/rules/index.js';
import { renderYaml, type DataValue } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool } from '../../stacks/tools.js';
import { groupsOf, wholeInventory } from './alert-tree.js';
import { mutantsOf } from './mutate.js';
import { testRules } from './promtool.js';

const alerts = groupsOf(wholeInventory()).flatMap((group) => group.alerts);
const models = [...new Set(alerts.map(({ labels }) => labels['model']))]
  .filter((name) => name !== undefined)
  .sort();

/** `npm run check:long alerts` looks at every one; CI at one of so many, always the same. */
const EVERY = process.env['CITADEL_ALERT_MUTANTS'] === 'all' ? 1 : 4;

/** Rules of each model are made by the same function: one model stands for all. */
const looked = alerts.filter(({ labels }) => labels['model'] === undefined || labels['model'] === models[0]);

describe.skipIf(!hasTool('promtool'))('a mistake in an alert', () => {
  it('makes one of its tests fail, whatever it is', async () => {
    const root = scratch();
    const mutants = looked
      .flatMap((alert) =>
        mutantsOf(alert).map((mutant, index) => ({ alert, mutant, file: `${alert.node.id}.${index}` })),
      )
      .filter((_, index) => index % EVERY === 0);
    writeTree(
      root,
      Object.fromEntries(
        mutants.flatMap(({ alert, mutant, file }) => [
          [`${file}.yml`, renderYaml({ groups: [{ name: 'mutant', rules: [mutant.rule as DataValue] }] })],
          [
            `${file}.test.yml`,
            promtoolTests(`${file}.yml`, 'docs/runbook.md', { alerts: [alert], records: [] }),
          ],
        ]),
      ),
    );
    const results = await testRules(
      root,
      mutants.map(({ file }) => `${file}.test.yml`),
    );
    expect(results.size).toBe(mutants.length);
    const survivors = mutants
      .filter(({ file }) => results.get(`${file}.test.yml`) === true)
      .map(({ alert, mutant }) => `${alert.node.id}: ${mutant.what}`);
    console.log(`${mutants.length} mutants of ${looked.length} rules, ${survivors.length} survived`);
    expect(survivors).toEqual([]);
  }, 600_000);
});
