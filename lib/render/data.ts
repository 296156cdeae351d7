import { Document, Scalar, visit } from 'yaml';
import { RenderError } from './error.js';

/** What YAML and JSON can say. Members that are `undefined` are left out. */
export type DataValue =
  string | number | boolean | null | readonly DataValue[] | { readonly [key: string]: DataValue | undefined };

/**
 * Texts that the library leaves bare although some reader takes them otherwise: YAML 1.1's merge and value keys, YAML 1.2's
 * octal numbers, blanks that a block text would
 * lose, tabs (PyYAML), and characters that YAML 1.1 takes for line ends or does not print.
 */
const AMBIGUOUS = /^(?:<<|=)$|^0o|^\s|[ ]\n|[\t\u007f-\u00a0\u2028\u2029\ufeff]/;
/** The same characters, which double quotes alone do not protect. */
const UNPRINTABLE = /[\u007f-\u00a0\u2028\u2029\ufeff]/g;

export interface YamlOptions {
  /** Lines above the document, each printed after `# `. @default none */
  readonly comment?: readonly string[];
}

/**
 * YAML in block style, keys in the given order, long lines unbroken. Strings that some reader would take for something
 * else (`yes`, `012`, `12:30`, `~`) are quoted: Go's and Python's readers still follow YAML 1.1.
 *
 * @throws RenderError for NaN, infinities, functions, class instances, cycles and half surrogates
 */
export function renderYaml(value: DataValue, options: YamlOptions = {}): string {
  const comment = (options.comment ?? [])
    .map((line) => `# ${line}`.trimEnd().replaceAll(/[\r\n]+/g, ' '))
    .map((line) => `${line}\n`);
  const document = new Document(clean(value, '$', new Set()), {
    aliasDuplicateObjects: false,
    // The merge tag would leave a text of "<<" bare.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge'),
    version: '1.1',
  });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && AMBIGUOUS.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  // The document is read by readers of either version; a %YAML line would bind them to one.
  document.directives = undefined;
  return (comment.join('') + document.toString({ lineWidth: 0, minContentWidth: 0 })).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** JSON, indented by two spaces, with a final line end; keys in the given order. */
export function renderJson(value: DataValue): string {
  return `${JSON.stringify(clean(value, '$', new Set()), null, 2)}\n`;
}

function clean(value: unknown, at: string, above: ReadonlySet<unknown>): DataValue {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (value.isWellFormed()) return value;
    throw new RenderError(
      'render.data.unicode',
      at,
      'the text is not well-formed Unicode',
      'Correct the text',
    );
  }
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (above.has(value))
    throw new RenderError('render.data.cycle', at, 'the value contains itself', 'Break the cycle');
  const inside = new Set([...above, value]);
  if (Array.isArray(value)) return value.map((item, index) => clean(item, `${at}[${index}]`, inside));
  if (
    typeof value === 'object' &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)
  ) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([key, member]) => [key, clean(member, `${at}.${key}`, inside)]),
    );
  }
  const what =
    typeof value === 'object'
      ? `a ${value.constructor.name}`
      : typeof value === 'number'
        ? String(value)
        : `a value of type ${typeof value}`;
  throw new RenderError(
    'render.data.value',
    at,
    `${what} cannot be written`,
    'Give text, numbers, booleans, null, lists and plain objects',
  );
}
