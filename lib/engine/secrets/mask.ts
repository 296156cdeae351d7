import type { ManifestFile } from '../../manifest/index.js';
import { otherForms } from './forms.js';
import { escapeRegExp, hideUnknownLines } from './hide-lines.js';
import { fileSecrets, referenceLines, templateParts } from './references.js';
import { formToken, otherToken, secretToken } from './token.js';

/** What is known of a host's secrets when text that may hold them is to be shown. */
export interface SecretContext {
  /** Current values by name; those that could not be resolved are left out. */
  readonly values: ReadonlyMap<string, Buffer>;
  /** The host's key for token digests. */
  readonly key: Buffer | null;
}

/** The last generation's word on a file: the lines of its template that hold references, or the secret that it was. */
export interface PastSecrets {
  readonly secrets?: readonly string[];
  readonly secret?: string;
}

type Template = Pick<ManifestFile, 'content' | 'secret'>;

/**
 * In files without references, only values at least this long (UTF-16 units) are looked for. Of shorter ones, encodings
 * are looked for in no file: they would be found everywhere.
 */
const NOTABLE_LENGTH = 6;

/** Whether a file holds secrets, or held some in the last generation. */
export function holdsSecrets(file: Template | undefined, past: PastSecrets | undefined): boolean {
  if (file !== undefined && fileSecrets(file).length > 0) return true;
  return past?.secret !== undefined || (past?.secrets ?? []).length > 0;
}

/**
 * The wanted text of a file with a token for each secret. Values of secrets that stand in its plain text by chance
 * become tokens too, so that both sides of a diff are treated alike.
 */
export function maskDesired(file: Template, past: PastSecrets | undefined, context: SecretContext): string {
  const known = knownValues(context, holdsSecrets(file, past) ? 1 : NOTABLE_LENGTH);
  if (file.secret !== undefined) return tokenOf(file.secret, context, known);
  return templateParts(file.content ?? '')
    .map((part) => ('secret' in part ? tokenOf(part.secret, context, known) : known.replace(part.text)))
    .join('');
}

/**
 * The text that stands on the host, with everything taken out that is or may be a secret: current values wherever they
 * stand; values in the place where a template has a reference; and, where the lines cannot be matched with the
 * template, every line that is not one of its plain lines.
 *
 * @param file the wanted file, if there is one
 * @param past what the last generation said of this path
 */
export function maskLive(
  text: string,
  file: Template | undefined,
  past: PastSecrets | undefined,
  context: SecretContext,
): string {
  if (!holdsSecrets(file, past)) return knownValues(context, NOTABLE_LENGTH).replace(text);
  const known = knownValues(context, 1);
  if (file?.secret !== undefined) {
    const current = context.values.get(file.secret)?.toString('utf8');
    return text === current
      ? tokenOf(file.secret, context, known)
      : otherToken(file.secret, text, context.key);
  }
  const now = referenceLines(file?.content ?? '');
  const before = past?.secrets ?? [];
  // What stands on the host was made from the last template; where there is none, from the present one or by hand.
  const expected = new Set(before.length > 0 ? before : now);
  return hideUnknownLines(known.replace(text), {
    shown: file === undefined ? '' : maskDesired(file, past, context),
    templates: [...new Set([...now, ...before])].map((line) => ({
      parts: templateParts(line),
      expected: expected.has(line),
    })),
    whole: past?.secret,
    literal: (part) => known.replace(part),
    token: (name, value) => otherToken(name, value, context.key),
    isToken: (name, value) => value === tokenOf(name, context, known),
  });
}

interface KnownValues {
  replace(text: string): string;
  /** Equal values have one token, that of the first name. */
  name(value: string): string | undefined;
}

/** Of each host, what is looked for in every one of its files: made once, as many files hold few secrets. */
const KNOWN = new WeakMap<SecretContext, Map<number, KnownValues>>();

function knownValues(context: SecretContext, shortest: number): KnownValues {
  const made = KNOWN.get(context) ?? new Map<number, KnownValues>();
  KNOWN.set(context, made);
  const known = made.get(shortest) ?? makeKnownValues(context, shortest);
  made.set(shortest, known);
  return known;
}

function makeKnownValues(context: SecretContext, shortest: number): KnownValues {
  const names = new Map<string, string>();
  const forms = new Map<string, string>();
  for (const name of [...context.values.keys()].sort()) {
    const bytes = context.values.get(name) ?? Buffer.alloc(0);
    const value = bytes.toString('utf8');
    if (value.length >= shortest && !names.has(value)) names.set(value, name);
    if (value.length < NOTABLE_LENGTH) continue;
    for (const form of otherForms(bytes)) if (!forms.has(form)) forms.set(form, name);
  }
  if (names.size === 0) return { replace: (text) => text, name: () => undefined };
  // The longest first, so that a value that holds another one is not left in part.
  const longest = [...new Set([...names.keys(), ...forms.keys()])].sort(
    (a, b) => b.length - a.length || (a < b ? -1 : 1),
  );
  const pattern = new RegExp(longest.map(escapeRegExp).join('|'), 'g');
  const token = (found: string): string => {
    const name = names.get(found);
    return name === undefined
      ? formToken(forms.get(found) ?? '', found, context.key)
      : secretToken(name, found, context.key);
  };
  return { replace: (text) => text.replace(pattern, token), name: (value) => names.get(value) };
}

function tokenOf(name: string, context: SecretContext, known: KnownValues): string {
  const value = context.values.get(name)?.toString('utf8');
  if (value === undefined) return secretToken(name, null, context.key);
  return secretToken(known.name(value) ?? name, value, context.key);
}
