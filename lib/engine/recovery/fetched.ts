import { CitadelError } from '../../manifest/index.js';
import { runReader, type ReadOptions } from '../observe/observe-host.js';
import type { ReadTransport } from '../transport.js';
import { FETCHED } from './programs.js';

/** How far a host is with the weights of a model that it fetches by itself. */
export interface Fetching {
  readonly model: string;
  /** `waiting`: for its turn or its timer. */
  readonly state: 'waiting' | 'fetching' | 'there' | 'failed';
  /** While it fetches, how far; of `failed`, why. */
  readonly said: string;
  /** systemd's ActiveState of the model's own service. */
  readonly service: string;
}

const FIELDS = 7;

/** One read of the host for all of these models. */
export async function readFetching(
  transport: ReadTransport,
  models: readonly string[],
  options: ReadOptions = {},
): Promise<Fetching[]> {
  const input = Buffer.from(models.map((name) => `${name}\n`).join(''));
  const output = await runReader(transport, FETCHED, input, options);
  return parseFetching(output.toString('utf8'), models, transport.description);
}

/** The output of `remote/fetched.sh`. */
export function parseFetching(output: string, models: readonly string[], where: string): Fetching[] {
  const fields = output.split('\0');
  if (
    fields[0] !== 'citadel-fetched/1' ||
    fields.at(-2) !== 'end' ||
    fields.length !== models.length * FIELDS + 3
  )
    throw new CitadelError({
      code: 'fetched.output',
      path: where,
      got: `the host answered something else than asked: ${JSON.stringify(output.slice(0, 120))}`,
      fix: 'Let the start-up files of its shell print nothing when there is no terminal',
    });
  return models.map((model, at) => {
    const [, active = '', ended, result = '', status = '', last = '', service = ''] = fields.slice(
      1 + at * FIELDS,
      1 + (at + 1) * FIELDS,
    );
    const busy = active === 'active' || active === 'activating' || active === 'reloading';
    if (busy) return { model, state: 'fetching', said: status, service };
    if (result !== 'success') return { model, state: 'failed', said: last === '' ? result : last, service };
    return { model, state: ended === '1' ? 'there' : 'waiting', said: '', service };
  });
}
