import { CitadelError, type AgeSource } from '../../../manifest/index.js';
import { decrypt, DecryptError, encrypt, type DecryptFailure } from './crypt.js';
import { reasonOf, type AgeDeps } from './deps.js';
import { locate, readIdentity, type Identity } from './identity.js';
import { readMark, withMark, type MarkedText } from './mark.js';
import { parseRecipients, recipientsPath } from './recipients.js';
import { parseValues } from './values.js';

/** Age files of a project, opened with the operator's identity. Each file and the identity are read once. */
export class AgeFiles {
  #identity: Promise<Identity> | undefined;
  readonly #texts = new Map<string, Promise<MarkedText>>();
  readonly #values = new Map<string, Promise<ReadonlyMap<string, string>>>();

  constructor(private readonly deps: AgeDeps) {}

  /** @throws CitadelError when there is none that can be used */
  identity(): Promise<Identity> {
    return (this.#identity ??= readIdentity(this.deps));
  }

  /**
   * The text of a file.
   *
   * @param file as the inventory writes it
   * @throws CitadelError about the file or the identity
   */
  text(file: string): Promise<MarkedText> {
    const text = this.#texts.get(file) ?? this.#read(file);
    this.#texts.set(file, text);
    return text;
  }

  /** Name → value. @throws CitadelError about the file or the identity; holds no value */
  values(file: string): Promise<ReadonlyMap<string, string>> {
    const values =
      this.#values.get(file) ??
      this.text(file).then(
        ({ text }) => new Map(parseValues(text, file).map(({ name, value }) => [name, value])),
      );
    this.#values.set(file, values);
    return values;
  }

  /** @returns `undefined` where the file has no such name */
  async value(secret: string, { age, key }: AgeSource): Promise<Buffer | undefined> {
    const value = (await this.values(age)).get(key ?? secret);
    return value === undefined ? undefined : Buffer.from(value);
  }

  /**
   * Whom a file is to be encrypted to, from the file next to it.
   *
   * @throws CitadelError when it is missing or wrong
   */
  async recipients(file: string): Promise<readonly string[]> {
    const { shown, absolute } = locate(recipientsPath(file), this.deps);
    let bytes: Buffer;
    try {
      bytes = await this.deps.readFile(absolute);
    } catch (error) {
      throw new CitadelError(
        {
          code: 'secret.age-recipients',
          path: shown,
          got: `The recipients file of ${file} cannot be read: ${reasonOf(error)}`,
          fix: 'Write the recipients (age1…) of all who may read the secrets into it, one a line, and commit it',
        },
        { cause: error },
      );
    }
    return parseRecipients(bytes.toString('utf8'), shown);
  }

  /**
   * The bytes of a file with this text, for the recipients next to it. They are opened again before they are handed out:
   * a file that its writer cannot open is a file that no one may be able to.
   *
   * @throws CitadelError when the writer is not among the recipients
   */
  async seal(file: string, text: string): Promise<{ armored: string; recipients: readonly string[] }> {
    const [recipients, identity] = await Promise.all([this.recipients(file), this.identity()]);
    const whole = withMark({ text, recipients });
    const armored = await encrypt(whole, recipients);
    try {
      if ((await decrypt(Buffer.from(armored), identity.keys)) === whole) return { armored, recipients };
    } catch (error) {
      if (!(error instanceof DecryptError && error.failure === 'identity')) throw error;
    }
    throw new CitadelError({
      code: 'secret.age-own',
      path: recipientsPath(file),
      got: `You are not among the recipients of ${file}: you could not read what you write`,
      fix: `Add ${identity.recipients[0] ?? 'your own recipient'}, or let one of those who stay do this`,
    });
  }

  async #read(file: string): Promise<MarkedText> {
    const { absolute } = locate(file, this.deps);
    let bytes: Buffer;
    try {
      bytes = await this.deps.readFile(absolute);
    } catch (error) {
      throw new CitadelError(
        {
          code: 'secret.age-file',
          path: file,
          got: `cannot be read: ${reasonOf(error)}`,
          fix: `Write it with "citadel-iac secrets edit", or correct "age" below "secrets" of the inventory; paths start at the project's folder`,
        },
        { cause: error },
      );
    }
    const identity = await this.identity();
    try {
      return readMark(await decrypt(bytes, identity.keys));
    } catch (error) {
      if (!(error instanceof DecryptError)) throw error;
      const words = WORDS[error.failure](identity, file);
      throw new CitadelError({ code: 'secret.age-file', path: file, ...words });
    }
  }
}

const WORDS: Readonly<Record<DecryptFailure, (by: Identity, file: string) => { got: string; fix: string }>> =
  {
    conflict: () => ({
      got: 'has a merge conflict in it',
      fix: 'Take one side ("git checkout --ours" or "--theirs"), and make the changes of the other again with "citadel-iac secrets edit"',
    }),
    form: () => ({
      got: 'is not an age file',
      fix: 'Take it back from git, or write it with "citadel-iac secrets edit"',
    }),
    damaged: () => ({
      got: 'is damaged: part of it is missing or was changed',
      fix: 'Take it back from git',
    }),
    text: () => ({
      got: 'holds something that is not UTF-8 text',
      fix: 'Keep such a value in a file of its own and name it by "file" or "command"',
    }),
    identity: ({ shown, recipients }, file) => ({
      got: `is not encrypted to you: the identity in ${shown} does not open it`,
      fix: `Ask someone who can read it to add ${recipients.join(' or ')} to ${recipientsPath(file)} and to run "citadel-iac secrets rekey"`,
    }),
  };
