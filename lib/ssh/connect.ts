import type { Duplex } from 'node:stream';
import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { forwardAdvice } from './by-hand.js';
import { DroppedAgain } from './dropped.js';
import { SshError, type SshFault, type SshParty, type SshStep } from './errors.js';
import { runExec } from './exec.js';
import { HostKeySearch } from './host-key.js';
import { prepareCredentials } from './identity.js';
import { hasRoom, NO_ROOM } from './internals.js';
import { formatSeconds, startLimit, withReject } from './limit.js';
import { loadSsh2 } from './load.js';
import { type Shared, SshPool } from './pool.js';
import { establish, type Progress, type Session } from './session.js';
import { Slots } from './slots.js';
import { connected, openTcp, tcpFault } from './tcp.js';
import { type ConnectOptions, hopsOf, type SshConnection, type SshEndpoint, wayOf } from './types.js';
import { startWaits, type Waits } from './waits.js';

/** Commands at a time on one connection; sshd's MaxSessions is 10 by default. */
const CHANNELS = 8;
const KEEPALIVE_SEC = 10;

/**
 * Connects, checks the host's key against the pinned ones and logs in; over jump hosts the same is done there first, once
 * for all hosts of the pool behind them. Nothing is sent to a machine whose key is not pinned.
 *
 * @throws SshError with the step that failed, within `deadlineSec` for each machine
 */
export async function connect(options: ConnectOptions): Promise<SshConnection> {
  const pool = options.pool ?? new SshPool();
  const hops = hopsOf(options.jump);
  const leave = await enterPool(pool, options);
  try {
    return connectionOver(await reach(options, options, hops, pool));
  } finally {
    leave();
  }
}

/** Waits for this log-in's turn. */
export async function enterPool(pool: SshPool, options: ConnectOptions): Promise<() => void> {
  if (options.urgent === true) return () => undefined;
  const { host, signal } = options;
  const aborted = withReject();
  const giveUp = (): void =>
    aborted.reject(limitError('aborted', { party: partyOf(host, options), step: 'tcp connect' }, 0));
  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await pool.enter(wayOf(hopsOf(options.jump)), aborted.promise);
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** A machine that was logged in to, over those in between. */
interface Link extends Shared {
  readonly session: Session;
}

/** @param hops the machines in between, nearest to us first */
async function reach(
  options: ConnectOptions,
  endpoint: SshEndpoint,
  hops: readonly SshEndpoint[],
  pool: SshPool,
): Promise<Link> {
  const last = hops.at(-1);
  const jumpName = `${options.host} via jump host`;
  const lease =
    last === undefined
      ? undefined
      : await pool
          .share(wayOf(hops), () => reach(options, last, hops.slice(0, -1), pool))
          .catch((error: unknown): never => {
            throw error instanceof SshError && error.host !== jumpName ? error.of(jumpName) : error;
          });
  try {
    const party = partyOf(endpoint === options ? options.host : jumpName, endpoint);
    const session = await logIn(options, endpoint, party, lease?.value.session);
    return {
      session,
      ended: () => session.ended() !== undefined,
      close: async () => {
        await session.close();
        await lease?.release();
      },
    };
  } catch (error) {
    await lease?.release();
    throw error;
  }
}

/** One machine, over the session of the one before it. */
async function logIn(
  options: ConnectOptions,
  endpoint: SshEndpoint,
  party: SshParty,
  before: Session | undefined,
): Promise<Session> {
  const progress: Progress = { party, step: 'tcp connect' };
  const opened: { destroy(): void }[] = [];
  // It may be called off at once, before there is anything to wait for.
  const begun: { waits?: Waits } = {};
  const limit = startLimit(options.deadlineSec, options.signal, (kind) =>
    limitError(kind, progress, options.deadlineSec, begun.waits?.asked),
  );
  const waits = startWaits({
    limit,
    onWait: options.onWait,
    fail: (what, seconds) => new SshError(progress.party, waitFault(progress.step, what, seconds)),
  });
  begun.waits = waits;
  try {
    const work = logInWithin(options, endpoint, before, progress, opened, waits);
    return await Promise.race([work, limit.expired, waits.expired]);
  } catch (error) {
    for (const stream of opened.reverse()) stream.destroy();
    throw error;
  } finally {
    limit.stop();
    waits.stop();
  }
}

/** There was no answer for too long: not the host's fault. */
function waitFault(step: SshStep, what: string, seconds: number): SshFault {
  return {
    step: step === 'tcp connect' ? 'identity' : step,
    kind: 'identity',
    got: `this side waited ${formatSeconds(seconds)} for ${what}`,
    fix: 'It may want a touch, a PIN, a confirmation or to be unlocked: answer it; or name a private key file as identityFile',
  };
}

/** A host seems to hang up where the machine before it has: until that is seen too. */
const LOSS_SEEN_MS = 100;

async function logInWithin(
  options: ConnectOptions,
  endpoint: SshEndpoint,
  before: Session | undefined,
  progress: Progress,
  opened: { destroy(): void }[],
  waits: Waits,
): Promise<Session> {
  const { party } = progress;
  const direct = (): (() => Promise<Duplex>) => {
    const socket = openTcp(party.address, party.port);
    opened.push(socket);
    const answer = connected(socket);
    answer.catch(() => undefined);
    return async () => {
      try {
        await answer;
      } catch (error) {
        throw new SshError(party, tcpFault(error, party.address), { cause: error });
      }
      return socket;
    };
  };
  const through = (between: Session) => async (): Promise<Duplex> => {
    const stream = await Promise.race([forward(between, party), between.lost]);
    opened.push(stream);
    return stream;
  };
  const open = (): (() => Promise<Duplex>) => (before === undefined ? direct() : through(before));

  // The kernel shakes hands while ssh2 is being loaded and the key is being read.
  let stream = open();
  const ssh2 = await loadSsh2();
  const keepaliveSec = options.keepaliveSec ?? KEEPALIVE_SEC;
  const credentials = await prepareCredentials(ssh2, party, endpoint.auth, waits);
  const search = new HostKeySearch(endpoint.hostKeys);
  const dropped = new DroppedAgain(options.deadlineSec);
  for (; ; stream = open()) {
    try {
      return await establish(ssh2, await stream(), progress, { search, credentials, keepaliveSec, waits });
    } catch (error) {
      for (const each of opened.splice(0)) each.destroy();
      if (before !== undefined && error instanceof SshError && error.kind === 'connection-lost')
        await Promise.race([before.lost, setTimeoutAsync(LOSS_SEEN_MS)]);
      // Another type of key may be the pinned one. Nothing was sent to whoever answered, and nothing will be without a pin.
      const unpinned = error instanceof SshError && error.hostKey !== undefined;
      if (!unpinned || search.algorithms.length === 0) {
        if (!(error instanceof SshError)) throw error;
        if (error.dropped !== undefined) progress.dropped = error;
        await dropped.wait(error);
        if (waits.signal.aborted) throw error;
      }
      progress.step = 'tcp connect';
    }
  }
}

/** A TCP connection that starts on the jump host. */
function forward(between: Session, target: SshParty): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    between.client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, stream) => {
      if (error === undefined && hasRoom(stream)) {
        resolve(stream);
        return;
      }
      const words = error?.message ?? NO_ROOM;
      const got = `the jump host ${between.party.address} cannot reach it (${words.replace(/^\(SSH\) /, '')})`;
      const fix = forwardAdvice('on the jump host', target);
      reject(new SshError(target, { step: 'tcp connect', kind: 'unreachable', got, fix }, { cause: error }));
    });
  });
}

function connectionOver(link: Link): SshConnection {
  const { session } = link;
  const slots = new Slots(CHANNELS);
  return {
    party: session.party,
    serverVersion: session.serverVersion,
    get hostKeys() {
      return session.hostKeys;
    },
    exec: (command, options) => runExec(session, slots, command, options),
    close: once(() => link.close()),
  };
}

/** What closes twice gives a share back once. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

function partyOf(host: string, endpoint: SshEndpoint): SshParty {
  return { host, user: endpoint.user, address: endpoint.address, port: endpoint.port };
}

/** Whether a server that is busy may still drop the connection. */
export function isBeforeLogIn(step: SshStep): boolean {
  return step === 'tcp connect' || step === 'key exchange';
}

/** The error of an attempt that ran out of time or was called off. @param waitedFor an answer, when it was called off */
export function limitError(
  kind: 'timeout' | 'aborted',
  progress: Progress,
  deadlineSec: number,
  waitedFor?: string,
): SshError {
  const { step } = progress;
  if (kind === 'timeout' && progress.dropped !== undefined && isBeforeLogIn(step)) return progress.dropped;
  const fault: SshFault =
    kind === 'aborted'
      ? {
          step,
          kind,
          got: `given up on request${waitedFor === undefined ? '' : `, while this side waited for ${waitedFor}`}`,
          fix: 'Nothing was changed on the host; run it again',
          ...(waitedFor !== undefined && { waitedFor }),
        }
      : { step, kind, got: `no answer within ${formatSeconds(deadlineSec)}`, fix: timeoutFix(progress) };
  return new SshError(progress.party, fault);
}

function timeoutFix(progress: Progress): string {
  switch (progress.step) {
    case 'tcp connect':
      return 'Check that the host is on, that the address is right, and the network and firewalls between';
    case 'key exchange':
      return 'The port is open but nothing speaks SSH there in time: look at the load of the host and at sshd';
    default:
      return 'The host stopped answering while logging in: look at its load, its disks and its user database';
  }
}
