/** One condition of a route on one label; a label that an alert does not have counts as the empty text. */
export interface Matcher {
  readonly label: string;
  /** `!=` and `!~`. */
  readonly negated: boolean;
  readonly test: LabelTest;
}

/** What a label's value is held against, as far as it can be known here. */
export type LabelTest =
  | { readonly kind: 'always' }
  /** One of these texts. */
  | { readonly kind: 'any'; readonly values: readonly string[] }
  /** A regular expression; without `matches` where only Alertmanager itself knows what it means. */
  | { readonly kind: 'pattern'; readonly source: string; readonly matches?: (value: string) => boolean };

/** Source: https://prometheus.io/docs/alerting/latest/configuration/#matcher, in the form that 0.25 knows. */
const MATCHER = /^([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*"|[^\s"{},]+)$/;

/** @returns `undefined` for a text that is not a matcher */
export function parseMatcher(text: string): Matcher | undefined {
  const [, label, operator = '', quoted = ''] = MATCHER.exec(text) ?? [];
  if (label === undefined) return undefined;
  const value = unescape(quoted.startsWith('"') ? quoted.slice(1, -1) : quoted);
  const negated = operator.startsWith('!');
  if (!operator.endsWith('~')) return { label, negated, test: { kind: 'any', values: [value] } };
  // All but the empty text.
  if (value === '.+') return { label, negated: !negated, test: { kind: 'any', values: [''] } };
  return { label, negated, test: patternTest(value) };
}

/** As Alertmanager does: only these three are escapes, any other backslash stays (it belongs to the expression). */
function unescape(text: string): string {
  return text.replace(/\\([n"\\])/g, (_whole, letter: string) => (letter === 'n' ? '\n' : letter));
}

function patternTest(source: string): LabelTest {
  if (source === '.*') return { kind: 'always' };
  if (/^[\w\- /:,@%&~=!<>;'#|]*$/.test(source)) return { kind: 'any', values: source.split('|') };
  const expression = translate(source);
  return expression === undefined
    ? { kind: 'pattern', source }
    : { kind: 'pattern', source, matches: (value) => expression.test(value) };
}

/**
 * One step of a regular expression that RE2 and JavaScript read alike; group 1: a backslash and what it makes literal, or
 * a class of characters. What is not here (flags, named groups, Unicode classes, boundaries) is not translated.
 */
const STEP =
  /\\([dw.+*?()|[\]{}^$\\/-])|\\s|\[\^?(?:[^\\[\]^-]|\\[dw.+*?()|[\]{}^$\\/-])(?:[^\\[\]]|\\[dw.+*?()|[\]{}^$\\/-])*\]|\((?:\?:|(?!\?))|[)|.^$]|(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??|[^\\[\](){}*+?|^$.]/uy;

/** @returns `undefined` where JavaScript might read it otherwise than RE2 */
function translate(source: string): RegExp | undefined {
  let result = '';
  STEP.lastIndex = 0;
  while (STEP.lastIndex < source.length) {
    const step = STEP.exec(source)?.[0];
    if (step === undefined) return undefined;
    // JavaScript's class has more white space than RE2's; "-" needs no backslash, and must not have one.
    if (step === '\\s') result += '[\\t\\n\\f\\r ]';
    else result += step === '\\-' ? '-' : step;
  }
  try {
    return new RegExp(`^(?:${result})$`, 'u');
  } catch {
    return undefined;
  }
}
