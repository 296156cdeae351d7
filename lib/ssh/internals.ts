import type { Client, ClientChannel, ParsedKey } from 'ssh2';
import type { ExecChannel } from './channel.js';

/**
 * The only place that knows more of `ssh2` than it documents, and the only reason is round trips. At 100 ms to a host
 * each one is a tenth of a second, and the documented calls wait for three answers that are not needed:
 *
 * - `exec` waits for CHANNEL_SUCCESS before it hands out the channel, so standard input cannot travel with the request
 *   (RFC 4254, section 6.5, asks for no such wait);
 * - a private key that lies ready is announced first and used for signing one round trip later (RFC 4252, section 7,
 *   makes the announcement optional);
 * - the first authentication request waits for SERVICE_ACCEPT (RFC 4253, section 10, asks for that only after a key
 *   exchange with implicit server authentication, which we never offer).
 *
 * And one thing costs both sides time while the first command waits: `ssh2` has the host prove all its other host keys
 * (OpenSSH's PROTOCOL, section 2.5), so that a client can learn them. Ours are pinned by a person; they are shown, and that is all.
 *
 * What a server says before it is encrypted, and why it refuses a key, `ssh2` keeps to itself: see `listenTo`.
 *
 * Every use is guarded: where the insides are not as this file expects, the documented call is made instead. The version
 * of `ssh2` is pinned exactly, and `test/ssh/round-trips.test.ts` fails when the shortcuts stop working.
 */
interface Protocol {
  session(localId: number, window: number, packetSize: number): void;
  exec(remoteId: number, command: string, wantReply: boolean): void;
  channelData(remoteId: number, data: Buffer): void;
  authPK(user: string, key: ParsedKey, algorithm?: string, sign?: Signer): void;
  service(name: string): void;
  parse(data: Buffer, start: number, length: number): unknown;
  _handlers: {
    SERVICE_ACCEPT?: (protocol: Protocol, name: string) => void;
    EXT_INFO?: (protocol: Protocol, extensions: readonly Extension[]) => void;
    USERAUTH_FAILURE?: (protocol: Protocol, left: readonly string[] | undefined, partial: boolean) => void;
    GLOBAL_REQUEST?: (protocol: Protocol, name: string, wantReply: boolean, data: unknown) => void;
  };
}
interface Extension {
  readonly name: string;
  readonly algs?: readonly string[];
}
type Signer = (data: Buffer, done: (signature: Buffer) => void) => void;

interface ClientInternals {
  readonly _chanMgr: { add(opened: OpenCallback): number };
  readonly _protocol: Protocol;
}
type OpenCallback = ((error: Error | undefined, channel: ClientChannel) => void) & { type?: string };

interface ChannelInternals {
  readonly outgoing: { readonly id: number; window: number; readonly packetSize: number };
  readonly _callbacks: ((refused: unknown) => void)[];
}

/** What `ssh2` itself grants a channel; its handler of CHANNEL_OPEN_CONFIRMATION counts on exactly these. */
export const RECEIVE_WINDOW = 2 * 1024 * 1024;
export const RECEIVE_PACKET = 32 * 1024;

/**
 * Bytes of input sent to an OpenSSH server before its window is open. It opens a session channel with a window of 0 and
 * grants 2 MiB while it handles the exec request, before it looks at what follows (`session_set_fds`, `channel_set_fds`:
 * OpenSSH 5 to 10), so that at the time it reads these bytes they are within its window. What it granted is checked
 * when its answer is in, before anything else is believed.
 */
export const EAGER_BYTES = 1024 * 1024;

/** A host that takes packets of no bytes, with which sending would never end. */
export const NO_ROOM = 'the host grants packets without room for data';

/** Whether a channel that `ssh2` has opened can be written to; one that cannot would keep this process busy for ever. */
export function hasRoom(channel: ClientChannel): boolean {
  return channelInternalsOf(channel)?.outgoing.packetSize !== 0;
}

export interface ExecRequest {
  readonly command: string;
  /** The first bytes of standard input, possibly none. */
  readonly first: Buffer;
  /** True when there are no others: standard input is closed after them. */
  readonly last: boolean;
  /**
   * Called once, before anything can arrive on the channel. False: it came too late and is not wanted any more; it is
   * closed, and the command is not sent (or, on the documented path, left alone).
   */
  readonly onChannel: (channel: ExecChannel) => boolean;
}

/**
 * Opens a channel and runs a command on it. Resolves, when the host has accepted the command, to how many of the
 * `first` bytes are on their way; the caller sends the others.
 */
export function openExec(client: Client, request: ExecRequest): Promise<number> {
  const inside = internalsOf(client);
  return inside === undefined ? openPlain(client, request) : openPipelined(client, inside, request);
}

function openPlain(client: Client, request: ExecRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    client.exec(request.command, (error, channel) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      if (!request.onChannel(channel)) channel.close();
      resolve(0);
    });
  });
}

function openPipelined(client: Client, inside: ClientInternals, request: ExecRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    const opened: OpenCallback = (error, channel) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      const line = channelInternalsOf(channel);
      if (!hasRoom(channel)) {
        channel.close();
        reject(new Error(NO_ROOM));
        return;
      }
      if (line === undefined) {
        channel.close();
        openPlain(client, request).then(resolve, reject);
        return;
      }
      if (!request.onChannel(channel)) {
        channel.close();
        resolve(0);
        return;
      }
      const { outgoing } = line;
      const allowance = Math.max(
        outgoing.window,
        serverVersion(client).startsWith('OpenSSH') ? EAGER_BYTES : 0,
      );
      const sent = Math.min(request.first.length, allowance);
      line._callbacks.push((refused) => {
        // The window was granted before the answer, or the bytes went beyond it and may be lost.
        const fault =
          refused === true || refused instanceof Error
            ? 'the host refused to run a command'
            : outgoing.window < 0
              ? 'the host granted less room for input than OpenSSH does'
              : undefined;
        if (fault === undefined) {
          resolve(sent);
          return;
        }
        channel.close();
        reject(new Error(fault));
      });
      inside._protocol.exec(outgoing.id, request.command, true);
      for (let start = 0; start < sent; start += outgoing.packetSize) {
        const end = Math.min(sent, start + outgoing.packetSize);
        inside._protocol.channelData(outgoing.id, request.first.subarray(start, end));
      }
      outgoing.window -= sent;
      if (request.last && sent === request.first.length) channel.end();
    };
    opened.type = 'session';
    const localId = inside._chanMgr.add(opened);
    if (localId < 0) reject(new Error('no channel number is free'));
    else inside._protocol.session(localId, RECEIVE_WINDOW, RECEIVE_PACKET);
  });
}

/**
 * Makes a client that has just been told to connect sign at once, with a private key that lies ready, instead of asking
 * first whether the key would do. Keys of an agent are still announced: they may want a touch or a confirmation.
 */
export function authenticateAtOnce(client: Client, key: ParsedKey): void {
  const protocol = protocolOf(client);
  // RSA has to learn the host's signature algorithms first, and they come with SERVICE_ACCEPT's packet train.
  if (protocol === undefined || key.type === 'ssh-rsa') return;
  const announce = protocol.authPK.bind(protocol);
  protocol.authPK = (user, candidate, algorithm, sign) => {
    if (sign !== undefined || !candidate.isPrivateKey()) announce(user, candidate, algorithm, sign);
    else announce(user, candidate, algorithm, (data, done) => done(candidate.sign(data)));
  };
  const accept = protocol._handlers.SERVICE_ACCEPT;
  if (typeof accept !== 'function') return;
  const request = protocol.service.bind(protocol);
  protocol.service = (name) => {
    request(name);
    protocol._handlers.SERVICE_ACCEPT = () => undefined;
    accept(protocol, name);
  };
}

/** What a server says while a connection is made, beyond what `ssh2` tells. */
export interface Overheard {
  /** Bytes in the clear, until false is returned. */
  onBytes(chunk: Buffer): boolean;
  /** A key was refused, or accepted and more is wanted (`partial`); `left`: the methods that may be tried. */
  onRefused(left: readonly string[], partial: boolean): void;
  /** All host keys that the host has; it has not proved that it owns them. */
  onHostKeys(blobs: readonly Buffer[]): void;
}

/**
 * Listens to a client that has just been told to connect. It also has `ssh2` sign with RSA keys as the host wants it
 * (RFC 8308, `server-sig-algs`), with the stronger hash where both will do and never with SHA-1, and keeps it from having the
 * host prove all its other keys.
 */
export function listenTo(client: Client, overheard: Overheard): void {
  const protocol = protocolOf(client);
  if (protocol === undefined || !hasMethods(protocol, ['parse'])) return;
  const parse = protocol.parse.bind(protocol);
  protocol.parse = (data, start, length) => {
    if (!overheard.onBytes(data.subarray(start, length))) protocol.parse = parse;
    return parse(data, start, length);
  };
  const handlers = protocol._handlers;
  const { EXT_INFO: extensions, USERAUTH_FAILURE: refused, GLOBAL_REQUEST: request } = handlers;
  let weaker = false;
  if (typeof extensions === 'function') {
    handlers.EXT_INFO = (inside, exts) => {
      weaker = exts.some(
        ({ algs }) => algs?.includes('rsa-sha2-512') === true && algs.includes('rsa-sha2-256'),
      );
      extensions(inside, exts.map(strongerRsa));
    };
  }
  const retry = weakerRsa(protocol);
  if (typeof refused === 'function') {
    handlers.USERAUTH_FAILURE = (inside, left, partial) => {
      if (weaker && !partial && retry()) return;
      overheard.onRefused(left ?? [], partial);
      refused(inside, left, partial);
    };
  }
  if (typeof request === 'function') {
    handlers.GLOBAL_REQUEST = (inside, name, wantReply, data) => {
      // OpenSSH sends it without asking for a reply; whoever asks gets ssh2's.
      if (name !== 'hostkeys-00@openssh.com' || wantReply) request(inside, name, wantReply, data);
      else overheard.onHostKeys((data as readonly ParsedKey[]).map((key) => key.getPublicSSH()));
    };
  }
}

/**
 * OpenSSH before 9.9 lists all signatures that it knows, those that its PubkeyAcceptedAlgorithms refuses as well: a key file
 * that was refused with SHA-512 is tried with SHA-256, once. Returns what does that; false: it does not apply.
 */
function weakerRsa(protocol: Protocol): () => boolean {
  const announce = protocol.authPK.bind(protocol);
  let last: { readonly user: string; readonly key: ParsedKey } | undefined;
  let tried = false;
  protocol.authPK = (user, key, algorithm, sign) => {
    if (algorithm === 'rsa-sha2-512' && key.isPrivateKey()) last = { user, key };
    if (!tried || sign === undefined || last?.key !== key) announce(user, key, algorithm, sign);
    else announce(user, key, 'rsa-sha2-256', (data, done) => done(signed(key, data)));
  };
  return () => {
    if (tried || last === undefined) return false;
    tried = true;
    announce(last.user, last.key, 'rsa-sha2-256');
    return true;
  };
}

function signed(key: ParsedKey, data: Buffer): Buffer {
  const signature = key.sign(data, 'sha256');
  if (Buffer.isBuffer(signature)) return signature;
  throw signature as Error;
}

/** `ssh2` takes the first that it knows, SHA-256 before SHA-512 and SHA-1 where there is nothing else. */
function strongerRsa(extension: Extension): Extension {
  const { name, algs } = extension;
  if (name !== 'server-sig-algs' || algs === undefined) return extension;
  const unwanted = algs.includes('rsa-sha2-512') ? ['rsa-sha2-256', 'ssh-rsa'] : ['ssh-rsa'];
  return { name, algs: algs.filter((each) => !unwanted.includes(each)) };
}

/** `OpenSSH_9.2p1 Debian-2+deb12u7`, or an empty text. */
export function serverVersion(client: Client): string {
  const version: unknown = Reflect.get(client, '_remoteVer');
  return typeof version === 'string' ? version : '';
}

function internalsOf(client: Client): ClientInternals | undefined {
  const manager: unknown = Reflect.get(client, '_chanMgr');
  const protocol = protocolOf(client);
  if (protocol === undefined || !hasMethods(manager, ['add'])) return undefined;
  return { _chanMgr: manager as ClientInternals['_chanMgr'], _protocol: protocol };
}

function protocolOf(client: Client): Protocol | undefined {
  const protocol: unknown = Reflect.get(client, '_protocol');
  if (!hasMethods(protocol, ['session', 'exec', 'channelData', 'authPK', 'service'])) return undefined;
  const inside = protocol as Protocol;
  return typeof (inside._handlers as unknown) === 'object' ? inside : undefined;
}

function channelInternalsOf(channel: ClientChannel): ChannelInternals | undefined {
  const outgoing: unknown = Reflect.get(channel, 'outgoing');
  if (typeof outgoing !== 'object' || outgoing === null) return undefined;
  const numbers = ['id', 'window', 'packetSize'].every(
    (name) => typeof Reflect.get(outgoing, name) === 'number',
  );
  if (!numbers || !Array.isArray(Reflect.get(channel, '_callbacks'))) return undefined;
  return channel as unknown as ChannelInternals;
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof Reflect.get(value, name) === 'function');
}
