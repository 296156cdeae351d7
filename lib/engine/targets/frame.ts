import type { RemoteProgram } from '../transport.js';

/**
 * How a program and its output stand in streams that the start-up files of the account's login shell read and write as well.
 * The program's text stands between two marks and is run only if it arrived whole: bytes that a start-up file ate would
 * have the text end in the data, which must never run. What comes before the mark of the output is not the program's.
 */
export interface Frame {
  /** The program's text with its marks, as it is sent before its input. */
  readonly text: Buffer;
  /** For `sh -c`, with the program's name as `$0`. Holds no single quote, backslash or exclamation mark: login shells differ in them. */
  readonly command: string;
  /** What the program's own output begins after. */
  readonly mark: Buffer;
}

/** The status with which a program's text that did not arrive whole is told. */
export const NOT_WHOLE = 90;

/** @param nonce letters and digits that nothing else sends: the marks of one run */
export function frameOf(program: RemoteProgram, nonce: string): Frame {
  const end = `# citadel-iac end ${nonce}`;
  const bytes = Buffer.byteLength(program.script);
  const begin = `# citadel-iac begin ${nonce} ${String(bytes)}`;
  const text = Buffer.from(`${begin}\n${program.script}\n${end}`);
  const output = `# citadel-iac output ${nonce}`;
  const command =
    `text=$(head -c ${String(text.length)}); case $text in "${begin}"*"${end}") ` +
    `echo "${output}"; eval "$text" ;; *) exit ${String(NOT_WHOLE)} ;; esac`;
  return { text, command, mark: Buffer.from(`${output}\n`) };
}

/** Leaves out of a stream what comes before a mark, and the mark. */
export class AfterMark {
  found = false;
  private before = Buffer.alloc(0);

  constructor(
    private readonly mark: Buffer,
    private readonly onData: (chunk: Buffer) => void,
  ) {}

  push(chunk: Buffer): void {
    if (this.found) {
      this.onData(chunk);
      return;
    }
    const seen = Buffer.concat([this.before, chunk]);
    const at = seen.indexOf(this.mark);
    if (at < 0) {
      this.before = seen.subarray(Math.max(0, seen.length - this.mark.length + 1));
      return;
    }
    this.found = true;
    this.before = Buffer.alloc(0);
    const rest = seen.subarray(at + this.mark.length);
    if (rest.length > 0) this.onData(rest);
  }
}
