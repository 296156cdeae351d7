import type { HostPlan } from '../engine/model.js';
import { awaitOthers, planAgain, type Awaited } from './await-others.js';
import type { CarryOutOptions } from './carry-out-options.js';
import type { Fleet } from './fleet.js';
import type { Shell } from './shell.js';
import { colourFor } from './text/colour.js';
import { visible } from './text/style.js';

/**
 * Makes plans that fit hosts at rest. With `--wait` the runs of others are waited for first. Hosts on which a transaction
 * died half way are brought to a whole generation, as their next boot would, and planned for again: a plan of the state
 * in between fits the host no more once the transaction has been undone. Asks before, unless
 * `--yes`. Where no one is there to ask, plans stay as they are, for the words that say so.
 *
 * @returns `undefined` when the answer was no
 */
export async function recoverFirst(
  shell: Shell,
  fleet: Fleet,
  seen: readonly HostPlan[],
  options: CarryOutOptions,
): Promise<Awaited | undefined> {
  const { plans, failed } = await awaitOthers(shell, fleet, seen, options);
  const cut = plans.filter(({ observed: { open } }) => open !== null && !open.running);
  if (cut.length === 0 || (options.yes !== true && !shell.interactive)) return { plans, failed };
  for (const { host, observed } of cut) {
    const { who = '', since = '', state = '' } = observed.open ?? {};
    const said = `a transaction of ${who} from ${since} was interrupted (${state})`;
    shell.err.write(`${host}: ${visible(said)}\n`);
  }
  if (options.yes !== true) {
    const hosts = cut.map(({ host }) => host).join(' and ');
    const question = `Bring ${hosts} to a whole generation first, as a reboot would?`;
    if (!(await shell.confirm(question, colourFor(shell.err, shell, options)))) return undefined;
  }
  const ended = await fleet.each(
    cut.map(({ host }) => host),
    async (host) => {
      const plan = cut.find((each) => each.host === host) as HostPlan;
      return fleet.engine.recover(await fleet.transport(host), plan.observed);
    },
  );
  // One that could not be recovered, or not even asked, keeps its plan: the apply says what it finds there.
  const recovered = ended.flatMap((each) => ('value' in each && each.value ? [each.host] : []));
  for (const host of recovered) shell.err.write(`${host}: is at a whole generation again\n`);
  const ready = cut.filter(({ host }) => recovered.includes(host));
  const again = await planAgain(shell, fleet, plans, ready, options);
  return { plans: again.plans, failed: [...failed, ...again.failed] };
}
