import { z } from 'zod';
import { CitadelError } from '../../manifest/index.js';
import type { ProgramResult, ReadTransport, RunOptions, Transport } from '../transport.js';
import { linesBefore, splitOutput } from './host-output.js';
import { WEIGHTS, WEIGHTS_PLAN } from './programs.js';

/** Archives of this type only, or of any. */
export type BackupType = 'daily' | 'weekly' | 'monthly';

/** `fetch`: the host fetches it by itself, by the lock file; `fetched`: it has. Others are the host's own words. */
type How = z.infer<typeof modelSchema>['how'] | 'fetch' | 'fetched';

/** One model, as `backup_manager.py restore --json` prints it (docs/node/backups.md). */
const modelSchema = z.object({
  model: z.string(),
  unit: z.string(),
  port: z.number().int(),
  directory: z.string(),
  how: z.enum(['whole', 'unverified', 'restored', 'copied', 'missing', 'failed', 'restore', 'copy']),
  /** Archive or copy it came from, or would come from. */
  source: z.string().nullable(),
  /** When that archive was made, seconds since 1970. */
  created: z.number().nullable(),
  bytes: z.number(),
  seconds: z.number(),
  skipped: z.array(z.object({ archive: z.string(), why: z.string() })),
  error: z.string(),
  fix: z.string(),
});
export type ModelWeights = Omit<z.infer<typeof modelSchema>, 'how'> & { readonly how: How };
const resultSchema = z.object({
  /** The unit that fails as long as any model is missing. */
  storage_unit: z.string(),
  models: z.array(modelSchema),
});

export interface Weights {
  readonly storageUnit: string;
  readonly models: readonly ModelWeights[];
}

/** Another run of the host's program is at work. */
const BUSY = 75;
const NO_PROGRAM = 66;
/** Hundreds of gigabytes from a slow disk; the host's program can be started again when this is over. */
const RESTORE_SEC = 12 * 3600;

/** Whether the model can be started. */
export function isThere({ how }: ModelWeights): boolean {
  return (
    how === 'whole' || how === 'unverified' || how === 'restored' || how === 'copied' || how === 'fetched'
  );
}

/** What the host would do about its models; `null` where it has no program for them yet. Writes nothing. */
export async function planWeights(
  transport: ReadTransport,
  type: BackupType | undefined,
  options: { readonly deadlineSec?: number; readonly signal?: AbortSignal },
): Promise<Weights | null> {
  // Models whose times differ from the backup's are read to be compared.
  const limits = { ...options, deadlineSec: Math.max(options.deadlineSec ?? 0, 3600) };
  const result = await transport.read(WEIGHTS_PLAN, Buffer.from(`${type ?? 'any'}\n`), limits);
  return result.exitCode === NO_PROGRAM ? null : weightsOf(result, transport.description);
}

/** Has the host bring back what is missing. Each model appears in one step; run again, it goes on where it was. */
export async function restoreWeights(
  transport: Transport,
  type: BackupType | undefined,
  say: (line: string) => void,
  options: { readonly signal?: AbortSignal },
): Promise<Weights> {
  const limits: RunOptions = {
    deadlineSec: RESTORE_SEC,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onStdout: linesBefore(MARK, say),
  };
  const result = await transport.run(WEIGHTS, Buffer.from(`${type ?? 'any'}\n`), limits);
  return weightsOf(result, transport.description);
}

const MARK = 'citadel-weights/1 ';

/** The output of `remote/weights.sh`: words, the mark with the program's status, JSON. */
export function weightsOf(result: ProgramResult, where: string): Weights {
  const { words, status, result: json } = splitOutput(result, MARK);
  const parsed = status === undefined ? undefined : resultSchema.safeParse(parseJson(json));
  if (parsed?.success === true) return { storageUnit: parsed.data.storage_unit, models: parsed.data.models };
  const said = [words, result.stderr].map((part) => part.trim()).find((part) => part !== '');
  if (status === BUSY) {
    throw new CitadelError({
      code: 'weights.busy',
      path: where,
      got: `another run is at work on the host: ${said ?? ''}`,
      fix: 'Wait until it has ended (a backup, or an earlier rebuild that lost its connection), and run the command again',
    });
  }
  throw new CitadelError({
    code: 'weights.failed',
    path: where,
    got: `models cannot be looked at or brought back: ${said ?? `status ${String(status ?? result.exitCode)}`}`,
    fix: 'Fix that on the host, and run the command again; by hand it is: sudo /opt/citadel/scripts/backup_manager.py restore',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
