import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';

/** Why a file could not be opened. */
export type DecryptFailure = 'conflict' | 'form' | 'identity' | 'damaged' | 'text';

export class DecryptError extends Error {
  constructor(
    readonly failure: DecryptFailure,
    options?: ErrorOptions,
  ) {
    super(failure, options);
  }
}

/** @returns armored, so that git shows and merges lines of text */
export async function encrypt(text: string, recipients: readonly string[]): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(text));
}

/** @throws DecryptError */
export async function decrypt(file: Buffer, identities: readonly string[]): Promise<string> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  const bytes = withoutArmor(file);
  let plain: Uint8Array;
  try {
    plain = await decrypter.decrypt(bytes);
  } catch (error) {
    const words = error instanceof Error ? error.message : '';
    const failure = words.startsWith('no identity matched')
      ? 'identity'
      : words.startsWith('invalid version')
        ? 'form'
        : 'damaged';
    throw new DecryptError(failure, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch (error) {
    throw new DecryptError('text', { cause: error });
  }
}

const BINARY = 'age-encryption.org/';

function withoutArmor(file: Buffer): Uint8Array {
  if (file.subarray(0, BINARY.length).toString('latin1') === BINARY) return file;
  const text = file.toString('latin1');
  if (/^(<{7}|={7}|>{7})( |\r?$)/m.test(text)) throw new DecryptError('conflict');
  try {
    return armor.decode(text);
  } catch (error) {
    const began = text.trimStart().startsWith('-----BEGIN AGE ENCRYPTED FILE-----');
    throw new DecryptError(began ? 'damaged' : 'form', { cause: error });
  }
}

/** @returns `undefined` where the text is no recipient that can be encrypted to */
export function asRecipient(text: string): string | undefined {
  try {
    new Encrypter().addRecipient(text);
    return text;
  } catch {
    return undefined;
  }
}

/** @returns the public half, or `undefined` where the text is no identity */
export async function recipientOf(identity: string): Promise<string | undefined> {
  try {
    new Decrypter().addIdentity(identity);
    return await identityToRecipient(identity);
  } catch {
    return undefined;
  }
}

export function newIdentity(): Promise<string> {
  return generateX25519Identity();
}
