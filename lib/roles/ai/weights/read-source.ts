import { CitadelError } from '../../../manifest/index.js';
import type { LockWorld } from '../../../site/index.js';
import type { WeightsInventory } from '../schema/weights.js';
import { Asker } from './ask.js';
import { bytesOf, digestOf, sum } from './digest.js';
import { readHub } from './hub.js';
import type { LockedFiles, LockedWeights } from './lock-file.js';
import { isMeant, isPlainRelative, parseSource } from './source.js';

export interface Wanted {
  /** `HOST/MODEL`, for messages. */
  readonly where: string;
  readonly weights: WeightsInventory;
  /** Of the hub. */
  readonly endpoint: string;
}

/**
 * What a source has now: each file with its size and digest. Of the hub, large files are not read: it knows their digests.
 *
 * @throws CitadelError where it cannot be read, or has nothing of what is meant
 */
export async function readSource(wanted: Wanted, world: LockWorld): Promise<LockedWeights> {
  const { where, endpoint, weights } = wanted;
  const { from, include = [], exclude = [], token } = weights;
  const source = parseSource(from);
  const bearer = token === undefined ? undefined : await world.secret(token);
  const ask = new Asker(world, `${where}: ${from}`, bearer);
  // A header that cannot be sent would be quoted, with the token, in the message of whoever refuses it.
  if (bearer !== undefined && !/^[\x21-\x7e]+$/.test(bearer))
    throw new CitadelError({
      code: 'weights.token',
      path: where,
      got: `the secret "${token ?? ''}" is no token: it has spaces, line ends or other such characters`,
      fix: 'Give it the token alone.',
    });
  const meant = (path: string): boolean => isMeant(path, include, exclude);
  let revision: string | undefined;
  let files: LockedFiles;
  if (source?.kind === 'hub') ({ revision, files } = await readHub(source, endpoint, meant, ask));
  else if (source?.kind === 'https') files = await readWeb(source.url, include.filter(meant), ask);
  else files = await readFolder(source?.path ?? '', meant, world, where);
  const odd = Object.keys(files).find((path) => !isPlainRelative(path));
  if (odd !== undefined)
    throw problem(where, 'path', `${from} has ${JSON.stringify(odd)}, which is no path inside of a folder`);
  if (Object.keys(files).length === 0)
    throw problem(where, 'empty', `${from} has no file that "include" and "exclude" leave`);
  return { from, include, exclude, ...(revision === undefined ? {} : { revision }), files };
}

function problem(where: string, kind: string, got: string): CitadelError {
  const fix = 'Look at what is there, and correct "weights" of the model.';
  return new CitadelError({ code: `weights.source-${kind}`, path: where, got, fix });
}

async function readWeb(url: string, paths: readonly string[], ask: Asker): Promise<LockedFiles> {
  const files: Record<string, LockedFiles[string]> = {};
  for (const path of paths) {
    const address = url + path.split('/').map(encodeURIComponent).join('/');
    files[path] = await digestOf(bytesOf(await ask.get(address, path)), path, ask);
  }
  return files;
}

async function readFolder(
  folder: string,
  meant: (path: string) => boolean,
  world: LockWorld,
  where: string,
): Promise<LockedFiles> {
  const files: Record<string, LockedFiles[string]> = {};
  for await (const { path, bytes } of world.folder(folder)) {
    if (!meant(path)) continue;
    world.tell(`${where}: reading ${path}`);
    files[path] = await sum(bytes());
  }
  return files;
}
