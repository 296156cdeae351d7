import { CitadelError } from '../../manifest/index.js';
import type { Transport } from '../transport.js';
import { BOOTSTRAP } from './programs.js';

/** The account by which a host will be managed. */
export interface Door {
  readonly user: string;
  /** Its number, where the manifest gives one: files on disks that survived belong to numbers. */
  readonly uid?: number;
  /** Lines for its authorized_keys. None: the keys by which the account that bootstraps may log in. */
  readonly keys: readonly string[];
}

const US = '\u001f';
/** Package lists and sudo may have to come over a slow network. */
const DEADLINE_SEC = 600;

/**
 * Makes the account, its keys and its right to sudo on a bare Debian or Ubuntu, over any log-in that is root or may sudo.
 *
 * @returns what had to be done, in words; nothing when all was right
 * @throws CitadelError `bootstrap.failed` with the host's words
 */
export async function bootstrapHost(
  transport: Transport,
  door: Door,
  options: { readonly signal?: AbortSignal } = {},
): Promise<string[]> {
  const keys = door.keys.length === 0 ? ['-'] : door.keys;
  const lines = [`${door.user}${US}${door.uid === undefined ? '' : String(door.uid)}`, ...keys];
  const result = await transport.run(BOOTSTRAP, Buffer.from(`${lines.join('\n')}\n`), {
    deadlineSec: DEADLINE_SEC,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const output = result.stdout.toString('utf8').split('\n');
  if (result.exitCode === 0 && output.at(-2) === 'end') {
    return output.flatMap((line) => (line.startsWith(`did${US}`) ? [line.slice(4)] : []));
  }
  const words = result.stderr.trim() || `status ${String(result.exitCode)}`;
  throw new CitadelError({
    code: 'bootstrap.failed',
    path: transport.description,
    got: `the account "${door.user}" could not be made: ${words}`,
    fix: 'Mend that on the host, and run the command again: what was done already is left as it is',
  });
}
