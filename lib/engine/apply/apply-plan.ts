import { CitadelError } from '../../manifest/index.js';
import type { ApplyResult, HostPlan } from '../model.js';
import type { Transport } from '../transport.js';
import { stageStream } from './archive.js';
import { preparedWay } from '../back/way.js';
import type { Clock } from './clock.js';
import { Follower } from './follow.js';
import { resultOf } from './outcome.js';
import { buildPayload, type Retention, type TransactionSettings } from './payload.js';
import { OBSERVE } from '../observe/programs.js';
import { EXPECT } from '../observe/programs.js';
import { APPLY, BACK, CONTROL, TRANSACTION } from './programs.js';
import type { ProgressLine } from './progress.js';

export interface ApplyOptions {
  /** Who is at work, for the lock and the history: `anna@laptop`. */
  readonly who: string;
  /** Commit of the operator's repository, with `-dirty` where it was changed since. */
  readonly commit?: string;
  /** Version of this tool. */
  readonly tool?: string;
  /** Seconds to wait for another run to end; absent or 0: do not wait. */
  readonly waitSec?: number;
  /** Seconds that the transaction may take on the host before it undoes itself; default 1800. */
  readonly applyTimeoutSec?: number;
  /** Seconds that the host waits for a new connection after it switched; without one it undoes. Default 60. */
  readonly confirmTimeoutSec?: number;
  /** Seconds after the last check during which touched units may neither fail nor be restarted by systemd; default 5. */
  readonly settleSec?: number;
  readonly retention?: Retention;
  /** Seconds during which a host that was lost is tried again; default 120. */
  readonly reconnectSec?: number;
  readonly onProgress?: (line: ProgressLine) => void;
  /** Asks the host to stop, which it does only as long as nothing was touched. */
  readonly signal?: AbortSignal;
}

export interface ApplyDeps {
  readonly clock: Clock;
  /** Lower-case hexadecimal digits of that many random bytes. */
  readonly randomHex: (bytes: number) => string;
  /** The text that runs on the host; tests put faults into it. Default: the scripts of `remote/`. */
  readonly transactionScript?: string;
}

/**
 * Makes a host equal to a plan, in one transaction that runs on the host. The plan is all that is taken: what apply
 * does is what the plan said, and the host refuses when it is no longer as the plan saw it.
 *
 * @throws CitadelError `apply.lost` when the host could not be asked how it ended, `ssh.*` when it was never reached
 */
export async function applyPlan(
  transport: Transport,
  plan: HostPlan,
  options: ApplyOptions,
  deps: ApplyDeps,
): Promise<ApplyResult> {
  if (
    plan.changes.length === 0 &&
    plan.unitActions.length === 0 &&
    !plan.record &&
    plan.observed.open === null
  ) {
    return {
      host: plan.host,
      outcome: 'unchanged',
      generation: plan.observed.generation,
      next: 'Nothing to do; nothing was written.',
      notes: [],
    };
  }
  const settings = settingsOf(transport, plan, options, deps);
  const payload = buildPayload(plan, settings, {
    transaction: deps.transactionScript ?? TRANSACTION.script,
    expect: EXPECT.script,
    observe: OBSERVE.script,
    apply: APPLY.script,
  });
  // Before the rest: the last file of a payload proves that it arrived whole.
  const way = await preparedWay(plan);
  const files = new Map([...way, ['bin/back.sh', Buffer.from(BACK.script)] as const, ...payload]);
  const totalSec = settings.deadlineSec + settings.confirmSec + settings.waitSec + 60;
  const follower: Follower = new Follower(
    {
      id: settings.id,
      nonce: settings.nonce,
      confirm: settings.confirmSec > 0,
      deadlineSec: totalSec,
      reconnectSec: options.reconnectSec ?? 120,
      clock: deps.clock,
      onProgress: options.onProgress ?? ((): void => undefined),
    },
    transport,
    () =>
      transport.run(APPLY, stageStream(settings.id, files, options.signal), {
        deadlineSec: totalSec,
        onStdout: follower.onStdout,
      }),
  );
  const cancel = (): void => void tellHost(transport, 'cancel', settings.id);
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    const end = await follower.run();
    if (end.kind === 'told') {
      const result = resultOf(plan, settings.id, end.lines, {
        cancelled: options.signal?.aborted === true,
        ...(end.unanswered !== undefined && { unanswered: end.unanswered }),
        ...(end.met !== undefined && { met: end.met }),
      });
      if (result.outcome === 'refused' || result.outcome === 'locked')
        await tellHost(transport, 'forget', settings.id);
      return result;
    }
    throw lost(plan.host, settings.id, end.error);
  } finally {
    options.signal?.removeEventListener('abort', cancel);
  }
}

function settingsOf(
  transport: Transport,
  plan: HostPlan,
  options: ApplyOptions,
  deps: ApplyDeps,
): TransactionSettings {
  return {
    id: `${plan.digest.slice(0, 12)}-${deps.randomHex(4)}`,
    nonce: deps.randomHex(16),
    who: oneLine(options.who),
    ...(options.commit === undefined ? {} : { commit: oneLine(options.commit) }),
    ...(options.tool === undefined ? {} : { tool: oneLine(options.tool) }),
    deadlineSec: Math.ceil(options.applyTimeoutSec ?? 1800),
    confirmSec: transport.kind === 'ssh' ? Math.ceil(options.confirmTimeoutSec ?? 60) : 0,
    settleSec: options.settleSec ?? 5,
    waitSec: Math.ceil(options.waitSec ?? 0),
    ...(options.retention === undefined ? {} : { retention: options.retention }),
  };
}

/** What stands on one line of a file. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- the rule is about control characters
  return text.replace(/[\u0000-\u001f\u007f]/g, '?');
}

/** `forget`: one that never began leaves nothing; where this does not arrive, a later apply sweeps it. */
async function tellHost(transport: Transport, action: 'cancel' | 'forget', id: string): Promise<void> {
  try {
    await transport.run(CONTROL, Buffer.from(`${action}\n${id}\n\n`), { deadlineSec: 10 });
  } catch {
    // The host ends the transaction by itself, one way or the other; its own record tells which.
  }
}

function lost(host: string, id: string, cause: unknown): CitadelError {
  const words = cause instanceof Error ? cause.message : 'the connection ended';
  return new CitadelError(
    {
      code: 'apply.lost',
      path: host,
      got: `the host cannot be reached any more (${words}); transaction ${id} goes on there and ends or undoes by itself`,
      fix: 'When the host answers again, run "citadel-iac diff": it says how it ended.',
    },
    { cause },
  );
}
