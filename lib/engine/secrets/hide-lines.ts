import type { TemplatePart } from './references.js';

/** What is known of a text that holds secrets. All texts have tokens in place of current values already. */
export interface HideRules {
  /** The wanted text, which may be shown. */
  readonly shown: string;
  /** Lines of templates, now and before, that hold references. */
  readonly templates: readonly (readonly TemplatePart[])[];
  /** The secret that the whole file was, if it was one. */
  readonly whole: string | undefined;
  /** Whether a current value has more than one line, so that past values may have as well. */
  readonly spansLines: boolean;
  /** A template's plain text as it looks in the given text. */
  literal(text: string): string;
  /** What is shown in place of a value that is not the current one. */
  token(name: string, value: string): string;
  /** Whether a value is the token of the secret's current value. */
  isToken(name: string, value: string): boolean;
}

interface Pattern {
  readonly expression: RegExp;
  readonly parts: readonly TemplatePart[];
  readonly names: readonly string[];
  /** False when there is so little plain text that the pattern would match lines that have nothing to do with it. */
  readonly anchored: boolean;
  /** The word before the value, in lower case: `admin_password` of `admin_password = …`. */
  readonly keyword: string | undefined;
}

interface Line {
  readonly kind: 'known' | 'current' | 'past' | 'unknown';
  readonly text: string;
}

/**
 * A text with every line hidden that may hold a value nobody here knows: a past secret, or one put there by hand.
 *
 * A line is shown when it is a line of the wanted text, or matches a template line (its values become tokens). Any other
 * line is shown only if each template line was found, and the line neither follows a past value (which may go on), nor
 * repeats one, nor has the word that stands before a reference.
 */
export function hideUnknownLines(text: string, rules: HideRules): string {
  const patterns = rules.templates.map((parts) => compile(parts, rules));
  const shown = new Set(rules.shown.split('\n'));
  const past = new Set<string>();
  const matched = new Set<Pattern>();
  const lines = text.split('\n').map((line): Line => {
    if (shown.has(line)) {
      for (const pattern of patterns) {
        if (line.includes('<secret ') && pattern.expression.test(line)) matched.add(pattern);
      }
      return { kind: 'known', text: line };
    }
    for (const pattern of patterns) {
      const read = pattern.anchored ? matchLine(line, pattern, rules) : undefined;
      if (read === undefined) continue;
      matched.add(pattern);
      for (const value of read.past) past.add(value);
      return { kind: read.past.length > 0 ? 'past' : 'current', text: read.text };
    }
    return { kind: 'unknown', text: line };
  });

  const hidden = `<line hidden: may hold secret ${secretNames(patterns, rules.whole).join(', ')}>`;
  const complete =
    rules.whole === undefined &&
    patterns.every((pattern) => matched.has(pattern)) &&
    !(rules.spansLines && past.size > 0);
  const keywords = patterns.flatMap((pattern) => pattern.keyword ?? []);
  let doubtful = false;
  return lines
    .map((line) => {
      if (line.kind === 'past') doubtful = true;
      // A blank line does not end a value of several lines.
      else if (line.kind !== 'unknown' && /[^\s]/.test(line.text)) doubtful = false;
      if (line.kind !== 'unknown') return line.text;
      const lower = line.text.toLowerCase();
      const suspicious =
        !complete ||
        doubtful ||
        keywords.some((keyword) => lower.includes(keyword)) ||
        [...past].some((value) => line.text.includes(value));
      if (suspicious) doubtful = true;
      return suspicious ? hidden : line.text;
    })
    .join('\n');
}

function compile(parts: readonly TemplatePart[], rules: HideRules): Pattern {
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
    names: parts.flatMap((part) => ('secret' in part ? [part.secret] : [])),
    anchored: literals.join('').replace(/[^\p{L}\p{N}]/gu, '').length >= 2,
    keyword: keyword?.toLowerCase(),
  };
}

/** The line with tokens for its values, and those values that are not current ones; `undefined` when it does not match. */
function matchLine(
  line: string,
  pattern: Pattern,
  rules: HideRules,
): { readonly text: string; readonly past: readonly string[] } | undefined {
  const values = pattern.expression.exec(line)?.slice(1);
  if (values === undefined) return undefined;
  const past: string[] = [];
  let next = 0;
  const text = pattern.parts
    .map((part) => {
      if ('text' in part) return rules.literal(part.text);
      const value = values[next++] ?? '';
      if (rules.isToken(part.secret, value)) return value;
      if (value !== '') past.push(value);
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
