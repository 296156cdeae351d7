import { afterAll, beforeAll, describe, it } from 'vitest';
import { Lab } from './lab.js';
import { smallHosts } from './layout.js';
import { requireLab } from './api.js';

const UP_TIMEOUT_MS = 900_000;

/**
 * A group of tests on real hosts. The lab is brought up before the first of them (about two seconds, or a minute or two
 * when the bases must be built) and left up. Where none can run, the group is skipped and its title says why.
 */
export function describeLab(title: string, body: (lab: Lab) => void): void {
  describeWhere(title, (usual) => {
    beforeAll(async () => {
      await usual.up();
    }, UP_TIMEOUT_MS);
    body(usual);
  });
}

/** A group of tests on so many small hosts, in a lab of their own, which is gone afterwards. */
export function describeFleet(title: string, count: number, body: (lab: Lab) => void): void {
  describeWhere(title, (usual) => {
    const lab = Lab.named(`${usual.name}-fleet`);
    beforeAll(async () => {
      await lab.up({ hosts: smallHosts(count) });
    }, UP_TIMEOUT_MS);
    afterAll(() => lab.down(), UP_TIMEOUT_MS);
    body(lab);
  });
}

function describeWhere(title: string, body: (usual: Lab) => void): void {
  const gate = requireLab();
  if (gate.available) {
    describe(title, () => body(gate.lab));
    return;
  }
  describe.skip(`${title} (skipped: ${gate.reason})`, () => {
    it('needs the lab', () => undefined);
  });
}
