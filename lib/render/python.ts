import { RenderError } from './error.js';
import { pythonLiteral } from './quote.js';

/** A number that Python shall read as a `float`, also when it is whole: `80.0`. */
export class PythonFloat {
  constructor(readonly value: number) {}
}

/** What Python's `ast.literal_eval` can read, of what we have to say. Members that are `undefined` are left out. */
export type PythonValue =
  | string
  | number
  | boolean
  | null
  | PythonFloat
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue | undefined };

/** Longest line before a list or dictionary is written one member a line. */
const WIDTH = 100;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * A Python file of nothing but assignments of literals, in the given order, to be read by `ast.literal_eval` and never run.
 *
 *     renderPythonSettings({ NODE: { name: 'ai-node' } })   // 'NODE = {"name": "ai-node"}\n'
 *
 * @param comment lines above, each printed after `# `
 * @throws RenderError for numbers that Python would read as another, half surrogates and names that are none
 */
export function renderPythonSettings(
  values: Readonly<Record<string, PythonValue>>,
  comment: readonly string[] = [],
): string {
  const assignments = Object.entries(values).map(([name, value]) => {
    if (!NAME.test(name)) {
      throw new RenderError(
        'render.python.name',
        name,
        `${JSON.stringify(name)} is not a name`,
        'Use letters, digits and "_", not starting with a digit',
      );
    }
    return `${name} = ${pythonText(value, `${name} = `.length)}\n`;
  });
  const above = comment.map((line) => `# ${line.replaceAll(/[\r\n\f]+/g, ' ')}`.trimEnd());
  return [...(above.length === 0 ? [] : [`${above.join('\n')}\n`]), ...assignments].join('\n');
}

/** A value in Python's words. `indent`: columns that stand before it on its line. */
function pythonText(value: PythonValue, indent: number, depth = 0): string {
  const [open, close, members] = partsOf(value, depth);
  if (members === undefined) return open;
  const inline = `${open}${members.join(', ')}${close}`;
  if (!inline.includes('\n') && indent + inline.length < WIDTH) return inline;
  const pad = '    '.repeat(depth + 1);
  return `${open}\n${members.map((member) => `${pad}${member},\n`).join('')}${'    '.repeat(depth)}${close}`;
}

function partsOf(value: PythonValue, depth: number): [open: string, close: string, members?: string[]] {
  const below = (member: PythonValue, indent: number) =>
    pythonText(member, (depth + 1) * 4 + indent, depth + 1);
  if (value instanceof PythonFloat) return [floatText(value.value), ''];
  if (isList(value)) return ['[', ']', value.map((member) => below(member, 0))];
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).flatMap(([key, member]) => {
      if (member === undefined) return [];
      const name = `${pythonLiteral(key)}: `;
      return [`${name}${below(member, name.length)}`];
    });
    return ['{', '}', members];
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RenderError(
      'render.python.integer',
      'python number',
      `${value} is not a whole number that both sides can hold`,
      'Give a PythonFloat',
    );
  }
  return [pythonLiteral(value), ''];
}

function isList(value: PythonValue): value is readonly PythonValue[] {
  return Array.isArray(value);
}

/** JavaScript leaves the point of whole numbers out, and the sign of zero. */
function floatText(value: number): string {
  const text = Object.is(value, -0) ? '-0' : pythonLiteral(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
