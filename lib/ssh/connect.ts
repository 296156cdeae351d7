import type { Duplex } from 'node:stream';
import { SshError, type SshFault, type SshParty } from './errors.js';
import { runExec } from './exec.js';
import { prepareCredentials } from './identity.js';
import { formatSeconds, startLimit } from './limit.js';
import { loadSsh2 } from './load.js';
import { establish, type Progress, type Session } from './session.js';
import { Slots } from './slots.js';
import { connected, openTcp, tcpFault } from './tcp.js';
import type { ConnectOptions, SshConnection, SshEndpoint } from './types.js';

/** Commands at a time on one connection; sshd's MaxSessions is 10 by default. */
const CHANNELS = 8;
const KEEPALIVE_SEC = 10;

/**
 * Connects, checks the host's key against the pinned ones and logs in; over a jump host the same is done there first.
 * Nothing is sent to a machine whose key is not pinned.
 *
 * @throws SshError with the step that failed, within `deadlineSec`
 */
export async function connect(options: ConnectOptions): Promise<SshConnection> {
  const target = partyOf(options.host, options);
  const first = options.jump === undefined ? target : partyOf(`${options.host} via jump host`, options.jump);
  const progress: Progress = { party: first, step: 'tcp connect' };
  const opened: { destroy(): void }[] = [];
  const limit = startLimit(options.deadlineSec, options.signal, (kind) =>
    limitError(kind, progress, options.deadlineSec),
  );
  try {
    return await Promise.race([connectWithin(options, target, progress, opened), limit.expired]);
  } catch (error) {
    for (const stream of opened.reverse()) stream.destroy();
    throw error;
  } finally {
    limit.stop();
  }
}

async function connectWithin(
  options: ConnectOptions,
  target: SshParty,
  progress: Progress,
  opened: { destroy(): void }[],
): Promise<SshConnection> {
  const { jump } = options;
  // The kernel shakes hands while ssh2 is being loaded and the key is being read.
  const socket = openTcp(progress.party.address, progress.party.port);
  opened.push(socket);
  const answer = connected(socket);
  answer.catch(() => undefined);
  const ssh2 = await loadSsh2();
  const keepaliveSec = options.keepaliveSec ?? KEEPALIVE_SEC;

  const login = async (endpoint: SshEndpoint, stream: () => Promise<Duplex>): Promise<Session> => {
    const credentials = await prepareCredentials(ssh2, progress.party, endpoint.auth);
    return establish(ssh2, await stream(), progress, {
      hostKeys: endpoint.hostKeys,
      credentials,
      keepaliveSec,
    });
  };
  const direct = async (): Promise<Duplex> => {
    try {
      await answer;
    } catch (error) {
      throw new SshError(progress.party, tcpFault(error), { cause: error });
    }
    return socket;
  };

  if (jump === undefined) return connectionOver([await login(options, direct)]);
  const between = await login(jump, direct);
  progress.party = target;
  progress.step = 'tcp connect';
  const session = await login(options, async () => {
    const stream = await Promise.race([forward(between, target), between.lost]);
    opened.push(stream);
    return stream;
  });
  return connectionOver([session, between]);
}

/** A TCP connection that starts on the jump host. */
function forward(between: Session, target: SshParty): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    between.client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, stream) => {
      if (error === undefined) {
        resolve(stream);
        return;
      }
      const got = `the jump host ${between.party.address} cannot reach it (${error.message.replace(/^\(SSH\) /, '')})`;
      const fix = `Try "nc -vz ${target.address} ${String(target.port)}" on the jump host, and AllowTcpForwarding in its sshd_config`;
      reject(new SshError(target, { step: 'tcp connect', kind: 'unreachable', got, fix }, { cause: error }));
    });
  });
}

/** @param sessions the one that runs commands, then those it runs through */
function connectionOver(sessions: readonly [Session, ...Session[]]): SshConnection {
  const [session] = sessions;
  const slots = new Slots(CHANNELS);
  return {
    party: session.party,
    serverVersion: session.serverVersion,
    exec: (command, options) => runExec(session, slots, command, options),
    async close(): Promise<void> {
      for (const each of sessions) await each.close();
    },
  };
}

function partyOf(host: string, endpoint: SshEndpoint): SshParty {
  return { host, user: endpoint.user, address: endpoint.address, port: endpoint.port };
}

/** The error of an attempt that ran out of time or was called off. */
export function limitError(kind: 'timeout' | 'aborted', progress: Progress, deadlineSec: number): SshError {
  const { step } = progress;
  const fault: SshFault =
    kind === 'aborted'
      ? { step, kind, got: 'given up on request', fix: 'Nothing was changed on the host; run it again' }
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
