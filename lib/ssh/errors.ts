import { hostPort } from '../text/address.js';

/** Where in the life of a connection something went wrong. */
export type SshStep =
  'identity' | 'tcp connect' | 'key exchange' | 'host key' | 'authentication' | 'open channel' | 'exec';

export type SshErrorKind =
  /** The step's deadline passed. */
  | 'timeout'
  /** The address answered, and nothing listens on the port. */
  | 'refused'
  /** No route, network down, host down. */
  | 'unreachable'
  /** The name does not resolve. */
  | 'unknown-name'
  /** The host's key is not pinned. */
  | 'host-key'
  /** No common algorithm, or bytes that are not SSH. */
  | 'protocol'
  /** The host refused the user or the key. */
  | 'auth'
  /** The key file or the agent cannot be used. */
  | 'identity'
  /** The host refused to open a channel or to run a command. */
  | 'channel'
  /** An established connection ended, or stopped answering, before the work was done. */
  | 'connection-lost'
  /** The caller's signal. */
  | 'aborted'
  /** The local side of the exchange failed: the input could not be read, or a callback threw. */
  | 'local'
  /** The host sent more than anything of ours does. */
  | 'too-much';

export interface SshFault {
  readonly step: SshStep;
  readonly kind: SshErrorKind;
  /** What was found, in words. */
  readonly got: string;
  /** What to do about it, in words. */
  readonly fix: string;
  /** The host hung up before a log-in began: it said that it is busy (MaxStartups), or nothing. */
  readonly dropped?: 'busy' | 'silent';
  /** Settings of the endpoint that it is about, where its kind does not say so: `user`; `port|address`: the first that is written. */
  readonly about?: readonly string[];
  /** With kind `aborted`: the answer of a person or of an agent that was being waited for then. */
  readonly waitedFor?: string;
}

/** The key that a host offered: its type as SSH names it, and its fingerprint as `ssh-keygen -lf` prints it. */
export interface OfferedHostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string;
  /** `SHA256:` and 43 base64 characters. */
  readonly fingerprint: string;
}

/** Who was being talked to when it happened. */
export interface SshParty {
  /** The caller's name for the host, for messages. */
  readonly host: string;
  readonly user: string;
  readonly address: string;
  readonly port: number;
}

/** `agent0@192.168.10.35:22`; an IPv6 address stands in brackets. */
export function formatParty(party: Pick<SshParty, 'user' | 'address' | 'port'>): string {
  return `${party.user}@${hostPort(party.address, party.port)}`;
}

/**
 * The one error of this room:
 * `ai-node (agent0@192.168.10.35:22): tcp connect: connection refused. Start sshd there, …`
 */
export class SshError extends Error implements SshFault {
  readonly step: SshStep;
  readonly kind: SshErrorKind;
  readonly got: string;
  readonly fix: string;
  readonly host: string;
  /** As {@link formatParty}. */
  readonly address: string;
  readonly dropped?: 'busy' | 'silent';
  readonly about?: readonly string[];
  readonly waitedFor?: string;
  /** With kind `host-key`: what the host offered. */
  readonly hostKey?: OfferedHostKey;

  constructor(
    private readonly party: SshParty,
    fault: SshFault,
    options: { readonly cause?: unknown; readonly hostKey?: OfferedHostKey } = {},
  ) {
    const address = formatParty(party);
    super(
      `${party.host} (${address}): ${fault.step}: ${fault.got}. ${fault.fix}.`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'SshError';
    this.step = fault.step;
    this.kind = fault.kind;
    this.got = fault.got;
    this.fix = fault.fix;
    this.host = party.host;
    this.address = address;
    if (fault.dropped !== undefined) this.dropped = fault.dropped;
    if (fault.about !== undefined) this.about = fault.about;
    if (fault.waitedFor !== undefined) this.waitedFor = fault.waitedFor;
    if (options.hostKey !== undefined) this.hostKey = options.hostKey;
  }

  /** The same, for another host on whose way it is as well. */
  of(host: string): SshError {
    const { hostKey } = this;
    const options = { cause: this, ...(hostKey !== undefined && { hostKey }) };
    return new SshError({ ...this.party, host }, this, options);
  }
}
