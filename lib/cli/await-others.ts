import { setTimeout as sleep } from 'node:timers/promises';
import type { HostPlan, OpenTransaction } from '../engine/model.js';
import { heldText } from '../engine/held-text.js';
import type { CarryOutOptions } from './carry-out-options.js';
import type { Fleet } from './fleet.js';
import { plansOf } from './read-plans.js';
import type { Shell } from './shell.js';
import { visible } from './text/style.js';

/** How long `--wait` alone waits for another run to end. */
const WAIT_SEC = 3600;
/** Milliseconds between two looks at a host where another run is at work: few at first, then this. */
const LOOK_MS = { first: 250, most: 3000 } as const;

/** Seconds that `--wait` means; 0 where it was not given. */
export function waitSeconds({ wait }: Pick<CarryOutOptions, 'wait'>): number {
  return wait === true ? WAIT_SEC : wait === false ? 0 : (wait ?? 0);
}

/** Plans to carry out, or hosts that could not be read again. */
export interface Awaited {
  readonly plans: readonly HostPlan[];
  readonly failed: readonly string[];
}

/**
 * With `--wait`: waits for the runs of others that are at work, and plans for their hosts again. What a plan sees in the
 * middle of another run is neither the host before it nor the host after it.
 */
export async function awaitOthers(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  options: CarryOutOptions,
): Promise<Awaited> {
  const until = shell.now() + waitSeconds(options) * 1000;
  const busy = plans.filter(({ observed: { open } }) => open?.running === true);
  if (busy.length === 0 || waitSeconds(options) === 0) return { plans, failed: [] };
  await fleet.each(
    busy.map(({ host }) => host),
    async (host) => {
      const open = busy.find((plan) => plan.host === host)?.observed.open ?? null;
      await untilFree(shell, fleet, host, open, until);
    },
  );
  return planAgain(shell, fleet, plans, busy, options);
}

/** The same plans, with new ones in the place of `stale`. */
export async function planAgain(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  stale: readonly HostPlan[],
  options: CarryOutOptions,
): Promise<Awaited> {
  const again = await plansOf(
    shell,
    fleet,
    stale.map(({ manifest }) => manifest),
    options,
  );
  const renewed = new Map(again.plans.map((plan) => [plan.host, plan]));
  return {
    plans: plans
      .filter(({ host }) => !again.failed.includes(host))
      .map((plan) => renewed.get(plan.host) ?? plan),
    failed: again.failed,
  };
}

/** Returns when nothing is at work on the host any more, when the time is over, or after Ctrl-C. */
async function untilFree(
  shell: Shell,
  fleet: Fleet,
  host: string,
  first: OpenTransaction | null,
  until: number,
): Promise<void> {
  let open = first;
  const told = new Set(['']);
  for (let pause: number = LOOK_MS.first; open?.running === true; pause = Math.min(pause * 2, LOOK_MS.most)) {
    if (open === first) {
      const said = `waiting for ${open.who}, who is applying since ${open.since}`;
      shell.err.write(`${host}: ${visible(said)}\n`);
    }
    const when = heldText(open);
    if (!told.has(when)) {
      shell.err.write(`${host}: ${visible(when)}\n`);
      told.add(when);
    }
    if (shell.signal.aborted || shell.now() >= until) return;
    await sleep(Math.min(pause, Math.max(until - shell.now(), 1)));
    ({ open } = await fleet.engine.observe(await fleet.transport(host), host, fleet.readOptions(host)));
  }
}
