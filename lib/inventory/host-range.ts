/** Names that one range may stand for. */
export const MAX_RANGE = 10_000;

const PART = /\[(?:(\d{1,9}):(\d{1,9})|([a-z]):([a-z]))\]/;

/** Whether a name is written as a range, well or not. */
export function isRange(text: string): boolean {
  return /[[\]]/.test(text);
}

/**
 * The names that `web[01:12]`, `db-[a:c]` or `rack[1:2]-node[01:20]` stands for, both ends included, with as many digits as the
 * first number is written with; the last range counts fastest. A text without a range stands for itself.
 *
 * @returns `undefined` where it is not written as one, runs backwards, or stands for more than {@link MAX_RANGE} names
 */
export function rangeNames(text: string): string[] | undefined {
  const found = PART.exec(text);
  if (found === null) return isRange(text) ? undefined : [text];
  const before = text.slice(0, found.index);
  const [whole, from, to, first, last] = found;
  const members = from === undefined ? letters(first ?? '', last ?? '') : numbers(from, to ?? '');
  const after = rangeNames(text.slice(found.index + whole.length));
  if (isRange(before) || after === undefined || members === undefined) return undefined;
  if (members.length * after.length > MAX_RANGE) return undefined;
  return members.flatMap((member) => after.map((rest) => before + member + rest));
}

function numbers(from: string, to: string): string[] | undefined {
  const count = Number(to) - Number(from) + 1;
  if (count < 1 || count > MAX_RANGE) return undefined;
  return Array.from({ length: count }, (_, index) => String(Number(from) + index).padStart(from.length, '0'));
}

function letters(first: string, last: string): string[] | undefined {
  const [start, end] = [first.charCodeAt(0), last.charCodeAt(0)];
  if (end < start) return undefined;
  return Array.from({ length: end - start + 1 }, (_, index) => String.fromCharCode(start + index));
}
