import { otherForms } from '../../engine/secrets/forms.js';

/** What looks like a password, a key or a token to a person who reads it. Repetitions are bounded: edits may be large. */
const CREDENTIALS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY/,
  // `password = x`, `--api-key x`, `"token": "x"`; what only names a file or a variable is none.
  /(?:^|[^a-z])(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)["']?\s*[=:\s]\s*["']?(?![/$@%{<-])[^\s"']{4,}/im,
  /(?:^|[^a-z])[A-Z_]{0,40}(?:PASSWORD|TOKEN|SECRET|API_KEY)=(?![/$@%{<])[^\s"']+/m,
  // An account in an address.
  /[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{1,256}:[^\s/@]{1,256}@/i,
  /\b(?:bearer|basic)\s+[a-z0-9._~+/=-]{16,}/i,
];

/** Whether a text looks as if it held a credential, whoever's. */
export function looksLikeCredential(text: string): boolean {
  return CREDENTIALS.some((pattern) => pattern.test(text));
}

/** A shorter value would be found in the middle of other words. */
const NOTABLE_VALUE = 4;

/** Values that must not reach a file of the project, nor an argument. */
export class KnownSecrets {
  private readonly needles: readonly string[];

  constructor(values: Iterable<Buffer>) {
    this.needles = [...new Set([...values].flatMap(needlesOf))];
  }

  /** Whether a value stands in the text: as it is, a line of it, or in an encoding in which configuration holds values. */
  standsIn(text: string): boolean {
    return this.needles.some((needle) => text.includes(needle));
  }

  /** The text with `<secret>` where a value stands. */
  hiddenIn(text: string): string {
    const notable = this.needles.filter((needle) => needle.length >= NOTABLE_VALUE);
    return [...notable]
      .sort((a, b) => b.length - a.length)
      .reduce((shown, needle) => shown.replaceAll(needle, '<secret>'), text);
  }
}

function needlesOf(value: Buffer): string[] {
  return value.length === 0 ? [] : [value.toString('utf8'), ...otherForms(value)];
}
