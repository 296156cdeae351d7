import { CitadelError } from '../../manifest/index.js';
import type { Transport } from '../transport.js';
import { linesBefore, splitOutput } from './host-output.js';
import { DATA } from './programs.js';

/** What became of one path that the host keeps off-site. */
export interface DataItem {
  readonly path: string;
  /** `kept`: it was there, and was not touched. */
  readonly how: 'restored' | 'damaged' | 'lost' | 'kept';
  readonly bytes: number;
  /** When its snapshot was made, seconds since 1970. */
  readonly created: number | null;
  /** Of `damaged`, what of it the store no longer has whole; of `lost`, why. */
  readonly parts: readonly string[];
}

const MARK = 'citadel-data/1 ';
const NO_PROGRAM = 66;
/** Hundreds of gigabytes over a slow line. */
const RESTORE_SEC = 12 * 3600;

/**
 * Has a new machine bring back what it keeps off-site.
 *
 * @returns `already` where the machine has kept or restored something before
 * @throws CitadelError `data.failed` where the store cannot be opened: nothing was changed then
 */
export async function restoreData(
  transport: Transport,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<'already' | readonly DataItem[]> {
  const result = await transport.run(DATA, Buffer.alloc(0), {
    deadlineSec: RESTORE_SEC,
    signal,
    onStdout: linesBefore(MARK, say),
  });
  const output = splitOutput(result, MARK);
  const lines = output.result.split('\n');
  if (lines.at(-2) === 'end' && (output.status === 0 || output.status === 1)) {
    if (lines[0] === 'already') return 'already';
    return lines.slice(0, -2).flatMap(itemOf);
  }
  const said = [output.words, result.stderr].map((part) => part.trim()).find((part) => part !== '');
  const nothing = result.exitCode === NO_PROGRAM ? 'the host has no program for it' : 'it says nothing';
  throw new CitadelError({
    code: 'data.failed',
    path: transport.description,
    got: `what is kept off-site cannot be brought back: ${said?.split('\n').slice(-3).join('; ') ?? nothing}`,
    fix: 'Make the store reachable, and run the command again. A host that never kept anything there begins without: --without-data',
  });
}

function itemOf(line: string): DataItem[] {
  const [how, path = '', ...rest] = line.split('\t');
  switch (how) {
    case 'restored':
    case 'damaged': {
      const [bytes, created, ...parts] = rest;
      return [{ path, how, bytes: Number(bytes), created: Number(created), parts }];
    }
    case 'lost':
    case 'kept':
      return [{ path, how, bytes: 0, created: null, parts: rest }];
    default:
      return [];
  }
}
