import { markup, type Markup } from './markup.js';
import { sideBySide, type DiffLine, type DiffPart, type DiffRow } from './side-by-side.js';

/** Rows of one file beyond which the rest is left to `citadel-iac diff`. */
const MOST_ROWS = 1500;

/** How many lines a unified diff takes away and adds. */
export function sizeOf(unified: string): { added: number; removed: number } {
  const rows = sideBySide(unified).flatMap((part) => part.rows.filter(({ same }) => !same));
  return {
    added: rows.filter(({ now }) => now !== undefined).length,
    removed: rows.filter(({ old }) => old !== undefined).length,
  };
}

/** A unified diff as a table: before on the left, after on the right; one column where there is only one of them. */
export function diffTable(unified: string, name: string): Markup {
  const parts = sideBySide(unified);
  const rows = parts.flatMap((part) => part.rows);
  const sides = (['old', 'now'] as const).filter((side) => rows.some((row) => row[side] !== undefined));
  const columns = sides.length === 1 ? sides : (['old', 'now'] as const);
  let room = MOST_ROWS;
  const bodies: Markup[] = [];
  for (const part of parts) {
    if (room > 0) bodies.push(body({ ...part, rows: part.rows.slice(0, room) }, columns));
    room -= part.rows.length;
  }
  return markup`<table class="diff" aria-label="Lines of ${name}">
    <colgroup>
      ${columns.map(() => markup`<col class="numbers" /><col />`)}
    </colgroup>
    ${bodies}
    ${
      room < 0 &&
      markup`<tbody>
        <tr class="cut">
          <td colspan="${columns.length * 2}">${-room} more lines; &ldquo;citadel-iac diff&rdquo; has them all.</td>
        </tr>
      </tbody>`
    }
  </table>`;
}

type Side = 'old' | 'now';

function body({ heading, rows }: DiffPart, columns: readonly Side[]): Markup {
  return markup`<tbody>
    <tr class="hunk">
      <td class="number" aria-hidden="true"></td>
      <td colspan="${columns.length * 2 - 1}">${heading}</td>
    </tr>
    ${rows.map((row) => rowOf(row, columns))}
  </tbody>`;
}

function rowOf(row: DiffRow, columns: readonly Side[]): Markup {
  const cells = columns.map((side, index) => cell(row[side], side, row.same, index > 0 && row.same));
  return markup`<tr${row.same && markup` class="same"`}>${cells}</tr>`;
}

function cell(line: DiffLine | undefined, side: Side, same: boolean, again: boolean): Markup {
  if (line === undefined)
    return markup`<td class="number none"></td>
      <td class="none"></td>`;
  const kind = same ? (again ? 'again' : 'plain') : side === 'old' ? 'old' : 'new';
  const sign = !same && markup`<span class="mark">${side === 'old' ? '−' : '+'}</span>`;
  const pieces = line.pieces.map(({ text, changed }) =>
    !changed ? markup`${text}` : side === 'old' ? markup`<del>${text}</del>` : markup`<ins>${text}</ins>`,
  );
  const open = line.open && markup`<span class="soft"> (no line end)</span>`;
  return markup`<td class="number ${kind}">${line.number}</td>
    <td class="${kind}">${sign}${pieces}${open}</td>`;
}
