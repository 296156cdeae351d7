import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelOutput, collect, type ExecChannel, feed, pieces, TooMuchOutput } from './channel.js';
import { SshError, type SshErrorKind, type SshStep } from './errors.js';
import type { ExecRequest } from './internals.js';
import { formatSeconds, startLimit } from './limit.js';
import type { CommandSession } from './session.js';
import type { Slots } from './slots.js';
import type { ExecOptions, ExecResult } from './types.js';

const TOO_MUCH =
  'No program of ours prints as much: look at what the shell of the account and its start-up files print there, and whether the host is still yours';

/** Pauses before a channel is asked for again that the host did not open. */
const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 500;

/** sshd has no room for another session (or is still putting the last one away). */
function isRefusedChannel(error: unknown): boolean {
  return error instanceof Error && /Channel open failure/.test(error.message);
}

/** Runs one command on a session; see `SshConnection.exec`. */
export async function runExec(
  session: CommandSession,
  slots: Slots,
  command: string,
  options: ExecOptions,
): Promise<ExecResult> {
  const label = options.label ?? 'command';
  let step: SshStep = 'open channel';
  const fail = (kind: SshErrorKind, got: string, fix: string, cause?: unknown): SshError =>
    session.ended() ?? new SshError(session.party, { step, kind, got: `${label}: ${got}`, fix }, { cause });
  const limit = startLimit(options.deadlineSec, options.signal, (kind) =>
    kind === 'aborted'
      ? fail(kind, 'given up on request', 'The host may have done part of it; run it again')
      : fail(
          kind,
          step === 'exec'
            ? `no result within ${formatSeconds(options.deadlineSec)}`
            : `the host opened no channel within ${formatSeconds(options.deadlineSec)}`,
          'The host answers but does not finish: look at its load and its disks, or allow more time',
        ),
  );
  const stop = Promise.race([session.lost, limit.expired]);
  stop.catch(() => undefined);

  const line: { channel?: ExecChannel; output?: Promise<ChannelOutput> } = {};
  let release: (() => void) | undefined;
  let wanted = true;
  try {
    if (options.signal?.aborted === true || session.ended() !== undefined) await stop;
    const { first, later } = splitInput(options.stdin);
    const request: ExecRequest = {
      command,
      first,
      last: later === undefined,
      onChannel: (channel) => {
        if (!wanted) return false;
        line.channel = channel;
        line.output = collect(channel, options.onStdout);
        line.output.catch(() => undefined);
        return true;
      },
    };
    const open = async (): Promise<number> => {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
        const giveBack = await slots.take(stop);
        release = giveBack;
        const opening = session.open(request);
        opening.catch(() => undefined);
        try {
          return await Promise.race([opening, stop]);
        } catch (error) {
          if (!isRefusedChannel(error) || !slots.refused()) throw error;
        }
        release = undefined;
        giveBack();
        await Promise.race([sleep(pauseMs), stop]);
      }
    };
    const sent = await open().catch((error: unknown): never => {
      if (error instanceof SshError) throw error;
      throw fail(
        'channel',
        words(error),
        'Look at MaxSessions and ForceCommand in sshd_config on the host',
        error,
      );
    });
    step = 'exec';
    const { channel, output } = line;
    if (channel === undefined || output === undefined) throw fail('channel', 'no channel', 'Connect again');

    const feeding = feed(channel, later ?? pieces(first.subarray(sent)));
    const result = await Promise.race([
      // Feeding ends before the result or goes on in vain; only its failure matters here.
      failureOf(feeding).catch((error: unknown): never => {
        throw fail('local', `its input could not be read: ${words(error)}`, 'Run it again', error);
      }),
      output.catch((error: unknown): never => {
        if (error instanceof TooMuchOutput) throw fail('too-much', error.message, TOO_MUCH, error);
        throw fail('local', `its output could not be handled: ${words(error)}`, 'Run it again', error);
      }),
      stop,
    ]);
    if (result.status === undefined) {
      throw fail('channel', 'ended without an exit status', 'Look at "journalctl -u ssh" on the host');
    }
    return { ...result.status, stdout: result.stdout, stderr: result.stderr };
  } catch (error) {
    wanted = false;
    line.channel?.removeAllListeners('data').resume().close();
    throw error;
  } finally {
    if (line.channel !== undefined) slots.closed();
    release?.();
    limit.stop();
  }
}

/** Input that is there already can travel with the request; input that comes piece by piece comes later. */
function splitInput(stdin: ExecOptions['stdin']): { first: Buffer; later?: AsyncIterable<Uint8Array> } {
  if (stdin === undefined) return { first: Buffer.alloc(0) };
  if (!(stdin instanceof Uint8Array)) return { first: Buffer.alloc(0), later: stdin };
  return { first: Buffer.from(stdin.buffer, stdin.byteOffset, stdin.byteLength) };
}

/** Never resolves; rejects when the work does. */
function failureOf(work: Promise<void>): Promise<never> {
  return work.then(() => new Promise<never>(() => undefined));
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
