import { CitadelError } from '../../manifest/index.js';
import type { LeftPlace } from '../model.js';
import type { ReadTransport, Transport } from '../transport.js';
import { RESOLVE_ACCEPT, RESOLVE_SHOW } from './programs.js';

/** What an undo left on a host, with what stands there now; nothing when no transaction is open or none was tried to be undone. */
export async function readLeft(
  transport: ReadTransport,
  options: { readonly deadlineSec?: number } = {},
): Promise<LeftPlace[]> {
  const { stdout } = await transport.read(RESOLVE_SHOW, Buffer.alloc(0), {
    deadlineSec: options.deadlineSec ?? 60,
  });
  return parseLeftPlaces(stdout.toString('utf8'), transport.description);
}

/**
 * The output of `remote/resolve-show.sh`.
 *
 * @throws CitadelError `resolve.output` when it is not complete
 */
export function parseLeftPlaces(output: string, host: string): LeftPlace[] {
  const fields = output.split('\0');
  const records = fields.slice(1, -2);
  if (fields[0] !== 'citadel-resolve/1' || fields.at(-2) !== 'end' || records.length % 7 !== 0) {
    throw new CitadelError({
      code: 'resolve.output',
      path: host,
      got: `the host answered something else than asked: ${JSON.stringify(output.slice(0, 120))}`,
      fix: 'Let the start-up files of its shell print nothing when there is no terminal.',
    });
  }
  return Array.from({ length: records.length / 7 }, (_, index) => {
    const [, kind = '', item = '', reason = '', now = '', whose = '', kept = ''] = records.slice(index * 7);
    return {
      kind,
      item,
      reason,
      ...(now !== '' && { now }),
      ...(isWhose(whose) && { whose }),
      ...(kept !== '' && { kept }),
    };
  });
}

function isWhose(word: string): word is NonNullable<LeftPlace['whose']> {
  return ['before', 'transaction', 'other', 'absent'].includes(word);
}

/**
 * Ends a transaction whose undo left something, with what is there now.
 *
 * @param id the transaction that was shown: another one is not ended in its place
 * @returns the folder on the host that keeps the copies of before
 * @throws CitadelError `resolve.accept` when it was not ended, with the host's reason
 */
export async function acceptLeft(transport: Transport, host: string, id: string): Promise<string> {
  const { stdout } = await transport.run(RESOLVE_ACCEPT, Buffer.from(`${id}\n`), { deadlineSec: 120 });
  const [word = '', ...rest] = stdout.toString('utf8').trim().split(' ');
  if (word === 'accepted') return `/var/lib/citadel-iac/kept/${id}/tree`;
  throw new CitadelError({ code: 'resolve.accept', path: host, ...refusal(host, word, rest.join(' ')) });
}

function refusal(host: string, word: string, words: string): { readonly got: string; readonly fix: string } {
  switch (word) {
    case 'running':
      return { got: 'a transaction is at work; nothing was changed', fix: 'Wait for its end and try again.' };
    case 'other':
      return {
        got: 'the transaction that was shown is not open any more; nothing was changed',
        fix: `Look again: "citadel-iac resolve ${host}".`,
      };
    case 'untried':
      return {
        got: 'nothing has tried to undo this transaction yet, so there is nothing to accept',
        fix: `Run "citadel-iac resolve ${host} --retry": it brings the host to a whole generation.`,
      };
    default:
      return {
        got: `the copies of what was there before could not be kept (${words === '' ? 'the host gave no reason' : words}); nothing was changed`,
        fix: 'Make room in /var of the host and try again.',
      };
  }
}
