import { retentionOf } from '../engine/apply/retention.js';
import type { ApplyResult, HostPlan } from '../engine/model.js';
import { CitadelError } from '../manifest/index.js';
import { codeOf, EXIT, worstOf, type ExitCode } from './exit-code.js';
import type { Fleet } from './fleet.js';
import { startProgress } from './progress/start.js';
import type { CommonOptions, Shell } from './shell.js';
import { jsonText, resultsJson } from './text/plan-json.js';
import { needsApply, planText } from './text/plan.js';
import { errorText } from './text/problems.js';
import { progressText } from './text/progress.js';
import { resultText } from './text/result.js';
import { colourFor } from './text/colour.js';
import { plural, styleFor } from './text/style.js';

export interface CarryOutOptions extends CommonOptions {
  readonly yes?: boolean;
  /** `--wait` alone, or with seconds. */
  readonly wait?: boolean | number;
}

/** How long `--wait` alone waits for another run to end. */
const WAIT_SEC = 3600;

/**
 * Shows plans, asks, and carries them out on all hosts at the same time.
 *
 * @param verb for the question: `Apply`, `Roll back`
 */
export async function carryOut(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  options: CarryOutOptions,
  verb: string,
): Promise<ExitCode> {
  const todo = plans.filter(needsApply);
  await showPlans(shell, fleet, plans, options);
  if (todo.length > 0 && options.yes !== true && !(await mayGoOn(shell, todo, verb, options))) {
    shell.err.write('Nothing was changed.\n');
    return EXIT.error;
  }

  const byHost = new Map(plans.map((plan) => [plan.host, plan]));
  const progress = startProgress(
    shell,
    todo.map(({ host }) => host),
    true,
    options,
  );
  const leaving = sayHowToLeave(shell, todo);
  const outcomes = await fleet.each([...byHost.keys()], async (host) => {
    const plan = byHost.get(host) as HostPlan;
    const result = await applyOne(shell, fleet, plan, options, (text) => progress.update(host, text));
    const good = codeOf(result.outcome) === EXIT.ok;
    if (needsApply(plan)) progress.done(host, good ? 'done' : result.outcome, good);
    return { plan, result };
  });
  leaving.stop();
  await progress.stop();
  return report(shell, outcomes, options);
}

type Ended = { readonly plan: HostPlan; readonly result: ApplyResult };

/** Carries out one plan over the fleet's connection. */
export async function applyOne(
  shell: Shell,
  fleet: Fleet,
  plan: HostPlan,
  options: CarryOutOptions,
  say: (text: string) => void,
): Promise<ApplyResult> {
  const target = fleet.target(plan.host);
  const transport = await fleet.transport(plan.host);
  return fleet.engine.apply(transport, plan, {
    who: shell.who,
    waitSec: options.wait === true ? WAIT_SEC : options.wait === false ? 0 : (options.wait ?? 0),
    ...('applyTimeoutSec' in target && {
      applyTimeoutSec: target.applyTimeoutSec,
      confirmTimeoutSec: target.confirmTimeoutSec,
      retention: retentionOf(target),
    }),
    onProgress: (line) => {
      const text = progressText(line);
      if (text !== undefined) say(text);
    },
    signal: shell.signal,
  });
}

/** On standard output for a person; beside JSON, on standard error and only if somebody is asked about them. */
async function showPlans(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  options: CarryOutOptions,
): Promise<void> {
  const json = options.json === true;
  if (json && options.yes === true) return;
  const sink = json ? shell.err : shell.out;
  for (const plan of plans) {
    const { description: where } = await fleet.transport(plan.host);
    sink.write(`${planText(plan, { where }, styleFor(sink, shell, options))}\n`);
  }
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
      got: 'there are changes to make, and nobody to ask: this is not a terminal; nothing was changed',
      fix: 'Look at the plan above, and run the command again with --yes.',
    });
  }
  const count = todo.reduce((sum, plan) => sum + plan.changes.length, 0);
  const hosts = todo.map(({ host }) => host).join(' and ');
  const question =
    count === 0
      ? `No item differs. Write this down as a new generation on ${hosts}?`
      : `${verb} ${plural(count, 'change')} on ${hosts}?`;
  return shell.confirm(question, colourFor(shell.err, shell, options));
}

/** What Ctrl-C does and does not do, said at the moment when somebody presses it. */
function sayHowToLeave(shell: Shell, todo: readonly HostPlan[]): { stop(): void } {
  const say = (): void => {
    const hosts = todo.map(({ host }) => host).join(' ');
    shell.err.write(
      `\nAsked to stop. A host where nothing was touched yet stops; any other finishes or undoes by itself, with or ` +
        `without this terminal.\nWaiting for the answer; Ctrl-C again leaves at once. To look later: ` +
        `citadel-iac history ${hosts}; citadel-iac doctor ${hosts}\n`,
    );
  };
  shell.signal.addEventListener('abort', say, { once: true });
  return { stop: () => shell.signal.removeEventListener('abort', say) };
}

function report(
  shell: Shell,
  outcomes: readonly ({ host: string; value: Ended } | { host: string; error: unknown })[],
  options: CarryOutOptions,
): ExitCode {
  const style = styleFor(shell.out, shell, options);
  const ended: Ended[] = [];
  const codes: ExitCode[] = [];
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      shell.err.write(errorText(outcome.error, shell.env));
      codes.push(EXIT.error);
      continue;
    }
    ended.push(outcome.value);
    codes.push(codeOf(outcome.value.result.outcome));
    if (options.json !== true) shell.out.write(resultText(outcome.value.result, style));
  }
  if (options.json === true) shell.out.write(jsonText(resultsJson(ended)));
  return worstOf(codes);
}
