import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { visible } from './text/style.js';

/** The terminal that a person sits at. */
export interface TerminalInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/**
 * Asks for the passphrase of a key file, without showing what is typed, and once for each file, however many hosts and
 * connections need it. `undefined` where there is no terminal, or nothing was typed.
 */
export function passphraseAsker(
  input: TerminalInput,
  output: Pick<NodeJS.WritableStream, 'write'>,
): (path: string) => Promise<string | undefined> {
  const asked = new Map<string, Promise<string | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  return (path) => {
    if (input.isTTY !== true) return Promise.resolve(undefined);
    // Hosts are connected to at the same time; a person answers one question at a time.
    const answer = asked.get(path) ?? last.then(() => ask(input, output, path));
    asked.set(path, answer);
    last = answer;
    return answer;
  };
}

function ask(
  input: TerminalInput,
  output: Pick<NodeJS.WritableStream, 'write'>,
  path: string,
): Promise<string | undefined> {
  // In terminal mode readline takes over the echo, and this one goes nowhere.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: silent, terminal: true });
  output.write(`Passphrase of ${visible(path)}: `);
  return new Promise((resolve) => {
    const done = (answer: string | undefined): void => {
      output.write('\n');
      resolve(answer === '' ? undefined : answer);
      lines.close();
    };
    lines.once('line', done);
    lines.once('close', () => resolve(undefined));
    lines.once('SIGINT', () => done(undefined));
  });
}
