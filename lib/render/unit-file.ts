import { RenderError, requirePlain, shown } from './error.js';
import { UnitReference, UnitText } from './unit-text.js';

/** One value: a plain string stands for itself, `%` included; see `unit-text.ts` for commands, words and specifiers. */
export type UnitValue = string | number | boolean | UnitReference | UnitText;
/** An array repeats the key, one line per value, in the given order. `''` clears what earlier files gave (drop-ins). */
export type UnitValues = UnitValue | readonly UnitValue[];
export type UnitSection = Readonly<Record<string, UnitValues | undefined>>;
export type UnitFile = Readonly<Record<string, UnitSection | undefined>>;

/** Keys whose `%` is a percentage and never a specifier (systemd.resource-control(5)). */
const PERCENTAGES = new Set([
  'CPUQuota', 'DefaultMemoryLow', 'DefaultMemoryMin', 'ManagedOOMMemoryPressureLimit', 'MemoryHigh', 'MemoryLow',
  'MemoryMax', 'MemoryMin', 'MemorySwapMax', 'MemoryZSwapMax', 'TasksMax',
]); // prettier-ignore

/** systemd reads lines of at most 1 MiB (LONG_LINE_MAX). */
const LONGEST_LINE = 1_048_575;

/**
 * A unit file or drop-in: `[Unit]` first, `[Install]` last, the others as given; keys in the given order (it matters, for
 * example, between sockets). Booleans become `yes` and `no`. Empty sections are left out.
 *
 * @throws RenderError naming `Section.Key` for line ends, control characters, white space at an end of the value and a
 *   backslash at its end: systemd would read something else
 */
export function renderUnitFile(file: UnitFile): string {
  const names = Object.keys(file).filter((name) => file[name] !== undefined);
  const ordered = [
    ...names.filter((name) => name === 'Unit'),
    ...names.filter((name) => name !== 'Unit' && name !== 'Install'),
    ...names.filter((name) => name === 'Install'),
  ];
  return ordered
    .map((name) => renderSection(name, file[name] ?? {}))
    .filter((text) => text !== '')
    .join('\n');
}

function renderSection(name: string, section: UnitSection): string {
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) {
    throw new RenderError(
      'render.unit.section',
      name,
      `${shown(name)} is not a section name`,
      'Use letters and digits',
    );
  }
  const lines = Object.entries(section).flatMap(([key, values]) =>
    (isList(values) ? values : values === undefined ? [] : [values]).map((value) =>
      renderLine(name, key, value),
    ),
  );
  return lines.length === 0 ? '' : `[${name}]\n${lines.join('\n')}\n`;
}

function isList(values: UnitValues | undefined): values is readonly UnitValue[] {
  return Array.isArray(values);
}

function renderLine(section: string, key: string, value: UnitValue): string {
  const property = `${section}.${key}`;
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(key)) {
    throw new RenderError(
      'render.unit.key',
      property,
      `${shown(key)} is not a key`,
      'Use letters and digits',
    );
  }
  const lines = linesOf(property, key, value);
  lines.forEach((line) => checkLine(property, line));
  const text = `${key}=${new UnitText(lines).toString()}`;
  if (Buffer.byteLength(text) > LONGEST_LINE) {
    throw new RenderError('render.unit.long', property, 'the value is longer than 1 MiB', 'Shorten it');
  }
  return text;
}

function linesOf(property: string, key: string, value: UnitValue): readonly string[] {
  if (value instanceof UnitText) return value.lines;
  if (value instanceof UnitReference) {
    if (value.kind === 'specifier') return [value.text];
    throw new RenderError(
      'render.unit.variable',
      property,
      `\${${value.text}} stands outside of a command`,
      'Use variable() only inside exec()',
    );
  }
  if (typeof value === 'boolean') return [value ? 'yes' : 'no'];
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RenderError('render.unit.number', property, `${value} is not a number`, 'Give a finite number');
  }
  const text = String(value);
  return [PERCENTAGES.has(key) ? text : text.replaceAll('%', '%%')];
}

function checkLine(property: string, line: string): void {
  requirePlain('render.unit', property, line, { tab: true });
  if (/^[ \t]|[ \t]$/.test(line)) {
    throw new RenderError(
      'render.unit.space',
      property,
      `${shown(line)} begins or ends with white space, which systemd drops`,
      'Take it away',
    );
  }
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(line)) {
    throw new RenderError(
      'render.unit.backslash',
      property,
      `${shown(line)} ends with a backslash, which would join the next line`,
      'Take it away',
    );
  }
}
