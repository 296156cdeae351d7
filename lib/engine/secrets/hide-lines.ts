import type { TemplatePart } from './references.js';

/** Longer lines (UTF-16 units) are not matched, and hidden: several references in one would take too long. */
const LONGEST_MATCHED = 16_384;

/** What is known of a text that holds secrets. All texts have tokens in place of current values already. */
export interface HideRules {
  /** The wanted text, which may be shown. */
  readonly shown: string;
  /** Lines of templates, now and before, that hold references. */
  readonly templates: readonly HiddenTemplate[];
  /** The secret that the whole file was, if it was one. */
  readonly whole: string | undefined;
  /** A template's plain text as it looks in the given text. */
  literal(text: string): string;
  /** What is shown in place of a value that is not the current one. */
  token(name: string, value: string): string;
  /** Whether a value is the token of the secret's current value. */
  isToken(name: string, value: string): boolean;
}

/** A line of a template that holds references. */
export interface HiddenTemplate {
  readonly parts: readonly TemplatePart[];
  /** Whether the given text was made from it, as far as anybody knows. */
  readonly expected: boolean;
}

interface Pattern {
  readonly expression: RegExp;
  readonly parts: readonly TemplatePart[];
  readonly expected: boolean;
  readonly names: readonly string[];
  /** False when there is so little plain text that the pattern would match lines that have nothing to do with it. */
  readonly anchored: boolean;
  /** The word before the value, in lower case: `admin_password` of `admin_password = …`. */
  readonly keyword: string | undefined;
}

interface Line {
  /** Whether nothing in it can be a secret. */
  readonly known: boolean;
  /** Whether it held a value that is not the current one. */
  readonly past: boolean;
  readonly text: string;
}

/**
 * A text with every line hidden that may hold a value no one here knows: a past secret, or one put there by hand.
 *
 * A line is shown when it is a line of the wanted text, or matches a template line (its values become tokens). Any other
 * line is shown only if each expected template line was found with its current value, and the line lacks the word that stands
 * before a reference: with a past value about, it could be anywhere, in several lines or in another form.
 */
export function hideUnknownLines(text: string, rules: HideRules): string {
  const patterns = rules.templates.map((template) => compile(template, rules));
  const shown = new Set(rules.shown.split('\n'));
  const matched = new Set<Pattern>();
  const lines = text.split('\n').map((line): Line => {
    if (shown.has(line)) {
      for (const pattern of patterns) {
        if (line.includes('<secret ') && pattern.expression.test(line)) matched.add(pattern);
      }
      return { known: true, past: false, text: line };
    }
    for (const pattern of patterns) {
      const read =
        pattern.anchored && line.length <= LONGEST_MATCHED ? matchLine(line, pattern, rules) : undefined;
      if (read === undefined) continue;
      matched.add(pattern);
      return { known: true, ...read };
    }
    return { known: false, past: false, text: line };
  });

  const hidden = `<line hidden: may hold secret ${secretNames(patterns, rules.whole).join(', ')}>`;
  const complete =
    rules.whole === undefined &&
    !lines.some((line) => line.past) &&
    patterns.every((pattern) => !pattern.expected || matched.has(pattern));
  const keywords = patterns.flatMap((pattern) => pattern.keyword ?? []);
  return lines
    .map(({ known, text: line }) => {
      const suspicious = !complete || keywords.some((keyword) => line.toLowerCase().includes(keyword));
      return !known && suspicious && line.trim() !== '' ? hidden : line;
    })
    .join('\n');
}

function compile({ parts, expected }: HiddenTemplate, rules: HideRules): Pattern {
  const literals = parts.flatMap((part) => ('text' in part ? [rules.literal(part.text)] : []));
  const expression = parts
    .map((part) => ('secret' in part ? '(.*)' : escapeRegExp(rules.literal(part.text))))
    .join('');
  const first = parts.findIndex((part) => 'secret' in part);
  const before = parts[first - 1];
  const keyword =
    before !== undefined && 'text' in before ? /([\w-]{3,})[^\w]*$/.exec(before.text)?.[1] : undefined;
  return {
    expression: new RegExp(`^${expression}$`, 's'),
    parts,
    expected,
    names: parts.flatMap((part) => ('secret' in part ? [part.secret] : [])),
    anchored: literals.join('').replace(/[^\p{L}\p{N}]/gu, '').length >= 2,
    keyword: keyword?.toLowerCase(),
  };
}

/** The line with tokens for its values, and whether one is not the current one; `undefined` when it does not match. */
function matchLine(
  line: string,
  pattern: Pattern,
  rules: HideRules,
): { readonly text: string; readonly past: boolean } | undefined {
  const values = pattern.expression.exec(line)?.slice(1);
  if (values === undefined) return undefined;
  let past = false;
  let next = 0;
  const text = pattern.parts
    .map((part) => {
      if ('text' in part) return rules.literal(part.text);
      const value = values[next++] ?? '';
      if (rules.isToken(part.secret, value)) return value;
      past = true;
      return rules.token(part.secret, value);
    })
    .join('');
  return { text, past };
}

function secretNames(patterns: readonly Pattern[], whole: string | undefined): string[] {
  const names = patterns.flatMap((pattern) => pattern.names);
  return [...new Set(whole === undefined ? names : [...names, whole])].sort();
}

/** Text as a regular expression that matches it and nothing else. */
export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
