import { order } from './order.js';

/**
 * The candidate that a person most likely meant by `name`, or `undefined` when none is near: at most two typing
 * errors (one in short names, more in long ones: a fifth), where two swapped neighbours count as one; case and `-`/`_` do not
 * count.
 */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  const folded = fold(name);
  const limit = folded.length <= 3 ? 1 : Math.max(2, Math.floor(folded.length / 5));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of [...candidates].sort(order)) {
    if (Math.abs(candidate.length - name.length) > limit + 2) continue;
    const distance = editDistance(folded, fold(candidate));
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

function fold(name: string): string {
  return name.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '');
}

/** Optimal string alignment distance: insert, delete, replace, swap neighbours. */
function editDistance(a: string, b: string): number {
  let twoAgo: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, at(twoAgo, j - 2) + 1);
      row.push(cost);
    }
    twoAgo = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
