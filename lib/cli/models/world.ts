import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecretResolver, nodeSecretDeps } from '../../engine/secrets/sources.js';
import type { Inventory } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import type { FolderFile, LockWorld } from '../../site/index.js';
import { errorMessage } from '../../text/error-message.js';
import { order } from '../../text/order.js';
import type { Shell } from '../shell.js';
import { visible } from '../text/style.js';

/** This machine, as reading sources of weights needs it. */
export function lockWorld(shell: Shell, inventory: Inventory): LockWorld {
  const { projectDir } = inventory.source;
  const resolver = createSecretResolver(inventory.secrets, nodeSecretDeps(projectDir, shell.env));
  return {
    fetch: (url, { headers }) => fetch(url, { headers, signal: shell.signal }),
    folder: (path) => filesBelow(path, ''),
    secret: async (name) => (await resolver.resolve(name)).toString(),
    tell: (line) => shell.err.write(`${visible(line)}\n`),
  };
}

async function* filesBelow(root: string, below: string): AsyncGenerator<FolderFile> {
  const folder = join(root, below);
  const names = await orSay(folder, () => readdir(folder));
  for (const name of names.sort(order)) {
    const path = below === '' ? name : `${below}/${name}`;
    const full = join(root, path);
    const seen = await orSay(full, () => stat(full));
    if (seen.isDirectory()) yield* filesBelow(root, path);
    else if (seen.isFile()) yield { path, bytes: () => bytesOf(full) };
  }
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  try {
    for await (const block of stream) yield block as Buffer;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function orSay<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): CitadelError {
  return new CitadelError(
    {
      code: 'weights.source-folder',
      path,
      got: `cannot be read: ${errorMessage(error)}`,
      fix: 'Run the command on a machine where the folder is, or mount it here.',
    },
    { cause: error },
  );
}
