import { extract } from 'tar-stream';
import { CitadelError } from '../../manifest/index.js';
import type { ReadTransport } from '../transport.js';
import type { ReadOptions } from './observe-host.js';
import { runReader } from './observe-host.js';
import { FETCH } from './programs.js';
import { names, relative } from './request.js';

/**
 * Whole contents of regular files, by absolute path, in one exec. Ask only for files whose size is known and small:
 * all of it stands in memory.
 *
 * @throws CitadelError `observe.failed` when one of them has gone or cannot be read, `observe.moving` when one is no
 *   longer a regular file
 */
export async function fetchContents(
  transport: ReadTransport,
  paths: readonly string[],
  options: ReadOptions = {},
): Promise<ReadonlyMap<string, Buffer>> {
  if (paths.length === 0) return new Map();
  const archive = await runReader(transport, FETCH, names(paths.map(relative)), options);
  const contents = await readArchive(archive);
  const missing = paths.filter((path) => !contents.has(path));
  if (missing.length > 0) {
    throw new CitadelError(
      missing.map((path) => ({
        code: 'observe.moving',
        path: transport.description,
        got: `${path} is no longer a regular file`,
        fix: 'Run the command again',
      })),
    );
  }
  return contents;
}

/** Regular files of a tar archive whose names begin with `./`, by absolute path. */
function readArchive(archive: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  return new Promise((resolve, reject) => {
    const contents = new Map<string, Buffer>();
    const reader = extract();
    reader.on('entry', (header, stream, next) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk as Buffer));
      stream.on('end', () => {
        if (header.type === 'file') contents.set(header.name.slice(1), Buffer.concat(chunks));
        next();
      });
    });
    reader.on('error', reject);
    reader.on('finish', () => resolve(contents));
    reader.end(archive);
  });
}
