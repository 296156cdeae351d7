import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PythonFloat, renderPythonSettings, RenderError, type PythonValue } from '../../lib/render/index.js';
import { scratch } from '../stacks/scratch.js';
import { hasTool, tool } from '../stacks/tools.js';

/** What Python reads, with floats told from whole numbers. */
const READER = `
import ast, json, sys
def tell(value):
    if isinstance(value, float): return {"float": repr(value)}
    if isinstance(value, list): return [tell(one) for one in value]
    if isinstance(value, dict): return {"dict": [[key, tell(one)] for key, one in value.items()]}
    return value
tree = ast.parse(open(sys.argv[1], "rb").read())
found = {node.targets[0].id: tell(ast.literal_eval(node.value)) for node in tree.body}
print(json.dumps(found))
`;

/** The same, of what was given. */
function told(value: PythonValue): unknown {
  if (value instanceof PythonFloat) return { float: value.value };
  if (Array.isArray(value)) return (value as readonly PythonValue[]).map(told);
  if (typeof value === 'object' && value !== null)
    return { dict: Object.entries(value).map(([key, member]) => [key, told(member ?? null)]) };
  return value;
}

function read(text: string): unknown {
  const file = join(scratch(), 'settings.py');
  writeFileSync(file, text);
  const { status, output } = tool('/usr/bin/python3', ['-c', READER, file]);
  expect(status, output).toBe(0);
  return JSON.parse(output, (key, member: unknown) => (key === 'float' ? Number(member) : member));
}

const wellFormed = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed());
const values = fc.letrec<{ value: PythonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    wellFormed,
    fc.constantFrom(
      '"',
      "'",
      '\\',
      '\n',
      '\r',
      '\f',
      '\u2028',
      '\u0000',
      '{0}',
      '%s',
      '# x',
      '"""',
      'é',
      '😀',
    ),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => new PythonFloat(number)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .dictionary(
        wellFormed.filter((key) => !/^(\d+|__proto__)$/.test(key)),
        tie('value'),
        { maxKeys: 4 },
      )
      .map((map) => ({ ...map })),
  ),
})).value;

describe('settings for Python', () => {
  /** Skipped where there is no Python. */
  it.skipIf(!hasTool('python3'))(
    'are read back exactly as they were given',
    () => {
      fc.assert(
        fc.property(fc.array(values, { minLength: 1, maxLength: 30 }), (list) => {
          const given = Object.fromEntries(list.map((value, index) => [`VALUE_${index}`, value]));
          const expected = Object.fromEntries(
            Object.entries(given).map(([name, value]) => [name, told(value)]),
          );
          expect(read(renderPythonSettings(given))).toEqual(expected);
        }),
        { numRuns: 40 },
      );
    },
    120_000,
  );

  it('stand on one line where they fit, and else one member a line', () => {
    const gpu = { index: 0, memory_gib: new PythonFloat(80), limit: null, on: true };
    expect(
      renderPythonSettings({ NODE: { name: 'a' }, GPUS: [gpu, gpu], NONE: [], LEFT: { out: undefined } }, [
        'Made.',
      ]),
    ).toBe(`# Made.

NODE = {"name": "a"}

GPUS = [
    {"index": 0, "memory_gib": 80.0, "limit": None, "on": True},
    {"index": 0, "memory_gib": 80.0, "limit": None, "on": True},
]

NONE = []

LEFT = {}
`);
  });

  it('are nothing but a comment without values', () => {
    expect(renderPythonSettings({})).toBe('');
    expect(renderPythonSettings({}, ['a\nb = 1'])).toBe('# a b = 1\n');
  });

  it.each([
    [
      'a fraction without its type',
      { A: 1.5 },
      'python number: 1.5 is not a whole number that both sides can hold. Give a PythonFloat.',
    ],
    ['no number', { A: new PythonFloat(NaN) }, 'python number: NaN is not a number. Give a finite number.'],
    [
      'half a surrogate',
      { A: ['\ud800'] },
      'python string: "\\ud800" is not well-formed Unicode. Correct the text.',
    ],
    [
      'a name that is none',
      { 'A = 1; B': 1 },
      'A = 1; B: "A = 1; B" is not a name. Use letters, digits and "_", not starting with a digit.',
    ],
  ])('refuse %s', (_name, given, message) => {
    expect(() => renderPythonSettings(given as Record<string, PythonValue>)).toThrow(RenderError);
    expect(() => renderPythonSettings(given as Record<string, PythonValue>)).toThrow(message);
  });
});
