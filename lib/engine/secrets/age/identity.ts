import { resolve } from 'node:path';
import { CitadelError } from '../../../manifest/index.js';
import { recipientOf } from './crypt.js';
import { reasonOf, type AgeDeps } from './deps.js';

/** Environment variable with the path of the identity file. The key itself never stands in an environment. */
export const IDENTITY_VARIABLE = 'CITADEL_AGE_IDENTITY_FILE';
export const DEFAULT_IDENTITY = '~/.config/citadel-iac/identity.txt';

export interface Identity {
  /** The file, as messages name it. */
  readonly shown: string;
  /** `AGE-SECRET-KEY-1…`: never printed. */
  readonly keys: readonly string[];
  /** The public halves, in the same order. */
  readonly recipients: readonly string[];
}

export interface PathOf {
  /** As it was written. */
  readonly shown: string;
  readonly absolute: string;
}

export function identityPath(deps: Pick<AgeDeps, 'env' | 'home' | 'folder'>): PathOf {
  const named = deps.env[IDENTITY_VARIABLE];
  return locate(named === undefined || named === '' ? DEFAULT_IDENTITY : named, deps);
}

/** `~/` is the operator's home; other relative paths start at the project. */
export function locate(path: string, { home, folder }: Pick<AgeDeps, 'home' | 'folder'>): PathOf {
  const absolute = path.startsWith('~/') ? `${home}${path.slice(1)}` : resolve(folder, path);
  return { shown: path, absolute };
}

/**
 * The operator's identity file, as `age-keygen` writes it. As ssh does, one that others may read is refused rather than
 * warned of: a warning would be read after the key was copied.
 *
 * @throws CitadelError that says what is wrong with it, and nothing of what stands in it
 */
export async function readIdentity(deps: AgeDeps): Promise<Identity> {
  const { shown, absolute } = identityPath(deps);
  const problem = (code: string, got: string, fix: string, cause?: unknown): CitadelError =>
    new CitadelError({ code: `secret.age-identity-${code}`, path: shown, got, fix }, { cause });
  let file: { readonly bytes: Buffer; readonly mode: number };
  try {
    file = await deps.readPrivate(absolute);
  } catch (error) {
    const got = `Your age identity file cannot be read: ${reasonOf(error)}`;
    const fix = `Put it there, name another one in ${IDENTITY_VARIABLE}, or make one with "citadel-iac secrets keygen"`;
    throw problem('file', got, fix, error);
  }
  if ((file.mode & 0o077) !== 0) {
    const mode = (file.mode & 0o777).toString(8).padStart(4, '0');
    const got = `Your age identity file has mode ${mode}: others may read or change it`;
    const fix = `Run "chmod 600 ${shown}"; if someone may have read it, replace it (docs/secrets.md)`;
    throw problem('mode', got, fix);
  }
  const keys: string[] = [];
  const recipients: string[] = [];
  for (const [index, raw] of file.bytes.toString('utf8').split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const recipient = await recipientOf(line);
    if (recipient === undefined) {
      const got = `Line ${index + 1} of your age identity file is not an age identity`;
      const fix =
        'Keep lines that begin with AGE-SECRET-KEY- only; SSH keys, plugins and passphrases need the program age and a source "command"';
      throw problem('form', got, fix);
    }
    keys.push(line);
    recipients.push(recipient);
  }
  if (keys.length === 0) {
    throw problem(
      'form',
      'Your age identity file holds no identity',
      'Put the line that begins with AGE-SECRET-KEY- into it, or make another with "citadel-iac secrets keygen"',
    );
  }
  return { shown, keys, recipients };
}
