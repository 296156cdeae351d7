import type { SshParty } from './errors.js';

/** How to prove who we are. */
export type SshAuth =
  | {
      readonly kind: 'agent';
      /** Path of the agent's socket (the caller's `SSH_AUTH_SOCK`); `undefined` when there is none. */
      readonly socket: string | undefined;
    }
  | {
      readonly kind: 'identity';
      /** Absolute path of a private key without a passphrase. */
      readonly path: string;
    };

/** One machine to log in to. */
export interface SshEndpoint {
  /** Name or IP address. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Fingerprints as `ssh-keygen -lf` prints them; any one of them is accepted, nothing else is. */
  readonly hostKeys: readonly string[];
  readonly auth: SshAuth;
}

export interface ConnectOptions extends SshEndpoint {
  /** The caller's name for the host, for messages. */
  readonly host: string;
  /** One machine in between; it is verified and logged in to on its own. */
  readonly jump?: SshEndpoint;
  /** Seconds for TCP, key exchange and authentication of all hops together. */
  readonly deadlineSec: number;
  readonly signal?: AbortSignal;
  /** Seconds between two signs of life asked of a silent host; after three without an answer it is lost. Default 10. */
  readonly keepaliveSec?: number;
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
  /**
   * Runs one command line through the account's shell on the host.
   *
   * @throws SshError `timeout`, `aborted`, `connection-lost`, `channel` or `local`. A command that ran and failed is a result.
   */
  exec(command: string, options: ExecOptions): Promise<ExecResult>;
  /** Says goodbye and frees the sockets; running commands fail with `connection-lost`. Never throws, never waits for the host. */
  close(): Promise<void>;
}
