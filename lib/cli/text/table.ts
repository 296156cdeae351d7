import type { Style } from './style.js';

/** Columns as wide as their widest cell, two spaces apart, a dim heading; no space at the end of a line. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [style.dim(line(heading)), ...rows.map(line), ''].join('\n');
}
