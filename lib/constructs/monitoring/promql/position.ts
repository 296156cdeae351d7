import type { Fault } from './expression.js';

/** 1-based line and column of an offset. */
export function positionOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/**
 * Where a fault stands, for people:
 *
 *     line 1, column 10
 *
 *         sum(rate(foo))
 *                  ^ this is an instant vector, and a range vector, such as x[5m] is needed
 */
export function showFault(text: string, fault: Fault): { readonly at: string; readonly picture: string } {
  const { line, column } = positionOf(text, fault.from);
  const source = text.split('\n')[line - 1] ?? '';
  // A tab is as wide in the line above as it is here.
  const indent = source.slice(0, column - 1).replaceAll(/[^\t]/g, ' ');
  return {
    at: `line ${line}, column ${column}`,
    picture: `\n    ${source}\n    ${indent}^ ${fault.what}`,
  };
}
