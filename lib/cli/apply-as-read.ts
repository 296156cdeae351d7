import type { HostPlan } from '../engine/model.js';
import type { HostManifest } from '../manifest/index.js';
import { applyOne, longest, type Ended } from './apply-one.js';
import { waitSeconds } from './await-others.js';
import type { CarryOutOptions } from './carry-out-options.js';
import { codeOf, EXIT } from './exit-code.js';
import type { Fleet, Outcome } from './fleet.js';
import { sayHowToLeave } from './how-to-leave.js';
import { startProgress } from './progress/start.js';
import { isForProgram, resultLines } from './result-lines.js';
import type { Shell } from './shell.js';
import { whileSilent } from './silence/planned-work.js';
import { needsApply } from './text/plan.js';
import { resultJson } from './text/plan-json.js';
import { PlansAsTheyCome } from './text/plans-as-they-come.js';
import { errorText } from './text/problems.js';
import { styleFor } from './text/style.js';

/** What became of hosts that were applied to as soon as they had been read. */
export interface AppliedAsRead {
  readonly ended: readonly Outcome<Ended>[];
  /** Hosts that were to be left alone when the run was asked to stop. */
  readonly notBegun: readonly string[];
  /** Plans of hosts where another run is at work, or was interrupted: nothing was done yet. */
  readonly plans: readonly HostPlan[];
  /** Hosts that could not be read; why is on standard error already. */
  readonly failed: readonly string[];
}

/** Whether a host need not wait for the others to be read: no one is asked, and no wave is counted. */
export function isAppliedAsRead(options: CarryOutOptions): boolean {
  const { yes, canary, batch, maxFailures } = options;
  const waves = canary !== undefined || batch !== undefined || maxFailures !== undefined;
  return yes === true && !waves && waitSeconds(options) === 0;
}

/** Reads each host and carries its plan out at once, so that a host which is slow or hangs delays itself alone. */
export async function applyAsRead(
  shell: Shell,
  fleet: Fleet,
  manifests: readonly HostManifest[],
  options: CarryOutOptions,
): Promise<AppliedAsRead> {
  const byHost = new Map(manifests.map((manifest) => [manifest.host, manifest]));
  const hosts = [...byHost.keys()];
  const progress = startProgress(shell, hosts, true, options, fleet.inventory);
  const lines = resultLines(shell, options);
  const shown = new PlansAsTheyCome(styleFor(shell.out, shell, options));
  const leaving = sayHowToLeave(shell, hosts);
  const notBegun: string[] = [];
  const plans: HostPlan[] = [];
  const unread: Outcome<never>[] = [];
  const show = async (plan: HostPlan): Promise<void> => {
    const text = shown.add(plan, { where: (await fleet.transport(plan.host)).description });
    if (!isForProgram(options) && text !== '') progress.above(() => shell.out.write(text));
  };
  const read = async (host: string): Promise<HostPlan | undefined> => {
    progress.update(host, 'reading', false);
    try {
      const plan = await fleet.plan(byHost.get(host) as HostManifest);
      if (plan.observed.open === null) return plan;
      plans.push(plan);
      progress.done(host, 'waits for the end of another run', true, false);
    } catch (error) {
      unread.push({ host, error });
      lines.failed(host, error);
      progress.done(host, 'could not be read', false, false);
    }
    return undefined;
  };
  const carryOut = async (plan: HostPlan): Promise<Ended> => {
    const { host } = plan;
    await show(plan);
    const taken = plan.unitActions.length > 0 ? [host] : [];
    const result = await whileSilent(
      shell,
      fleet,
      { hosts: taken, what: 'apply', seconds: () => longest(fleet, host, 0) },
      () => applyOne(shell, fleet, plan, 0, (text) => progress.update(host, text)),
    );
    const good = codeOf(result.outcome) === EXIT.ok;
    const works = needsApply(plan);
    progress.done(host, works ? (good ? 'done' : result.outcome) : 'nothing to do', good, works);
    return { plan, result };
  };
  const outcomes = await fleet.each(hosts, async (host) => {
    if (shell.signal.aborted) {
      notBegun.push(host);
      return undefined;
    }
    const plan = await read(host);
    if (plan === undefined) return undefined;
    try {
      const ended = await carryOut(plan);
      lines.result(host, resultJson(ended));
      return ended;
    } catch (error) {
      lines.failed(host, error);
      throw error;
    }
  });
  leaving.stop();
  await progress.stop();
  if (!isForProgram(options)) shell.out.write(shown.rest());
  for (const each of unread) if ('error' in each) shell.err.write(errorText(each.error, shell));
  const ended = outcomes.filter(
    (each): each is Outcome<Ended> => 'error' in each || each.value !== undefined,
  );
  return { ended, notBegun, plans, failed: unread.map(({ host }) => host) };
}
