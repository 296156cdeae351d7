import { beforeAll, describe, it } from 'vitest';
import type { Lab } from './lab.js';
import { requireLab } from './api.js';

const UP_TIMEOUT_MS = 900_000;

/**
 * A group of tests on real hosts. The lab is brought up before the first of them (about two seconds, or a minute or two
 * when the bases must be built) and left up. Where none can run, the group is skipped and its title says why.
 */
export function describeLab(title: string, body: (lab: Lab) => void): void {
  const gate = requireLab();
  if (!gate.available) {
    describe.skip(`${title} (skipped: ${gate.reason})`, () => {
      it('needs the lab', () => undefined);
    });
    return;
  }
  describe(title, () => {
    beforeAll(async () => {
      await gate.lab.up();
    }, UP_TIMEOUT_MS);
    body(gate.lab);
  });
}
