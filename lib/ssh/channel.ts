import { once } from 'node:events';
import { constants } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import { Tail } from './tail.js';

/** Standard error that is kept: its last bytes. */
const STDERR_BYTES = 64 * 1024;
/** Output that is kept in memory: far more than any program of ours prints. */
const OUTPUT_BYTES = 64 * 1024 * 1024;

/** More came than {@link collect} keeps. */
export class TooMuchOutput extends Error {
  constructor() {
    super('the host sent more than 64 MiB, and was not listened to any longer');
  }
}
/** Bytes handed to the channel at a time; it holds at most 2 MiB that the host has no room for yet. */
const WRITE_BYTES = 256 * 1024;

/**
 * One command's streams: ssh2's channel, or ours over the system's OpenSSH. Emits `close` with the exit status, or with
 * `null` and the signal, or with neither, once what the host sent has been read.
 */
export interface ExecChannel extends Duplex {
  readonly stderr: Readable;
  close(): void;
}

/** What came back on a channel until it was closed. */
export interface ChannelOutput {
  readonly stdout: Buffer;
  readonly stderr: string;
  /** `undefined` when the channel was closed without one. */
  readonly status: { readonly exitCode: number; readonly signal?: string } | undefined;
}

/**
 * Reads a channel to its end. Must be called before anything can have arrived on it.
 * Rejects with what `onStdout` throws, and with {@link TooMuchOutput}.
 */
export function collect(
  channel: ExecChannel,
  onStdout: ((chunk: Buffer) => void) | undefined,
): Promise<ChannelOutput> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr = new Tail(STDERR_BYTES);
    let status: ChannelOutput['status'];
    let received = 0;
    const count = (chunk: Buffer): boolean => {
      received += chunk.length;
      if (received <= OUTPUT_BYTES) return true;
      stdout.length = 0;
      reject(new TooMuchOutput());
      return false;
    };
    let open = 2;
    const ended = (): void => {
      open -= 1;
      if (open === 0) resolve({ stdout: Buffer.concat(stdout), stderr: stderr.text(), status });
    };
    channel.on('data', (chunk: Buffer) => {
      if (!count(chunk)) return;
      stdout.push(chunk);
      try {
        onStdout?.(chunk);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    channel.stderr.on('data', (chunk: Buffer) => {
      if (count(chunk)) stderr.push(chunk);
    });
    channel.stderr.once('end', ended);
    channel.once('close', (code: number | null | undefined, signal?: string) => {
      status = exitStatus(code, signal);
      ended();
    });
    // What comes after the end of a stream is an error of it, and one without a listener would end this process.
    for (const stream of [channel, channel.stderr]) stream.on('error', reject);
  });
}

function exitStatus(code: number | null | undefined, signal: string | undefined): ChannelOutput['status'] {
  if (typeof code === 'number') return { exitCode: code };
  if (signal === undefined) return undefined;
  const number = new Map<string, number>(Object.entries(constants.signals)).get(signal);
  return { exitCode: number === undefined ? 255 : 128 + number, signal };
}

/**
 * Writes all input and closes standard input, no faster than the host reads. A host that stops reading, or a command that
 * ends before its input does, is no error: the command's result tells. Rejects with what the input throws.
 */
export async function feed(
  channel: ExecChannel,
  input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  channel.once('close', onClose);
  try {
    for await (const piece of input) {
      // After the host closed the channel ssh2 has ended our side, and a write would be an error.
      if (gone.signal.aborted || channel.writableEnded) return;
      if (piece.length > 0 && !channel.write(piece)) {
        await once(channel, 'drain', { signal: gone.signal }).catch(() => undefined);
      }
    }
    if (!channel.writableEnded) channel.end();
  } finally {
    channel.off('close', onClose);
  }
}

/** One buffer as pieces of a size that keeps the channel busy without a second copy of everything. */
export function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += WRITE_BYTES) {
    yield bytes.subarray(start, Math.min(bytes.length, start + WRITE_BYTES));
  }
}
