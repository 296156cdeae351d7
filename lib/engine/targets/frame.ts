import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { RemoteProgram } from '../transport.js';

/**
 * How a program and its output stand in streams that the start-up files of the account's login shell read and write as well.
 * The program's text stands between two marks, and is run only if its length and checksum are right: where a start-up file
 * ate bytes, the text would end in the data, which must never run. Each mark is also a command that ends a shell which was put
 * in the place of ours and reads all of this as commands (`exec bash` in a start-up file, ForceCommand). Wherever in the text
 * such a shell begins, it finds no other command: the text between is compressed, in base64, and the end of each of its lines
 * lets no piece of it be a command's name. The output stands between two marks too: what comes before and after them is not
 * the program's, and without the second the program did not come to its end.
 */
export interface Frame {
  /** The program's text with its marks, as it is sent before its input. */
  readonly text: Buffer;
  /** For `sh -c`, with the program's name as `$0`. Holds no single quote, backslash or exclamation mark: login shells differ in them. */
  readonly command: string;
  /** What the program's own output begins after. */
  readonly mark: Buffer;
  /** What the program's own output ends before; its exit status and a newline follow. */
  readonly exitMark: Buffer;
}

/** The status with which a program's text that did not arrive whole is told. */
export const NOT_WHOLE = 90;
/** The status of another shell, which took the text for commands. */
export const TAKEN_FOR_COMMANDS = 91;
const GUARD = `exit ${String(TAKEN_FOR_COMMANDS)} #`;
/** Not one of base64's characters. */
const LINE_END = '_';
/** Few, as another shell would complain of each; some shells have no room for a longer word. */
const LINES = /.{1,1000}/g;

/** @param nonce letters and digits that nothing else sends: the marks of one run */
export function frameOf(program: RemoteProgram, nonce: string): Frame {
  const end = `${GUARD} citadel-iac end ${nonce}`;
  const code = gzipSync(program.script).toString('base64');
  const begin = `${GUARD} citadel-iac begin ${nonce} ${String(code.length)}`;
  const text = Buffer.from(`${begin}\n${code.replace(LINES, `$&${LINE_END}\n`)}${end}`);
  const digest = createHash('sha256').update(text).digest('hex');
  const output = `# citadel-iac output ${nonce}`;
  const exit = `# citadel-iac exit ${nonce} `;
  const refuse = `*) exit ${String(NOT_WHOLE)} ;; esac`;
  // In a subshell, so that the second mark is written whatever ends the program.
  const command =
    `text=$(head -c ${String(text.length)}); case $text in "${begin}"*"${end}") ;; ${refuse}; ` +
    `case $(printf %s "$text" | sha256sum) in ${digest}*) ;; ${refuse}; ` +
    `text=\${text#"${begin}"}; text=\${text%"${end}"}; text=$(printf %s "$text" | base64 -di | gzip -dc) || exit ${String(NOT_WHOLE)}; ` +
    `echo "${output}"; (eval "$text"); status=$?; echo "${exit}$status"; exit $status`;
  return { text, command, mark: Buffer.from(`${output}\n`), exitMark: Buffer.from(exit) };
}

/** What stands between the marks of an output. */
export interface Framed {
  readonly stdout: Buffer;
  /** The program's own exit status; absent when it was ended before its end. */
  readonly status?: number;
}

/** `undefined` when the program did not begin. */
export function unframed(frame: Frame, output: Buffer): Framed | undefined {
  const pieces: Buffer[] = [];
  const between = new BetweenMarks(frame, (piece) => pieces.push(piece));
  between.push(output);
  const { begun, status, held } = between;
  if (!begun) return undefined;
  if (status === undefined) return { stdout: Buffer.concat([...pieces, held]) };
  return {
    stdout: pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces),
    status,
  };
}

/**
 * Passes on what of a stream stands between the two marks, as soon as it is known to. A program may print its own command
 * line (`ps` does), which holds the second mark, but without a status.
 */
export class BetweenMarks {
  begun = false;
  status: number | undefined;
  /** What may yet become a mark. */
  held: Buffer = Buffer.alloc(0);

  constructor(
    private readonly frame: Frame,
    private readonly onData: (chunk: Buffer) => void,
  ) {}

  push(chunk: Buffer): void {
    if (this.status !== undefined) return;
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    if (!this.begun) {
      const { mark } = this.frame;
      const at = this.held.indexOf(mark);
      if (at < 0) {
        this.held = this.held.subarray(Math.max(0, this.held.length - mark.length + 1));
        return;
      }
      this.begun = true;
      this.held = this.held.subarray(at + mark.length);
    }
    this.pass();
  }

  private pass(): void {
    const { exitMark } = this.frame;
    for (;;) {
      const at = this.held.indexOf(exitMark);
      if (at < 0) {
        this.emit(this.held.length - sharedEnd(this.held, exitMark));
        return;
      }
      this.emit(at);
      const rest = this.held.subarray(exitMark.length, exitMark.length + 4).toString('latin1');
      const status = /^(\d{1,3})\n/.exec(rest)?.[1];
      if (status !== undefined) this.status = Number(status);
      if (status !== undefined || /^\d{0,3}$/.test(rest)) return;
      this.emit(1);
    }
  }

  private emit(bytes: number): void {
    if (bytes > 0) this.onData(this.held.subarray(0, bytes));
    this.held = this.held.subarray(bytes);
  }
}

/** How many of the last bytes are the beginning of the mark. */
function sharedEnd(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
