/**
 * What the engine needs of a way to a host. `targets/ssh.ts` and `targets/root.ts` implement it; tests use a
 * recording one. Planning is given a {@link ReadTransport}, which has no way to write: a dry run is a type, not a flag.
 */

/** A constant POSIX sh text from `remote/`. Values never become part of it; they travel as bytes on standard input. */
export interface RemoteProgram {
  /** Shown in messages and in the host's process list, for example `citadel-observe`. */
  readonly name: string;
  readonly script: string;
  readonly effect: 'read' | 'write';
}
export type ReadProgram = RemoteProgram & { readonly effect: 'read' };
export type WriteProgram = RemoteProgram & { readonly effect: 'write' };

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** UTF-8 text of standard error, at most 64 KiB (the last part of it). */
  readonly stderr: string;
}

export interface RunOptions {
  /** Seconds until the step is given up with an error that names the step. */
  readonly deadlineSec: number;
  /** Called with each piece of standard output as it arrives (the result holds all of it as well). */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly signal?: AbortSignal;
}

export interface ReadTransport {
  /** `agent0@192.168.10.35:22`, or the directory of an offline root. */
  readonly description: string;
  readonly kind: 'ssh' | 'root';
  read(program: ReadProgram, input: Buffer, options: RunOptions): Promise<ProgramResult>;
}

export interface Transport extends ReadTransport {
  /** Over SSH: the pinned key that the host has proved to own, then the others that it says it has. Absent where it is not known. */
  readonly hostKeys?: readonly { readonly type: string; readonly fingerprint: string }[] | undefined;
  /** Over SSH by the system's client: where the host was reached, which OpenSSH's configuration may say. */
  readonly reached?: { readonly address: string; readonly port: number } | undefined;
  run(
    program: WriteProgram,
    input: Buffer | AsyncIterable<Uint8Array>,
    options: RunOptions,
  ): Promise<ProgramResult>;
  /** A new connection to the same target: the proof that the operator is not cut off. @param signal it is no longer needed */
  reconnect(signal?: AbortSignal): Promise<Transport>;
  close(): Promise<void>;
}
