import { retentionOf } from '../engine/apply/retention.js';
import type { ApplyResult, HostPlan } from '../engine/model.js';
import type { Fleet } from './fleet.js';
import type { Shell } from './shell.js';
import { progressText } from './text/progress.js';

/** A plan, and what became of it. */
export interface Ended {
  readonly plan: HostPlan;
  readonly result: ApplyResult;
}

/**
 * Carries out one plan over the fleet's connection.
 *
 * @param waitSec seconds to wait for another run to end
 */
export async function applyOne(
  shell: Shell,
  fleet: Fleet,
  plan: HostPlan,
  waitSec: number,
  say: (text: string) => void,
): Promise<ApplyResult> {
  const target = fleet.target(plan.host);
  const transport = await fleet.transport(plan.host);
  const commit = await fleet.commit();
  return fleet.engine.apply(transport, plan, {
    who: shell.who,
    tool: shell.version,
    ...(commit !== undefined && { commit }),
    waitSec,
    ...('applyTimeoutSec' in target && {
      applyTimeoutSec: target.applyTimeoutSec,
      confirmTimeoutSec: target.confirmTimeoutSec,
      ...(target.settleSec === undefined ? {} : { settleSec: target.settleSec }),
      retention: retentionOf(target),
    }),
    onProgress: (line) => {
      const text = progressText(line);
      if (text !== undefined) say(text);
    },
    signal: shell.signal,
  });
}

/** Seconds after which an apply has ended in any case. */
export function longest(fleet: Fleet, host: string, waitSec: number): number {
  const target = fleet.target(host);
  return waitSec + ('applyTimeoutSec' in target ? target.applyTimeoutSec : 3600);
}
