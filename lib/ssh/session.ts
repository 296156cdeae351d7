import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { type HostKeyAlgorithm, offeredAlgorithms } from './algorithms.js';
import { type OfferedHostKey, SshError, type SshFault, type SshParty, type SshStep } from './errors.js';
import { FirstBytes } from './first-bytes.js';
import { closedEarlyFault, type Handshake, handshakeFault, type Ssh2Error } from './handshake-faults.js';
import { describeHostKey, type HostKeySearch } from './host-key.js';
import type { Credentials } from './identity.js';
import { authenticateAtOnce, type ExecRequest, listenTo, openExec, serverVersion } from './internals.js';
import { formatSeconds, withReject } from './limit.js';
import type { Ssh2 } from './load.js';
import { errorCode } from './tcp.js';
import type { Waits } from './waits.js';

/** Where a connection attempt has got to, for the message when its deadline passes. */
export interface Progress {
  party: SshParty;
  step: SshStep;
  /** The last refusal of a log-in that is tried again. */
  dropped?: SshError;
}

/** What a command needs of a connection, whichever client made it. */
export interface CommandSession {
  readonly party: SshParty;
  /** Opens a channel and runs a command on it; resolves to how many of the first bytes of input are on their way. */
  open(request: ExecRequest): Promise<number>;
  /** Never resolves; rejects when the connection has ended. */
  readonly lost: Promise<never>;
  /** Why the connection ended; `undefined` while it stands. */
  ended(): SshError | undefined;
}

/** A verified, authenticated connection to one machine. */
export interface Session extends CommandSession {
  readonly client: Client;
  readonly serverVersion: string;
  /** The key that the host has proved to own, then the others that it says it has. */
  readonly hostKeys: readonly OfferedHostKey[];
  /** Says goodbye without waiting for an answer. */
  close(): Promise<void>;
}

/** Missed signs of life until a host counts as lost. */
const KEEPALIVE_COUNT = 3;

export interface SessionOptions {
  readonly search: HostKeySearch;
  readonly credentials: Credentials;
  readonly keepaliveSec: number;
  readonly waits: Waits;
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
  let said: string | undefined;
  let agentTrouble: string | undefined;
  let own: OfferedHostKey | undefined;
  let others: readonly OfferedHostKey[] = [];
  const firstBytes = new FirstBytes();
  const refusals: Handshake['refusals'] = { count: 0 };
  const handshake = (): Handshake => ({
    party,
    step: progress.step,
    firstBytes,
    credentials: options.credentials,
    refusals,
    said,
    agentTrouble,
    waiting: options.waits.what,
  });
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
  client.on('banner', (text) => (said = text.split(/\r?\n/).findLast((line) => line.trim() !== '') ?? said));
  let isReady = false;
  client.on('error', (error: Ssh2Error) => {
    if (error.level === 'agent') {
      agentTrouble = error.message;
      return;
    }
    const fault = isReady ? lossFault(error, options.keepaliveSec) : handshakeFault(error, handshake());
    finish(new SshError(party, fault, { cause: error }));
  });
  client.on('close', () => {
    finish(new SshError(party, isReady ? closedFault() : closedEarlyFault(handshake())));
  });

  client.connect({
    sock: stream,
    username: party.user,
    algorithms: offeredAlgorithms(options.search.algorithms) as never,
    // Our own deadline covers all steps; ssh2's would name none of them.
    readyTimeout: 0,
    keepaliveInterval: options.keepaliveSec * 1000,
    keepaliveCountMax: KEEPALIVE_COUNT,
    hostVerifier: (blob: Buffer): boolean => {
      own = describeHostKey(blob);
      const pinned = options.search.accepts(own, firstBytes.offer?.hostKey ?? []);
      if (!pinned) finish(new SshError(party, options.search.fault, { hostKey: own }));
      return pinned;
    },
    authHandler: onceOnly(options.credentials),
  });
  // A server that hung up at once (MaxStartups, fail2ban) did so before anyone listened for it.
  if (stream.destroyed) finish(new SshError(party, closedEarlyFault(handshake())));
  listenTo(client, {
    onBytes: (chunk) => firstBytes.push(chunk),
    onRefused: (left, partial) => {
      refusals.count += 1;
      refusals.methods = left;
      if (partial) refusals.partial = left;
    },
    onHostKeys: (blobs) => (others = blobs.map(describeHostKey)),
  });
  if (options.credentials.key !== undefined) authenticateAtOnce(client, options.credentials.key);

  const session: Session = {
    party,
    client,
    get serverVersion() {
      return serverVersion(client);
    },
    open: (request) => openExec(client, request),
    get hostKeys() {
      const proved = own === undefined ? [] : [own];
      return [...proved, ...others.filter((key) => key.fingerprint !== own?.fingerprint)];
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
 * Which key the machine shows when it is asked for one of these algorithms, and all that it has. Ends the exchange there:
 * nothing is authenticated, nothing is sent. No key: it has none of these.
 */
export function askHostKey(
  ssh2: Ssh2,
  stream: Duplex,
  progress: Progress,
  algorithms: readonly HostKeyAlgorithm[],
): Promise<{ readonly key?: OfferedHostKey; readonly offered: readonly string[] }> {
  const { party } = progress;
  const client = new ssh2.Client();
  const firstBytes = new FirstBytes();
  const handshake: Handshake = { party, step: 'key exchange', firstBytes, refusals: { count: 0 } };
  progress.step = 'key exchange';
  return new Promise((resolve, reject) => {
    const offered = (): readonly string[] => firstBytes.offer?.hostKey ?? [];
    client.on('error', (error: Ssh2Error) => {
      if (/no matching host key/i.test(error.message)) resolve({ offered: offered() });
      else reject(new SshError(party, handshakeFault(error, handshake), { cause: error }));
    });
    client.on('close', () => reject(new SshError(party, closedEarlyFault(handshake))));
    client.connect({
      sock: stream,
      username: party.user,
      algorithms: offeredAlgorithms(algorithms) as never,
      readyTimeout: 0,
      hostVerifier: (blob: Buffer): boolean => {
        resolve({ key: describeHostKey(blob), offered: offered() });
        return false;
      },
      authHandler: [],
    });
    listenTo(client, {
      onBytes: (chunk) => firstBytes.push(chunk),
      onRefused: () => undefined,
      onHostKeys: () => undefined,
    });
    if (stream.destroyed) reject(new SshError(party, closedEarlyFault(handshake)));
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
