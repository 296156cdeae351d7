import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CitadelError } from '../../../lib/manifest/index.js';
import { planCase, type Case } from '../support/plan-case.js';

const folder = new URL('./cases/', import.meta.url);

describe('planObserved', () => {
  for (const name of readdirSync(folder).sort()) {
    it(name.replace('.json', ''), async () => {
      const test = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Case;
      if (test.problems !== undefined) {
        const error = await planCase(test).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (!(error instanceof CitadelError)) expect.unreachable(`no plan should be made: ${String(error)}`);
        expect(error.message.split('\n')).toEqual(test.problems);
        return;
      }
      const { plan: result, fetched } = await planCase(test);
      expect(result.changes).toEqual(test.changes);
      expect(result.unitActions.map(({ verb, unit, wave }) => `${verb} ${unit} ${wave}`)).toEqual(
        test.unitActions ?? [],
      );
      expect(result.notes).toEqual(test.notes ?? []);
      if (test.risky !== undefined) expect(result.risky).toBe(test.risky);
      if (test.record !== undefined) expect(result.record).toBe(test.record);
      if (test.fetched !== undefined) expect(fetched).toEqual(test.fetched);
      if (test.writes !== undefined) {
        expect(
          Object.fromEntries([...result.contents].map(([path, bytes]) => [path, bytes.toString('utf8')])),
        ).toEqual(test.writes);
      }
    });
  }
});
