import { isUtf8 } from 'node:buffer';
import type { Problem } from '../../manifest/index.js';
import { CitadelError } from '../../manifest/index.js';

/**
 * The NUL-terminated fields of a program's output, read in order. Output that ends early, or goes on too long, is an
 * error and never a default: a cut connection must not look like an empty host.
 */
export class Fields {
  readonly #fields: readonly string[];
  readonly #source: string;
  readonly #output: Buffer;
  /** One character for each byte; made when a field is not text. */
  #raw: readonly string[] | undefined;
  #next = 0;

  /** @param source the host, for messages */
  constructor(output: Buffer, source: string) {
    const fields = output.toString('utf8').split('\0');
    this.#fields = fields;
    this.#source = source;
    this.#output = output;
    if (fields.pop() !== '') throw this.unreadable('output that ends in the middle of a field');
  }

  take(): string {
    const field = this.#fields[this.#next];
    if (field === undefined) throw this.unreadable('output that ends too early');
    this.#next += 1;
    return field;
  }

  /** A field that is text by custom only: where its bytes are not UTF-8, `text` shows them as `\xe9` and `bytes` has them. */
  takeText(): { readonly text: string; readonly bytes?: Buffer } {
    const text = this.take();
    if (!text.includes('\ufffd')) return { text };
    this.#raw ??= this.#output.toString('latin1').split('\0');
    const bytes = Buffer.from(this.#raw[this.#next - 1] ?? '', 'latin1');
    return bytes.equals(Buffer.from(text)) ? { text } : { text: shown(bytes), bytes };
  }

  expect(wanted: string): void {
    const field = this.take();
    if (field !== wanted) throw this.unreadable(`${JSON.stringify(field)} where "${wanted}" belongs`);
  }

  get ended(): boolean {
    return this.#next === this.#fields.length;
  }

  end(): void {
    if (!this.ended) throw this.unreadable('output that goes on after its end');
  }

  unreadable(got: string): CitadelError {
    return new CitadelError(unreadable(this.#source, got));
  }
}

/** What is UTF-8 of some bytes as text, each other byte as `\xe9`. */
function shown(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((size) => isUtf8(bytes.subarray(at, at + size))) ?? 0;
    if (length === 0 || at + length > bytes.length) {
      text += `\\x${bytes.toString('hex', at, at + 1)}`;
      at += 1;
    } else {
      text += bytes.toString('utf8', at, at + length);
      at += length;
    }
  }
  return text;
}

/** The problem of an answer that we do not understand. */
export function unreadable(host: string, got: string): Problem {
  return {
    code: 'observe.output',
    path: host,
    got: `The host answered with ${got}`,
    fix: 'Run the command again; if it stays, compare the host’s tools with those of Debian 12 or 13.',
  };
}
