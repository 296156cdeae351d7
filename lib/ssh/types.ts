import type { OfferedHostKey, SshParty } from './errors.js';
import type { SshPool } from './pool.js';

/** How to prove who we are. */
export type SshAuth =
  | {
      readonly kind: 'agent';
      /** Path of the agent's socket (the caller's `SSH_AUTH_SOCK`); `undefined` when there is none. */
      readonly socket: string | undefined;
    }
  | {
      readonly kind: 'identity';
      /** Absolute path of a private key, or of a public one whose private half the agent holds. */
      readonly path: string;
      /** As above; asked for the key when the file is public or encrypted. */
      readonly agentSocket?: string | undefined;
      /** Asks for the passphrase of an encrypted key that the agent does not hold; `undefined`: there is none to be had. */
      readonly passphrase?: ((path: string) => Promise<string | undefined>) | undefined;
    };

/** One machine to log in to. */
export interface SshEndpoint {
  /** Name or IP address. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /**
   * Fingerprints as `ssh-keygen -lf` prints them, with or without the key's type before them (`ssh-rsa SHA256:…`), and
   * authorities (`@cert-authority [NAME,…] (SHA256:… | TYPE BASE64)`); any one of them is accepted, nothing else is. Types that
   * are said are asked for first. With the system's client `known_hosts` stands for OpenSSH's own files.
   */
  readonly hostKeys: readonly string[];
  readonly auth: SshAuth;
}

export interface ConnectOptions extends SshEndpoint {
  /** The caller's name for the host, for messages. */
  readonly host: string;
  /** The machines in between, nearest to us first; each is verified and logged in to on its own. */
  readonly jump?: SshEndpoint | readonly SshEndpoint[];
  /** `system`: the operator's own OpenSSH with its configuration. Default: the built-in one, which reads none. */
  readonly client?: 'system';
  /** With the system's client: a person sits at the terminal of this process, and may be asked. Default: there is no one. */
  readonly person?: Person;
  /** Seconds for TCP, key exchange and authentication, of each machine of the way by itself; waiting for a turn is not in it. */
  readonly deadlineSec: number;
  /** What this connection shares with the others of the run. Default: nothing. */
  readonly pool?: SshPool;
  /** Does not wait for a turn among the log-ins of the pool. */
  readonly urgent?: boolean;
  readonly signal?: AbortSignal;
  /** Seconds between two signs of life asked of a silent host; after three without an answer it is lost. Default 10. */
  readonly keepaliveSec?: number;
  /** Told when a person is waited for: at an agent that wants a touch, or for a passphrase. Such time is not `deadlineSec`'s. */
  readonly onWait?: (what: string) => void;
}

/** Who can answer OpenSSH's questions (passphrase, PIN, touch, second factor) on the terminal. */
export interface Person {
  /** Says something that is to be read before the answer: a line for the terminal, with the host's name. */
  readonly tell: (line: string) => void;
}

/** The machines in between, nearest to us first. */
export function hopsOf(jump: ConnectOptions['jump']): readonly SshEndpoint[] {
  if (jump === undefined) return [];
  return 'address' in jump ? [jump] : jump;
}

/** Names a chain of jump hosts and how they are logged in to; empty: there are none. */
export function wayOf(hops: readonly SshEndpoint[]): string {
  if (hops.length === 0) return '';
  const words = hops.map(({ address, port, user, hostKeys, auth }) => {
    const key = auth.kind === 'agent' ? [auth.socket] : [auth.path, auth.agentSocket];
    return [address, port, user, hostKeys, auth.kind, ...key];
  });
  return JSON.stringify(words);
}

export interface ExecOptions {
  /** Bytes for standard input, which is closed after them. Default: empty. */
  readonly stdin?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Seconds for the whole command, waiting for a free channel included. */
  readonly deadlineSec: number;
  /** The command's name in messages (the command itself may be long). Default: `command`. */
  readonly label?: string;
  /** Each piece of standard output as it arrives; the result holds all of them as well. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  /** Exit status; 128 and the signal's number (or 255 where it has none) when a signal ended the command. */
  readonly exitCode: number;
  /** `SIGKILL` …, only when a signal ended the command. */
  readonly signal?: string;
  readonly stdout: Buffer;
  /** UTF-8 text, at most its last 64 KiB. */
  readonly stderr: string;
}

export interface SshConnection {
  readonly party: SshParty;
  /** The server's identification, for example `OpenSSH_9.2p1`; empty when unknown. */
  readonly serverVersion: string;
  /** The pinned key that the host has proved to own, then the others that it says it has (OpenSSH's hostkeys-00). Absent with the system's client. */
  readonly hostKeys?: readonly OfferedHostKey[];
  /** With the system's client: where the machine was reached, which OpenSSH's configuration may say. */
  readonly reached?: { readonly address: string; readonly port: number } | undefined;
  /**
   * Runs one command line through the account's shell on the host.
   *
   * @throws SshError `timeout`, `aborted`, `connection-lost`, `channel` or `local`. A command that ran and failed is a result.
   */
  exec(command: string, options: ExecOptions): Promise<ExecResult>;
  /** Says goodbye and frees the sockets; running commands fail with `connection-lost`. Never throws, never waits for the host. */
  close(): Promise<void>;
}
