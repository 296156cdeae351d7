import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { visible } from './text/style.js';

/** A person had enough. */
export class NotAnswered extends Error {
  constructor(question: string) {
    super(`Ctrl-C at "${question}"`);
  }
}

/** The terminal that a person sits at. */
export interface TerminalInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/**
 * Asks a question without showing what is typed, and each question once, however many hosts and connections need its answer.
 * `undefined` where there is no terminal, or nothing was typed.
 *
 * @param interrupt what Ctrl-C does elsewhere: while a question stands, the terminal makes no signal of it
 * @throws NotAnswered after Ctrl-C, at once where that came before the question
 */
export function secretAsker(
  input: TerminalInput,
  output: Pick<NodeJS.WritableStream, 'write'>,
  interrupt: () => void,
): (question: string) => Promise<string | undefined> {
  const asked = new Map<string, Promise<string | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  return (question) => {
    if (input.isTTY !== true) return Promise.resolve(undefined);
    // Hosts are connected to at the same time; a person answers one question at a time. After Ctrl-C none is asked any more.
    const answer = asked.get(question) ?? last.then(() => ask(input, output, question, interrupt));
    asked.set(question, answer);
    last = answer;
    return answer;
  };
}

function ask(
  input: TerminalInput,
  output: Pick<NodeJS.WritableStream, 'write'>,
  question: string,
  interrupt: () => void,
): Promise<string | undefined> {
  // In terminal mode readline takes over the echo, and this one goes nowhere.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: silent, terminal: true });
  output.write(`${visible(question)}: `);
  return new Promise((resolve, reject) => {
    const done = (answer: string | undefined): void => {
      output.write('\n');
      resolve(answer === '' ? undefined : answer);
      lines.close();
    };
    lines.once('line', done);
    lines.once('close', () => resolve(undefined));
    lines.once('SIGINT', () => {
      output.write('\n');
      reject(new NotAnswered(question));
      lines.close();
      interrupt();
    });
  });
}
