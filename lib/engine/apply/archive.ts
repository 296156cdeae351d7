import { pack } from 'tar-stream';
import type { Payload } from './payload.js';

/**
 * What `remote/stage.sh` reads: the transaction's id on a line, then a tar archive of its files. Streamed, so that a
 * host of many files never stands in memory twice.
 *
 * @param signal ends it early: what has arrived by then is no whole archive, and the host throws it away
 */
export async function* stageStream(
  id: string,
  payload: Payload,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${id}\n`);
  const archive = pack();
  void (async (): Promise<void> => {
    for (const [name, content] of payload) {
      await new Promise<void>((resolve, reject) => {
        archive.entry({ name, mode: 0o600, mtime: new Date(0), size: content.length }, content, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    }
    archive.finalize();
  })().catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  for await (const piece of archive as AsyncIterable<Uint8Array>) {
    if (signal?.aborted === true) return;
    yield piece;
  }
}
