import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { type HostKeyAlgorithm, offeredAlgorithms } from './algorithms.js';
import { type OfferedHostKey, SshError, type SshFault, type SshParty, type SshStep } from './errors.js';
import { describeHostKey, judgeHostKey } from './host-key.js';
import type { Credentials } from './identity.js';
import { authenticateAtOnce, ignoreOtherHostKeys, serverVersion } from './internals.js';
import { formatSeconds, withReject } from './limit.js';
import type { Ssh2 } from './load.js';
import { errorCode } from './tcp.js';

/** Where a connection attempt has got to, for the message when its deadline passes. */
export interface Progress {
  party: SshParty;
  step: SshStep;
}

/** A verified, authenticated connection to one machine. */
export interface Session {
  readonly party: SshParty;
  readonly client: Client;
  readonly serverVersion: string;
  /** Never resolves; rejects when the connection has ended. */
  readonly lost: Promise<never>;
  /** Why the connection ended; `undefined` while it stands. */
  ended(): SshError | undefined;
  /** Says goodbye without waiting for an answer. */
  close(): Promise<void>;
}

/** Missed signs of life until a host counts as lost. */
const KEEPALIVE_COUNT = 3;

export interface SessionOptions {
  readonly hostKeys: readonly string[];
  readonly credentials: Credentials;
  readonly keepaliveSec: number;
}

/**
 * Key exchange, host key and authentication over a stream that reaches the machine's SSH server.
 * The host key is judged before anything of ours is sent; so it is again whenever keys are renewed.
 */
export function establish(
  ssh2: Ssh2,
  stream: Duplex,
  progress: Progress,
  options: SessionOptions,
): Promise<Session> {
  const { party } = progress;
  const client = new ssh2.Client();
  const lost = withReject();
  let end: SshError | undefined;
  let agentTrouble: string | undefined;
  progress.step = 'key exchange';

  const finish = (error: SshError): void => {
    end ??= error;
    lost.reject(end);
  };

  const ready = new Promise<void>((resolve) => {
    client.on('ready', resolve);
    client.on('handshake', () => {
      if (progress.step === 'key exchange') progress.step = 'authentication';
    });
  });
  let isReady = false;
  client.on('error', (error: Error & { level?: string }) => {
    if (error.level === 'agent') {
      agentTrouble = error.message;
      return;
    }
    const fault = isReady
      ? lossFault(error, options.keepaliveSec)
      : handshakeFault(error, progress.step, party, options.credentials, agentTrouble);
    finish(new SshError(party, fault, { cause: error }));
  });
  client.on('close', () => {
    finish(new SshError(party, isReady ? closedFault() : closedEarlyFault(progress.step)));
  });

  client.connect({
    sock: stream,
    username: party.user,
    algorithms: offeredAlgorithms() as never,
    // Our own deadline covers all steps; ssh2's would name none of them.
    readyTimeout: 0,
    keepaliveInterval: options.keepaliveSec * 1000,
    keepaliveCountMax: KEEPALIVE_COUNT,
    hostVerifier: (blob: Buffer): boolean => {
      const offered = describeHostKey(blob);
      const fault = judgeHostKey(offered, options.hostKeys);
      if (fault !== undefined) finish(new SshError(party, fault, { hostKey: offered }));
      return fault === undefined;
    },
    authHandler: onceOnly(options.credentials),
  });
  // A server that hung up at once (MaxStartups, fail2ban) did so before anyone listened for it.
  if (stream.destroyed) finish(new SshError(party, closedEarlyFault(progress.step)));
  ignoreOtherHostKeys(client);
  if (options.credentials.key !== undefined) authenticateAtOnce(client, options.credentials.key);

  const session: Session = {
    party,
    client,
    get serverVersion() {
      return serverVersion(client);
    },
    lost: lost.promise,
    ended: () => end,
    close: () => closeClient(client, stream),
  };
  return Promise.race([
    ready.then(() => {
      isReady = true;
      return session;
    }),
    lost.promise,
  ]);
}

/** One attempt with what we have, then no more: each further one counts against sshd's MaxAuthTries. */
function onceOnly(credentials: Credentials) {
  let tried = false;
  return (_left: unknown, _partial: unknown, next: (method: never) => void): void => {
    const method = tried ? false : credentials.method;
    tried = true;
    next(method as never);
  };
}

/**
 * Which key the machine offers when only this algorithm is asked for; `undefined` when it has none of that type.
 * Ends the exchange there: nothing is authenticated, nothing is sent.
 */
export function askHostKey(
  ssh2: Ssh2,
  stream: Duplex,
  progress: Progress,
  algorithm: HostKeyAlgorithm,
): Promise<OfferedHostKey | undefined> {
  const { party } = progress;
  const client = new ssh2.Client();
  progress.step = 'key exchange';
  return new Promise((resolve, reject) => {
    client.on('error', (error: Error) => {
      if (/no matching host key/i.test(error.message)) resolve(undefined);
      else reject(new SshError(party, handshakeFault(error, 'key exchange', party), { cause: error }));
    });
    client.on('close', () => reject(new SshError(party, closedEarlyFault('key exchange'))));
    client.connect({
      sock: stream,
      username: party.user,
      algorithms: offeredAlgorithms([algorithm]) as never,
      readyTimeout: 0,
      hostVerifier: (blob: Buffer): boolean => {
        resolve(describeHostKey(blob));
        return false;
      },
      authHandler: [],
    });
    if (stream.destroyed) reject(new SshError(party, closedEarlyFault('key exchange')));
  });
}

/** Flushes our goodbye into the kernel and lets go. */
function closeClient(client: Client, stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, 1000);
    function done(): void {
      clearTimeout(timer);
      stream.destroy();
      resolve();
    }
    if (stream.destroyed || stream.writableFinished) {
      done();
      return;
    }
    stream.once('finish', done);
    stream.once('close', done);
    client.end();
  });
}

const LOG_FIX = 'Look at the host\'s log ("journalctl -u ssh") for the reason';
/** sshd of OpenSSH 9.8 and newer hangs up before it says who it is (PerSourcePenalties in sshd_config(5)). */
const EARLY_FIX =
  'After some failed log-ins OpenSSH refuses an address for up to a minute or more: wait, and try again. ' +
  'Otherwise look at the host\'s log ("journalctl -u ssh") for the reason';

function hangUpFix(step: SshStep): string {
  return step === 'key exchange' ? EARLY_FIX : LOG_FIX;
}

function handshakeFault(
  error: Error & { level?: string },
  step: SshStep,
  party: SshParty,
  credentials?: Credentials,
  agentTrouble?: string,
): SshFault {
  if (step === 'authentication' && error.level !== 'client-socket') {
    return authFault(error, party, credentials?.words ?? 'what was offered', agentTrouble);
  }
  const code = errorCode(error);
  if (error.level === 'client-socket' || /connection lost/i.test(error.message)) {
    const words = code === '' ? 'the connection was closed' : `the connection broke (${code})`;
    return { step, kind: 'connection-lost', got: words, fix: hangUpFix(step) };
  }
  if (/signature verification failed/i.test(error.message)) {
    return {
      step: 'host key',
      kind: 'host-key',
      got: 'the host shows a pinned key but cannot prove that it owns it',
      fix: 'Another machine is answering for the host; nothing was sent to it. Look at the address and the network',
    };
  }
  return {
    step,
    kind: 'protocol',
    got: error.message,
    fix: 'Check that this port is an SSH server, OpenSSH 7.2 or newer, with its default algorithms',
  };
}

function authFault(
  error: Error & { level?: string },
  party: SshParty,
  words: string,
  agentTrouble: string | undefined,
): SshFault {
  const step = 'authentication';
  if (agentTrouble !== undefined) {
    return {
      step,
      kind: 'identity',
      got: `the SSH agent cannot be used (${agentTrouble})`,
      fix: 'Start the agent again and "ssh-add" a key, or name a private key file as identityFile',
    };
  }
  const reason = error.level === 'client-authentication' ? '' : ` (${error.message})`;
  return {
    step,
    kind: 'auth',
    got: `the host does not let user "${party.user}" in with ${words}${reason}`,
    fix: `Add the public key to ~${party.user}/.ssh/authorized_keys on the host, or correct user and identityFile`,
  };
}

function closedEarlyFault(step: SshStep): SshFault {
  return { step, kind: 'connection-lost', got: 'the host closed the connection', fix: hangUpFix(step) };
}

function closedFault(): SshFault {
  return {
    step: 'exec',
    kind: 'connection-lost',
    got: 'the connection was closed',
    fix: 'Connect again; what the host was asked to do may have been done or not',
  };
}

function lossFault(error: Error & { level?: string }, keepaliveSec: number): SshFault {
  const silent = error.level === 'client-timeout';
  const seconds = formatSeconds(keepaliveSec * KEEPALIVE_COUNT);
  return {
    step: 'exec',
    kind: 'connection-lost',
    got: silent
      ? `the host has not answered for ${seconds}`
      : `the connection broke (${errorCode(error) || error.message})`,
    fix: 'Check the network and the host, then connect again; what the host was asked to do may have been done or not',
  };
}
