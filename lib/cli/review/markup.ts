import { visible } from '../text/style.js';

/** HTML or SVG that was made by {@link markup} and may stand as it is. */
export class Markup {
  constructor(readonly text: string) {}
}

export type MarkupValue = string | number | Markup | readonly MarkupValue[] | undefined | false;

/**
 * Markup with values in it: markup`<td>${text}</td>`. Texts are escaped for an element's content and for a quoted attribute alike;
 * only other markup is taken as it is. Control characters are written out, `undefined` and `false` print nothing.
 *
 * The template itself is ASCII (`&minus;`): a bundler can escape other characters in texts, but not in a template, and the
 * bundle of this tool is read as ASCII.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return new Markup(parts.map((part, index) => part + print(values[index])).join(''));
}

function print(value: MarkupValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(print).join('');
  return escapeHtml(String(value));
}

const ENTITY: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITY[character] ?? '');
}
