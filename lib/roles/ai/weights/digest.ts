import { createHash } from 'node:crypto';
import type { Asker } from './ask.js';
import type { LockedFiles } from './lock-file.js';

/** @throws CitadelError where the connection is cut */
export async function digestOf(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  path: string,
  ask: Asker,
): Promise<LockedFiles[string]> {
  ask.world.tell(`${ask.where}: reading ${path}`);
  try {
    return await sum(bytes);
  } catch (error) {
    throw ask.cut(path, error);
  }
}

/** Size and digest of bytes as they come. */
export async function sum(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<LockedFiles[string]> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const block of bytes) {
    hash.update(block);
    size += block.length;
  }
  return { size, sha256: hash.digest('hex') };
}

/** The body of an answer, as it comes. */
export async function* bytesOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part?.value === undefined) return;
    yield part.value;
  }
}
