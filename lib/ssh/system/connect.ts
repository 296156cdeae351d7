import { enterPool, limitError } from '../connect.js';
import { SshError, type SshFault } from '../errors.js';
import { runExec } from '../exec.js';
import { withReject } from '../limit.js';
import { type Shared, SshPool } from '../pool.js';
import type { CommandSession } from '../session.js';
import { Slots } from '../slots.js';
import { type ConnectOptions, hopsOf, type SshConnection, type SshEndpoint, wayOf } from '../types.js';
import { lossFault } from './faults.js';
import { endMaster, logIn, type Master } from './log-in.js';
import type { Via } from './login.js';
import { machineOf, requireFit } from './machines.js';

/** As the built-in client: commands at a time on one connection. */
const CHANNELS = 8;
const KEEPALIVE_SEC = 10;
/** A master ends at once when it is told to; one that does not is made to. */
const END_MS = 1000;

/** Where a person may be asked on the terminal, one log-in asks at a time. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * The operator's own OpenSSH as the connection: one master logs in, with the operator's configuration, certificates, keys
 * and agents; commands are channels of it. Who is trusted is what the caller pins. The master is always a new one, in a
 * folder of its own, whatever the configuration says of ControlMaster.
 *
 * @throws SshError with the step that failed, within `deadlineSec` (and, where a person may be asked, their time)
 */
export async function connectSystem(options: ConnectOptions): Promise<SshConnection> {
  const hops = hopsOf(options.jump);
  for (const [index, endpoint] of [...hops, options].entries())
    await requireFit(machineOf(endpoint, index < hops.length ? jumpName(options) : options.host, []));
  const pool = options.pool ?? new SshPool();
  const work = async (): Promise<SshConnection> => {
    const leave = await enterPool(pool, options);
    try {
      return connectionOver(options, await reach(options, options, hops, pool));
    } finally {
      leave();
    }
  };
  if (options.person === undefined) return work();
  const before = turn;
  const mine = ownTurn(options, before).then(work);
  // Whoever gave up does not let the next one in before its turn.
  turn = Promise.allSettled([before, mine]);
  return mine;
}

/** Waits until no other log-in asks the person. */
async function ownTurn(options: ConnectOptions, before: Promise<unknown>): Promise<void> {
  const { host, user, address, port, signal } = options;
  const aborted = withReject();
  const giveUp = (): void => {
    const progress = { party: { host, user, address, port }, step: 'identity' } as const;
    aborted.reject(limitError('aborted', progress, 0, 'another log-in, which asks on the same terminal'));
  };
  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await Promise.race([before, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

function jumpName({ host }: ConnectOptions): string {
  return `${host} via jump host`;
}

/** A machine that was logged in to, over those in between. */
interface Link extends Shared {
  readonly master: Master;
  readonly address: string;
  /** Called when it has ended by itself or by {@link Shared.close}, while its log can still be read. */
  onEnd: () => void;
}

/** @param hops the machines in between, nearest to us first; each is one master for all who come through it */
async function reach(
  options: ConnectOptions,
  endpoint: SshEndpoint,
  hops: readonly SshEndpoint[],
  pool: SshPool,
): Promise<Link> {
  const last = hops.at(-1);
  const name = jumpName(options);
  const lease =
    last === undefined
      ? undefined
      : await pool
          .share(`system ${wayOf(hops)}`, () => reach(options, last, hops.slice(0, -1), pool))
          .catch((error: unknown): never => {
            throw error instanceof SshError && error.host !== name ? error.of(name) : error;
          });
  try {
    const machine = machineOf(endpoint, endpoint === options ? options.host : name, hops);
    const via: Via | undefined =
      lease === undefined
        ? undefined
        : {
            socket: lease.value.master.login.socket,
            address: lease.value.address,
            seen: () => lease.value.master.login.seen(),
          };
    const master = await logIn(options, machine, via, options.keepaliveSec ?? KEEPALIVE_SEC);
    let ended = false;
    const over = master.mux.closed.then(async () => {
      ended = true;
      link.onEnd();
      master.left.clear();
      await lease?.release();
    });
    const link: Link = {
      master,
      address: endpoint.address,
      onEnd: () => undefined,
      ended: () => ended,
      close: async () => {
        if (!ended) endMaster(master.mux.pid, 'SIGTERM');
        const timer = setTimeout(() => {
          endMaster(master.mux.pid, 'SIGKILL');
          master.mux.close();
        }, END_MS);
        await over;
        clearTimeout(timer);
      },
    };
    return link;
  } catch (error) {
    await lease?.release();
    throw error;
  }
}

function connectionOver(options: ConnectOptions, link: Link): SshConnection {
  const { mux, login } = link.master;
  const keepaliveSec = options.keepaliveSec ?? KEEPALIVE_SEC;
  const { host, user, address, port } = options;
  const party = { host, user, address, port };
  const { serverVersion, target: reached } = login.seen();
  const eager = serverVersion.startsWith('OpenSSH');
  const lost = withReject();
  let end: SshError | undefined;
  const finish = (fault: SshFault): void => {
    end ??= new SshError(party, fault);
    lost.reject(end);
  };
  link.onEnd = () => {
    if (end === undefined) finish(lossFault(login.seen(), keepaliveSec));
  };
  if (link.ended()) link.onEnd();
  const session: CommandSession = {
    party,
    lost: lost.promise,
    ended: () => end,
    open: (request) => mux.run(request, eager),
  };
  const slots = new Slots(CHANNELS);
  return {
    party,
    serverVersion,
    reached,
    exec: (command, options) => runExec(session, slots, command, options),
    async close(): Promise<void> {
      finish(CLOSED);
      await link.close();
    },
  };
}

const CLOSED: SshFault = {
  step: 'exec',
  kind: 'connection-lost',
  got: 'the connection was closed',
  fix: 'Connect again; what the host was asked to do may have been done or not',
};
