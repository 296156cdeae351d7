import { setTimeout as sleep } from 'node:timers/promises';
import type { Fetching } from '../../engine/recovery/fetched.js';
import type { Weights } from '../../engine/recovery/weights.js';
import { sizeText } from '../../text/size.js';
import { plural } from '../text/style.js';
import { fetchedWeights } from './declared.js';
import type { StepEnd } from './report.js';
import type { Found, Work } from './work.js';

/** Milliseconds between two looks: few at first, then this. */
const LOOK_MS = { first: 250, most: 5000 } as const;
/** Looks at a host that does not begin to fetch, about ten minutes. */
const MOST_WAITING = 120;
/** Looks at a model that has its weights and is not being started, until it is taken for one that someone stopped. */
const PATIENCE = 20;

/**
 * Waits until the host has fetched the weights that no backup has, and until the models have loaded them. The host does it by
 * itself since its services were started, and goes on with it if this run ends.
 */
export async function awaitFetched(work: Work, found: Found): Promise<StepEnd> {
  const { shell, fleet, recovery, manifest, say } = work;
  const awaited = (found.weights?.models ?? [])
    .filter(({ how }) => how === 'fetch')
    .map(({ model }) => model);
  if (awaited.length === 0) return { already: true, detail: 'no model has to be fetched' };
  const began = shell.now();
  const byHand = fetchedWeights(manifest).filter(({ start }) => start === 'manual');
  const startsItself = (model: string): boolean => byHand.every((each) => each.model !== model);
  for (let wait: number = LOOK_MS.first, looks = 0; ; wait = Math.min(wait * 2, LOOK_MS.most), looks += 1) {
    const transport = await fleet.transport(manifest.host);
    const now = await recovery.fetching(transport, awaited, fleet.readOptions(manifest.host));
    if (found.weights !== null) found.weights = asFetched(found.weights, now, (shell.now() - began) / 1000);
    const busy = now.filter(
      ({ model, state, service }) =>
        (state === 'waiting' && looks < MOST_WAITING) ||
        state === 'fetching' ||
        (state === 'there' &&
          startsItself(model) &&
          (service === 'activating' || (service === 'inactive' && looks < PATIENCE))),
    );
    if (busy.length === 0) return { detail: endText(found.weights, awaited) };
    say(busy.map(({ model, state, said }) => `${model}: ${wordsOf(state, said)}`).join('; '));
    await sleep(wait, undefined, { signal: shell.signal });
  }
}

function wordsOf(state: Fetching['state'], said: string): string {
  if (state === 'there') return 'loading';
  if (state === 'waiting') return 'waiting for its turn';
  return said === '' ? 'fetching' : said;
}

function asFetched(weights: Weights, now: readonly Fetching[], seconds: number): Weights {
  const models = weights.models.map((model) => {
    const own = now.find((each) => each.model === model.model);
    if (model.how !== 'fetch' || own === undefined) return model;
    if (own.state === 'there') return { ...model, how: 'fetched' as const, seconds };
    if (own.state !== 'failed') return model;
    return {
      ...model,
      error: own.said,
      fix: `Look: journalctl -u citadel-weights-${model.model}. The host tries again each hour.`,
    };
  });
  return { ...weights, models };
}

function endText(weights: Weights | null, awaited: readonly string[]): string {
  const there = (weights?.models ?? []).filter(({ how }) => how === 'fetched');
  const bytes = there.reduce((sum, model) => sum + model.bytes, 0);
  const words = `${there.length} of ${plural(awaited.length, 'model')} fetched, ${sizeText(bytes)}`;
  return there.length === awaited.length ? words : `${words}; ${awaited.length - there.length} could not be`;
}
