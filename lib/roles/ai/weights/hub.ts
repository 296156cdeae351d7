import { z } from 'zod';
import type { Asker } from './ask.js';
import { bytesOf, digestOf } from './digest.js';
import type { LockedFiles } from './lock-file.js';
import type { WeightSource } from './source.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What of `GET /api/models/…/revision/…?blobs=true` counts. */
const answerSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().int().min(0).nullish(),
      lfs: z.object({ sha256, size: z.number().int().min(0) }).nullish(),
    }),
  ),
});

/**
 * The files of a repository at a revision, and the commit that it is. The hub knows the SHA-256 of what it keeps as large
 * files; the few small ones, of which it knows git's own digest, are read.
 *
 * @throws CitadelError where the hub refuses, cannot be reached, or says what no one understands
 */
export async function readHub(
  { repository, revision }: Extract<WeightSource, { kind: 'hub' }>,
  endpoint: string,
  meant: (path: string) => boolean,
  ask: Asker,
): Promise<{ readonly revision: string; readonly files: LockedFiles }> {
  const url = `${endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await ask.get(url, 'its list of files');
  const parsed = answerSchema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success)
    throw ask.problem(
      'answer',
      `${endpoint} answers with no list of files as the hub has it`,
      'Name the hub, or a mirror that speaks its API: "ai.huggingFaceEndpoint".',
    );
  const { sha, siblings } = parsed.data;
  const files: Record<string, LockedFiles[string]> = {};
  for (const { rfilename: path, lfs, size } of siblings.filter(({ rfilename }) => meant(rfilename))) {
    if (lfs != null) {
      files[path] = { size: lfs.size, sha256: lfs.sha256 };
      continue;
    }
    const address = `${endpoint}/${repository}/resolve/${sha}/${path.split('/').map(encodeURIComponent).join('/')}`;
    const seen = await digestOf(bytesOf(await ask.get(address, path)), path, ask);
    if (size != null && seen.size !== size)
      throw ask.problem(
        'size',
        `${path}: ${seen.size} bytes came, and its list says ${size}`,
        'Try again later.',
      );
    files[path] = seen;
  }
  return { revision: sha, files };
}
