import type { Problem } from '../../manifest/index.js';
import { CitadelError } from '../../manifest/index.js';

/**
 * The NUL-terminated fields of a program's output, read in order. Output that ends early, or goes on too long, is an
 * error and never a default: a cut connection must not look like an empty host.
 */
export class Fields {
  readonly #fields: readonly string[];
  readonly #source: string;
  #next = 0;

  /** @param source the host, for messages */
  constructor(output: Buffer, source: string) {
    const fields = output.toString('utf8').split('\0');
    this.#fields = fields;
    this.#source = source;
    if (fields.pop() !== '') throw this.unreadable('output that ends in the middle of a field');
  }

  take(): string {
    const field = this.#fields[this.#next];
    if (field === undefined) throw this.unreadable('output that ends too early');
    this.#next += 1;
    return field;
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

/** The problem of an answer that we do not understand. */
export function unreadable(host: string, got: string): Problem {
  return {
    code: 'observe.output',
    path: host,
    got: `The host answered with ${got}`,
    fix: 'Run the command again; if it stays, compare the host’s tools with those of Debian 12 or 13.',
  };
}
