import { OfflineRoot } from '../../test/engine/support/offline-root.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { Case } from '../bench.js';
import { filesManifest } from '../work.js';
import { time } from '../report.js';

const FEW = 2000;
const MANY = 8000;
const WANTED_MS = 3000;
/** Of the time for four times as many files: linear, and some room for a machine that does other things. */
const WANTED_RATIO = 5;

/** Whether a transaction's time grows with its files and no faster, on an offline root: the engine without a network. */
export const growth: Case = {
  name: 'growth',
  about: `first apply and removal of ${FEW} and ${MANY} files on an offline root`,
  lab: false,
  async run() {
    const few = await applyAndRemove(FEW);
    const many = await applyAndRemove(MANY);
    return (['first apply', 'removal'] as const).map((what, index) => {
      const [small, large] = [few[index] ?? 0, many[index] ?? 0];
      return {
        what: `${what}, ${FEW} files on an offline root`,
        measured: time(small),
        baseline: `${MANY} files ${time(large)}, ${(large / small).toFixed(1)}×`,
        wanted: `less than ${WANTED_MS / 1000} s, and less than ${WANTED_RATIO}× for 4× the files`,
        met: small < WANTED_MS && large / small < WANTED_RATIO,
      };
    });
  },
};

/** Milliseconds of a first apply, and of the apply that removes everything again. */
async function applyAndRemove(files: number): Promise<[number, number]> {
  const root = new OfflineRoot();
  try {
    const full = filesManifest('box', files, 1024);
    const { version, host } = full;
    return [await applied(root, full), await applied(root, { version, host })];
  } finally {
    root.remove();
  }
}

async function applied(root: OfflineRoot, manifest: HostManifest): Promise<number> {
  const start = performance.now();
  const { outcome, next } = await root.apply(manifest);
  if (outcome !== 'committed') throw new Error(`the apply ended as ${outcome}: ${next}`);
  return performance.now() - start;
}
