import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplyDeps } from './apply/apply-plan.js';

/** The clock and the chance of this machine, for shells to hand to {@link applyPlan}. */
export const systemDeps: ApplyDeps = {
  clock: {
    now: () => performance.now(),
    sleep: async (seconds) => {
      await delay(seconds * 1000);
    },
  },
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
};
