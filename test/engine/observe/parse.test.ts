import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseObservation } from '../../../lib/engine/observe/parse.js';
import type { ObserveRequest } from '../../../lib/engine/observe/request.js';
import { CitadelError } from '../../../lib/manifest/index.js';
import { plain } from '../support/plain.js';

interface Case {
  /** What was asked; lists that are not named are empty. */
  readonly request: Partial<ObserveRequest>;
  readonly offline?: boolean;
  /** The fields of the program's output. */
  readonly output: readonly string[];
  /** Parts of the snapshot; exactly one of this and `problems`. */
  readonly observed?: Readonly<Record<string, unknown>>;
  readonly problems?: readonly string[];
}

const EMPTY: ObserveRequest = {
  knownDigest: null,
  paths: [],
  directories: [],
  blocks: [],
  units: [],
  users: [],
  groups: [],
  packages: [],
  mounts: [],
  before: [],
  unmarked: [],
};

const folder = new URL('./cases/', import.meta.url);

function parse(test: Case) {
  const output = Buffer.from(test.output.map((field) => `${field}\0`).join(''));
  return parseObservation(
    output,
    { ...EMPTY, ...test.request },
    { source: 'lab', offline: test.offline ?? false },
  );
}

describe('parseObservation', () => {
  for (const name of readdirSync(folder).sort()) {
    const test = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Case;
    it(name.replace('.json', ''), () => {
      if (test.problems === undefined) {
        expect(plain(parse(test).host)).toMatchObject(test.observed ?? { never: true });
        return;
      }
      let problems: string[] = [];
      try {
        parse(test);
      } catch (error) {
        if (!(error instanceof CitadelError)) throw error;
        problems = error.problems.map((problem) => `${problem.code}: ${problem.got}`);
      }
      expect(problems).toEqual(test.problems);
    });
  }

  it('refuses every output that is cut short', () => {
    const test = JSON.parse(readFileSync(new URL('paths.json', folder), 'utf8')) as Case;
    const output = Buffer.from(test.output.map((field) => `${field}\0`).join(''));
    for (let length = 0; length < output.length; length += 1) {
      expect(() =>
        parseObservation(
          output.subarray(0, length),
          { ...EMPTY, ...test.request },
          { source: 'lab', offline: false },
        ),
      ).toThrow(CitadelError);
    }
  });
});
