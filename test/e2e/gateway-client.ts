import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * People at a gateway: workers that ask without pause until standard input ends; each ends what it has asked. Says `answered N` after
 * each answer that was whole, and at the end all of it as a line of JSON, {@link Heard}.
 *
 *     node --import tsx gateway-client.ts URL KEY WORKERS [retry]
 *
 * `retry`: a request that fails is asked again until it is answered, as a client library does; failures are counted all the same.
 */
export interface Heard {
  readonly answered: number;
  readonly failures: readonly string[];
}

/** The double says back what it was told, a word at a time. */
const PROMPT = Array.from({ length: 100 }, (_, at) => `word${at}`).join(' ');
/** Too large for the gateway to keep: it is sent once. */
const LARGE = 'x'.repeat(300_000);
const MAX_FAILURES = 20;

const [url = '', key = '', workers = '1', retry] = process.argv.slice(2);
const failures: string[] = [];
let answered = 0;
let working = true;

/** @returns what was wrong with the answer; undefined: nothing */
async function ask(stream: boolean, large: boolean): Promise<string | undefined> {
  const prompt = large ? `${LARGE} ${PROMPT}` : PROMPT;
  try {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: prompt }], max_tokens: 1000, stream }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (answer.status !== 200) return `${answer.status} ${text.slice(0, 200)}`;
    const whole = stream ? text.endsWith('data: [DONE]\n\n') : text.includes('"finish_reason": "stop"');
    if (whole && text.includes('word99')) return undefined;
    return `cut off: ${text.slice(-200)}`;
  } catch (error) {
    const { cause } = error as Error;
    return `${String(error)} ${cause instanceof Error ? cause.message : ''}`;
  }
}

async function work(number: number): Promise<void> {
  for (let count = number; working; count += 1) {
    for (;;) {
      const failure = await ask(count % 2 === 0, count % 5 === 0);
      if (failure === undefined) {
        answered += 1;
        process.stdout.write(`answered ${answered}\n`);
        break;
      }
      failures.push(failure);
      if (retry !== 'retry') break;
      await wait(100);
    }
    // Nothing more is learnt from a gateway that is away.
    if (retry !== 'retry' && failures.length >= MAX_FAILURES) return;
  }
}

createInterface({ input: process.stdin }).on('close', () => (working = false));
await Promise.all(Array.from({ length: Number(workers) }, (_, number) => work(number)));
process.stdout.write(`${JSON.stringify({ answered, failures } satisfies Heard)}\n`);
process.exit(0);
