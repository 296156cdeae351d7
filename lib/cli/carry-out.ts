import type { ApplyResult, HostPlan } from '../engine/model.js';
import { CitadelError } from '../manifest/index.js';
import { applyOne, longest, type Ended } from './apply-one.js';
import { planAgain, waitSeconds } from './await-others.js';
import type { CarryOutOptions } from './carry-out-options.js';
import { codeOf, EXIT, worstOf, type ExitCode } from './exit-code.js';
import type { Fleet, Outcome } from './fleet.js';
import { sayHowToLeave } from './how-to-leave.js';
import { startProgress } from './progress/start.js';
import { isForProgram, resultLines } from './result-lines.js';
import type { Shell } from './shell.js';
import { inWaves, type WaveResult } from './waves.js';
import { whileSilent } from './silence/planned-work.js';
import { jsonText, resultJson, resultsJson } from './text/plan-json.js';
import { needsApply } from './text/plan.js';
import { plansText } from './text/plans.js';
import { hostsText } from './text/hosts.js';
import { errorText } from './text/problems.js';
import { resultsText } from './text/result.js';
import { colourFor } from './text/colour.js';
import { plural, styleFor } from './text/style.js';

/** How it ended: for the process, and by host for the next run. */
export interface CarriedOut {
  readonly code: ExitCode;
  readonly done: readonly string[];
  readonly failed: readonly string[];
  readonly notBegun: readonly string[];
}

/**
 * Shows plans, asks, and carries them out, on all hosts at the same time or in waves. With `--wait`, a host that another run has
 * changed meanwhile is planned for again, and its new plan is shown and asked about as the first.
 *
 * @param verb for the question: `Apply`, `Roll back`
 * @param tell adds what a plan's reader should know
 * @param before hosts that this run is through with, for the report
 */
export async function carryOut(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  options: CarryOutOptions,
  verb: string,
  tell: (plan: HostPlan) => HostPlan = (plan) => plan,
  before: Pick<WaveResult<Ended>, 'outcomes' | 'notBegun'> = { outcomes: [], notBegun: [] },
): Promise<CarriedOut> {
  const until = shell.now() + waitSeconds(options) * 1000;
  const leftSec = (): number => Math.max(0, Math.ceil((until - shell.now()) / 1000));
  const ended = new Map(before.outcomes.map((outcome) => [outcome.host, outcome]));
  let codes: readonly ExitCode[] = [];
  let { notBegun } = before;
  for (let round = plans.map(tell); round.length > 0;) {
    const carried = await carryOutOnce(shell, fleet, round, options, verb, leftSec());
    if (carried === undefined) {
      shell.err.write('Nothing was changed.\n');
      if (ended.size === 0) return { code: EXIT.error, done: [], failed: [], notBegun: [] };
      break;
    }
    const { outcomes } = carried;
    notBegun = [...before.notBegun, ...carried.notBegun];
    for (const outcome of outcomes) ended.set(outcome.host, outcome);
    const stale = outcomes.flatMap((outcome) =>
      'value' in outcome && isStale(outcome.value.result) ? [outcome.value] : [],
    );
    if (stale.length === 0 || leftSec() === 0 || shell.signal.aborted || notBegun.length > 0) break;
    for (const { plan } of stale) {
      shell.err.write(`${plan.host}: was changed after the plan was made; planning again\n`);
    }
    const old = stale.map(({ plan }) => plan);
    const again = await planAgain(shell, fleet, old, old, options);
    if (again.failed.length > 0) codes = [EXIT.error];
    round = again.plans.map(tell);
  }
  const outcomes = [...ended.values()];
  const failed = outcomes.flatMap((each) => (isGood(each) ? [] : [each.host]));
  const done = outcomes.flatMap((each) => (isGood(each) ? [each.host] : []));
  const code = worstOf([
    ...codes,
    ...notBegun.map((): ExitCode => EXIT.error),
    report(shell, outcomes, notBegun, options),
  ]);
  return { code, done, failed, notBegun };
}

function isGood(outcome: Outcome<Ended>): boolean {
  return 'value' in outcome && codeOf(outcome.value.result.outcome) === EXIT.ok;
}

/** The host refused because it is not as the plan saw it any more. */
function isStale({ outcome, failure }: ApplyResult): boolean {
  return outcome === 'refused' && failure?.step === 'compare';
}

/** @returns `undefined` when the answer was no */
async function carryOutOnce(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  options: CarryOutOptions,
  verb: string,
  waitSec: number,
): Promise<WaveResult<Ended> | undefined> {
  const todo = plans.filter(needsApply);
  await showPlans(shell, fleet, plans, options);
  if (todo.length > 0 && options.yes !== true && !(await mayGoOn(shell, todo, verb, options)))
    return undefined;

  const byHost = new Map(plans.map((plan) => [plan.host, plan]));
  const progress = startProgress(
    shell,
    todo.map(({ host }) => host),
    true,
    options,
    fleet.inventory,
  );
  const leaving = sayHowToLeave(
    shell,
    todo.map(({ host }) => host),
  );
  const lines = resultLines(shell, options);
  const work = async (host: string): Promise<Ended> => {
    const plan = byHost.get(host) as HostPlan;
    const result = await applyOne(shell, fleet, plan, waitSec, (text) => progress.update(host, text)).catch(
      (error: unknown) => {
        lines.failed(host, error);
        throw error;
      },
    );
    lines.result(host, resultJson({ plan, result }));
    const good = codeOf(result.outcome) === EXIT.ok;
    if (needsApply(plan)) progress.done(host, good ? 'done' : result.outcome, good);
    return { plan, result };
  };
  // A host with nothing to do proves nothing as a canary.
  const idle = plans.filter((plan) => !needsApply(plan)).map(({ host }) => host);
  const unchanged = await fleet.each(idle, work);
  const taken = new Set(todo.filter(({ unitActions }) => unitActions.length > 0).map(({ host }) => host));
  const silently: Fleet['each'] = (hosts, of) =>
    whileSilent(
      shell,
      fleet,
      {
        hosts: hosts.filter((host) => taken.has(host)),
        what: verb.toLowerCase(),
        seconds: (host) => longest(fleet, host, waitSec),
      },
      () => fleet.each(hosts, of),
    );
  const carried = await inWaves(
    { each: silently },
    todo.map(({ host }) => host),
    options,
    shell.signal,
    work,
    isGood,
    (wave, number, of) => progress.say(`Wave ${number} of ${of}: ${hostsText(wave)}`),
  );
  leaving.stop();
  await progress.stop();
  sayWhyStopped(shell, carried);
  return { ...carried, outcomes: [...unchanged, ...carried.outcomes] };
}

function sayWhyStopped(shell: Shell, { notBegun, stoppedBy }: WaveResult<Ended>): void {
  if (notBegun.length === 0) return;
  const why = stoppedBy.length === 0 ? 'asked to stop' : `${stoppedBy.join(', ')} failed`;
  shell.err.write(
    `Stopped: ${why}. Not begun, and unchanged: ${notBegun.join(', ')}.\n` +
      `To go on: citadel-iac apply --on @rest (those that were not begun), --on @failed (those that failed)\n`,
  );
}

/** On standard output for a person; next to JSON, on standard error and only if someone is asked about them. */
async function showPlans(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  options: CarryOutOptions,
): Promise<void> {
  const json = isForProgram(options);
  if (json && options.yes === true) return;
  const sink = json ? shell.err : shell.out;
  const where = new Map<string, string>();
  for (const { host } of plans) where.set(host, (await fleet.transport(host)).description);
  sink.write(plansText(plans, (host) => ({ where: where.get(host) ?? '' }), styleFor(sink, shell, options)));
}

async function mayGoOn(
  shell: Shell,
  todo: readonly HostPlan[],
  verb: string,
  options: CarryOutOptions,
): Promise<boolean> {
  if (!shell.interactive) {
    throw new CitadelError({
      code: 'cli.confirm',
      path: todo.map(({ host }) => host).join(', '),
      got: 'there are changes to make, and no one to ask: this is not a terminal; nothing was changed',
      fix: 'Look at the plan above, and run the command again with --yes.',
    });
  }
  const count = todo.reduce((sum, plan) => sum + plan.changes.length, 0);
  const hosts =
    todo.length > 4 ? hostsText(todo.map(({ host }) => host)) : todo.map(({ host }) => host).join(' and ');
  const question =
    count === 0
      ? `No item differs. Write this down as a new generation on ${hosts}?`
      : `${verb} ${plural(count, 'change')} on ${hosts}?`;
  return shell.confirm(question, colourFor(shell.err, shell, options));
}

function report(
  shell: Shell,
  outcomes: readonly Outcome<Ended>[],
  notBegun: readonly string[],
  options: CarryOutOptions,
): ExitCode {
  const style = styleFor(shell.out, shell, options);
  const ended: Ended[] = [];
  const codes: ExitCode[] = [];
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      shell.err.write(errorText(outcome.error, shell));
      codes.push(EXIT.error);
      continue;
    }
    ended.push(outcome.value);
    codes.push(codeOf(outcome.value.result.outcome));
  }
  if (options.jsonLines === true) resultLines(shell, options).notBegun(notBegun);
  else if (options.json === true) shell.out.write(jsonText(resultsJson(ended, notBegun)));
  else
    shell.out.write(
      resultsText(
        ended.map(({ result }) => result),
        style,
      ),
    );
  return worstOf(codes);
}
