import { newIdentity, recipientOf } from '../../../../lib/engine/secrets/age/crypt.js';
import type { AgeDeps } from '../../../../lib/engine/secrets/age/deps.js';
import { CitadelError } from '../../../../lib/manifest/index.js';

export interface Person {
  readonly identity: string;
  readonly recipient: string;
}

export async function person(): Promise<Person> {
  const identity = await newIdentity();
  return { identity, recipient: (await recipientOf(identity))! };
}

/** A project of files in memory, below `/project`, and someone's identity at home. */
export function world(files: Record<string, string | Buffer>, mode = 0o600): AgeDeps {
  const read = (path: string): Promise<Buffer> => {
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    return content === undefined
      ? Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
      : Promise.resolve(Buffer.from(content));
  };
  return {
    env: {},
    home: '/home/anna',
    folder: '/project',
    readFile: read,
    readPrivate: async (path) => ({ bytes: await read(path), mode: 0o100000 | mode }),
  };
}

export const IDENTITY = '/home/anna/.config/citadel-iac/identity.txt';

/** What someone is told; the promise must fail with problems. */
export async function told(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  throw new Error('this should have failed');
}
