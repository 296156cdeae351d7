import type { HostManifest } from '../../manifest/index.js';
import { CitadelError, manifestDigest, manifestSchema } from '../../manifest/index.js';
import type { GenerationRecord } from '../model.js';
import type { ReadTransport } from '../transport.js';
import { Fields, unreadable } from './fields.js';
import type { ReadOptions } from './observe-host.js';
import { runReader } from './observe-host.js';
import { HISTORY } from './programs.js';

/** The status with which `remote/history.sh` says that there is no such generation. */
const NO_GENERATION = 66;

/**
 * The generations that a host keeps, oldest first; empty for a host that has none.
 *
 * @throws CitadelError when the host cannot be reached or its record cannot be read
 */
export async function readHistory(
  transport: ReadTransport,
  options: ReadOptions = {},
): Promise<GenerationRecord[]> {
  const output = await runReader(transport, HISTORY, Buffer.from('list\n'), options);
  return parseHistory(output, transport.description);
}

/** The output of `remote/history.sh` for `list`. */
export function parseHistory(output: Buffer, source: string): GenerationRecord[] {
  const fields = new Fields(output, source);
  fields.expect('citadel-history/4');
  const current = fields.take();
  const records: GenerationRecord[] = [];
  for (let name = fields.take(); name !== 'end'; name = fields.take()) {
    if (!/^[1-9][0-9]{0,8}$/.test(name))
      throw fields.unreadable(`a generation named ${JSON.stringify(name)}`);
    const [digest, time, who, summary] = [fields.take(), fields.take(), fields.take(), fields.take()];
    const commit = fields.take();
    const tool = fields.take();
    const pinned = fields.take() === '1';
    records.push({
      generation: Number(name),
      digest,
      time,
      who,
      summary,
      ...(commit !== '' && { commit }),
      ...(tool !== '' && { tool }),
      current: name === current,
      pinned,
    });
  }
  fields.end();
  return records.sort((a, b) => a.generation - b.generation);
}

/**
 * The manifest of a past generation as it was applied: secrets are references in it.
 *
 * @param options `digest`: the one that the generation's record has
 * @throws CitadelError `history.none` when the host has no such generation, `history.damaged` when it is not a manifest, or
 *   not the one with this digest
 */
export async function readManifest(
  transport: ReadTransport,
  generation: number | 'current',
  options: ReadOptions & { readonly digest?: string } = {},
): Promise<HostManifest> {
  const input = Buffer.from(`manifest ${generation}\n`);
  const result = await transport.read(HISTORY, input, {
    deadlineSec: options.deadlineSec ?? 60,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (result.exitCode === NO_GENERATION) {
    throw new CitadelError({
      code: 'history.none',
      path: transport.description,
      got:
        generation === 'current'
          ? 'The host has no generation yet'
          : `The host has no generation ${generation}`,
      fix:
        generation === 'current'
          ? 'Apply a configuration to it first'
          : 'Choose one that "citadel-iac history" lists',
    });
  }
  if (result.exitCode !== 0) {
    throw new CitadelError(
      unreadable(transport.description, `status ${result.exitCode}: ${result.stderr.trim()}`),
    );
  }
  const parsed = manifestSchema.safeParse(parseJson(result.stdout.toString('utf8')));
  if (parsed.success) {
    const digest = manifestDigest(parsed.data);
    if (options.digest === undefined || options.digest === digest) return parsed.data;
    throw otherDigest(transport.description, generation, digest, options.digest);
  }
  throw new CitadelError({
    code: 'history.damaged',
    path: transport.description,
    got: `manifest.json of generation ${generation} is damaged, or of a later version: ${parsed.error.issues[0]?.message ?? 'not JSON'}`,
    fix: 'Choose another generation, or use the version of citadel-iac that made it',
  });
}

/** Someone or something changed the document after it was applied: no one reviewed what it says now. */
function otherDigest(
  path: string,
  generation: number | 'current',
  found: string,
  recorded: string,
): CitadelError {
  const said = recorded === '' ? 'no digest' : `the digest ${recorded.slice(0, 12)}`;
  return new CitadelError({
    code: 'history.damaged',
    path,
    got: `manifest.json of generation ${generation} is not what was applied: its digest is ${found.slice(0, 12)}, and its record has ${said}`,
    fix: 'Find out who changed it; choose another generation, or apply the project instead',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
