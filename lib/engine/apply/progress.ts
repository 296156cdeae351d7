import { leftText } from '../left-item.js';
import type { Held } from '../model.js';
import { UNIT_SEPARATOR } from './records.js';

/** One thing that the host says while it works. */
export type ProgressLine =
  | { readonly kind: 'step'; readonly step: string; readonly detail: string }
  /** `idle`: after an undo, units that ran before and do not start with the files of before either. */
  | { readonly kind: 'note'; readonly text: string; readonly idle?: readonly string[] }
  | { readonly kind: 'failure'; readonly step: string; readonly item: string; readonly output: string }
  /** The host waits for a new connection; `seconds` from now, or until `at` (HH:MM:SS by the host's clock), it undoes. */
  | { readonly kind: 'confirm'; readonly at: string; readonly seconds: number }
  | ({ readonly kind: 'locked' } & Held)
  | { readonly kind: 'unstaged'; readonly output: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'end'; readonly outcome: string; readonly generation: number | null };

/**
 * One record of `remote/tx-journal.sh`.
 *
 * @throws Error on a record that this version does not know
 */
export function parseProgress(line: string): ProgressLine {
  const [kind = '', a = '', b = '', c = '', ...more] = line.split(UNIT_SEPARATOR);
  switch (kind) {
    case 'step':
      return { kind, step: a, detail: b.trim() };
    case 'note':
      return { kind, text: a };
    case 'idle':
      return {
        kind: 'note',
        text: `did not start again with the files of before: ${a}`,
        idle: a.split(' '),
      };
    case 'left':
      return { kind: 'note', text: `could not be undone: ${leftText({ kind: a, item: b, reason: c })}` };
    case 'failure':
      return { kind, step: a, item: b, output: decode(c) };
    case 'confirm':
      return { kind, at: a, seconds: Number(b) };
    case 'locked':
      return { kind, who: a, since: b, ...heldUntil(more) };
    case 'unstaged':
      return { kind, output: decode(a) };
    case 'gone':
      return { kind };
    case 'end':
      return { kind, outcome: a, generation: /^\d+$/.test(b) ? Number(b) : null };
    default:
      throw new Error(`the host said something unknown: ${JSON.stringify(line.slice(0, 200))}`);
  }
}

function heldUntil([since = '', until = '', ends = '']: readonly string[]): Pick<Held, 'asked' | 'ends'> {
  return { ...(since !== '' && until !== '' && { asked: { since, until } }), ...(ends !== '' && { ends }) };
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8').trimEnd();
}

/** Cuts a stream of bytes into complete lines, whatever the pieces in which it arrives. */
export class LineReader {
  private rest = Buffer.alloc(0);

  constructor(private readonly onLine: (line: string) => void) {}

  push(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (let end = this.rest.indexOf(10); end >= 0; end = this.rest.indexOf(10)) {
      const line = this.rest.subarray(0, end).toString('utf8');
      this.rest = this.rest.subarray(end + 1);
      this.onLine(line);
    }
  }
}
