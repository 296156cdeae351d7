import { formatValue, FORMATS } from './format-value.js';

/**
 * Texts of alerts may hold `{{ $labels.host }}` and `{{ $value | humanizeDuration }}`: a small part of Prometheus' templates,
 * which says enough, and whose result is known here, so that tests can be written down whole.
 */
export type AnnotationPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'value'; readonly format: string };

export interface Annotation {
  readonly parts: readonly AnnotationPart[];
  /** What is wrong with it, in words. */
  readonly faults: readonly { readonly got: string; readonly fix: string }[];
}

const FORMS = `Write {{ $labels.name }} or {{ $value | ${[...FORMATS.keys()].join(' | … }}, {{ $value | ')} }}`;

export function parseAnnotation(text: string): Annotation {
  const parts: AnnotationPart[] = [];
  const faults: { got: string; fix: string }[] = [];
  let rest = text;
  while (rest !== '') {
    const open = rest.indexOf('{{');
    const stray = rest.slice(0, open < 0 ? undefined : open).indexOf('}}');
    if (stray >= 0)
      faults.push({ got: '"}}" stands there without its "{{"', fix: 'Add it, or take both away' });
    if (open !== 0) parts.push({ kind: 'text', text: open < 0 ? rest : rest.slice(0, open) });
    if (open < 0) break;
    const close = rest.indexOf('}}', open);
    if (close < 0) {
      faults.push({ got: `"${rest.slice(open)}" has no "}}"`, fix: 'Close it' });
      break;
    }
    const inside = rest.slice(open + 2, close).trim();
    const part = partOf(inside);
    if (typeof part === 'string') faults.push({ got: part, fix: FORMS });
    else parts.push(part);
    rest = rest.slice(close + 2);
  }
  return { parts, faults };
}

/** The action between the braces, or what is wrong with it. */
function partOf(inside: string): AnnotationPart | string {
  const label = /^\$labels\.([A-Za-z_]\w*)$/.exec(inside)?.[1];
  if (label !== undefined) return { kind: 'label', name: label };
  const [subject = '', format = '', ...more] = inside.split('|').map((part) => part.trim());
  if (subject !== '$value') {
    const variable = /^\$\w+/.exec(subject)?.[0];
    if (variable === '$value' || variable === '$labels') return `"{{ ${inside} }}" is not understood`;
    return variable === undefined
      ? `"{{ ${inside} }}" is not understood`
      : `"${variable}" is not a variable of alerts`;
  }
  if (format === '') return '"{{ $value }}" shows a number with all of its digits';
  if (more.length > 0 || !FORMATS.has(format)) {
    return `"${[format, ...more].join(' | ')}" is not a known way to show a value`;
  }
  return { kind: 'value', format };
}

/** What Prometheus makes of the text for one alert. */
export function fillAnnotation(
  text: string,
  labels: Readonly<Record<string, string>>,
  value: number | undefined,
): string {
  return parseAnnotation(text)
    .parts.map((part) => {
      if (part.kind === 'text') return part.text;
      if (part.kind === 'label') return labels[part.name] ?? '';
      return formatValue(part.format, value ?? Number.NaN);
    })
    .join('');
}
