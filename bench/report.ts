/** One figure: what was wanted, what was measured, against what. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** What the same machine needed in the same minutes for the thing to compare with. */
  readonly baseline: string;
  readonly wanted: string;
  /** Absent: nothing was wanted of it, it stands here for comparison. */
  readonly met?: boolean;
}

const HEAD = ['', 'what', 'measured', 'in the same run', 'wanted'] as const;

/** A table for a terminal that is Markdown as well. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.met === undefined ? ' ' : figure.met ? '✓' : '✗',
    figure.what,
    figure.measured,
    figure.baseline,
    figure.wanted,
  ]);
  const widths = HEAD.map((head, n) => Math.max(head.length, 1, ...rows.map((row) => row[n]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(' | ')} |\n`;
  return line(HEAD) + line(widths.map((width) => '-'.repeat(width))) + rows.map(line).join('');
}

/** `240 ms` below ten seconds, `12.3 s` from there on. */
export function time(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function ratio(value: number, of: number): string {
  return `${(value / of).toFixed(2)}×`;
}
