import { CitadelError } from '../../manifest/index.js';
import { RUN } from '../apply/programs.js';
import { unreadable } from '../observe/fields.js';
import type { CommandAnswer } from '../model.js';
import type { Transport } from '../transport.js';

/** A command for a host: a program and its arguments, as they are. No shell reads them. */
export interface CommandRequest {
  readonly words: readonly string[];
  /** `anna@laptop`, for the host's history. */
  readonly who: string;
  /** Account that it runs as. @default root */
  readonly user?: string;
  /** Seconds after which the host ends it. */
  readonly seconds: number;
}

/** Bytes of all arguments together, and how many there may be: what is handed over in one piece on any host. */
const MOST_BYTES = 64 * 1024;
const MOST_WORDS = 1000;
/** Seconds more than the command has: to begin it, and to hand over what it said. */
const SLACK_SEC = 30;

/**
 * Runs a command on a host, which writes it down before it begins.
 *
 * @throws CitadelError `run.command` for one that cannot be handed over, `run.refused` where the host did not begin it, and what the
 *   transport throws
 */
export async function runCommand(
  transport: Transport,
  { words, who, user = '', seconds }: CommandRequest,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CommandAnswer> {
  const text = words.map((word) => `${word}\0`).join('');
  if (
    words.length > MOST_WORDS ||
    Buffer.byteLength(text) > MOST_BYTES ||
    words.some((word) => word.includes('\0'))
  )
    throw new CitadelError({
      code: 'run.command',
      path: 'citadel-iac run',
      got: `the command has more than ${String(MOST_WORDS)} arguments, more than ${String(MOST_BYTES / 1024)} KiB, or a NUL in it`,
      fix: 'Put what it does into a file that the inventory brings to the hosts, and run that.',
    });
  const oneLine = (value: string): string => value.replaceAll(/[\r\n\0]/g, ' ');
  const input = `${oneLine(who)}\n${oneLine(user)}\n${String(seconds)}\n${text}`;
  const result = await transport.run(RUN, Buffer.from(input), {
    deadlineSec: seconds + SLACK_SEC,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (result.exitCode !== 0)
    throw new CitadelError({
      code: 'run.refused',
      path: transport.description,
      got: result.stderr.trim().slice(0, 500) || `citadel-run ended with status ${String(result.exitCode)}`,
      fix: 'Correct --user, or look at the space on the disk: "citadel-iac doctor" for this host.',
    });
  return parseAnswer(result.stdout, transport.description);
}

/** The output of `remote/run.sh`. */
export function parseAnswer(output: Buffer, source: string): CommandAnswer {
  const at = output.indexOf('\n');
  const head = output.subarray(0, Math.max(0, at)).toString('utf8');
  const numbers = /^citadel-run\/1 (\d+) ([01]) (\d+) (\d+) (\d+) (\d+)$/.exec(head)?.slice(1).map(Number);
  const body = output.subarray(at + 1);
  const [exitCode = 0, late = 0, out = 0, moreOut = 0, err = 0, moreErr = 0] = numbers ?? [];
  if (numbers === undefined || body.length !== out + err)
    throw new CitadelError(unreadable(source, 'an answer of a command that is not whole'));
  return {
    exitCode,
    timedOut: late === 1,
    stdout: body.subarray(0, out).toString('utf8'),
    stderr: body.subarray(out).toString('utf8'),
    leftOut: { stdout: moreOut, stderr: moreErr },
  };
}
