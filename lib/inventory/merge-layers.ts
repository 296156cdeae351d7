import { isDeepStrictEqual } from 'node:util';
import { isMap } from './raw.js';
import { mapOf, memberOf, membersOf, type Written } from './written.js';

/** Two layers, neither of which is nearer to the host, that say different things. */
export interface Conflict {
  /** Keys below the host. */
  readonly path: readonly string[];
  readonly one: Written;
  readonly other: Written;
}

/** What layers amount to, and where they contradict each other; there the first of them is taken. */
export interface Merged {
  readonly written: Written;
  readonly conflicts: readonly Conflict[];
}

/**
 * Lays settings over each other: maps member by member, lists and single values as a whole. Of two layers the nearer one
 * wins; where neither is nearer they must agree.
 *
 * @param layers at least one, no layer after one that it is nearer than
 * @param nearer whether the layer with the first index wins over that with the second; transitive
 */
export function mergeLayers(
  layers: readonly Written[],
  nearer: (one: number, other: number) => boolean,
): Merged {
  const conflicts: Conflict[] = [];
  const merge = (all: readonly Part[], path: readonly string[]): Written => {
    const left = all.filter(
      (part) => !all.some((other) => nearer(other.layer, part.layer) && !join(other, part)),
    );
    const [first, ...others] = left;
    if (first === undefined) throw new RangeError('no layers');
    if (others.length === 0) return first.written;
    const apart = others.find((other) => !join(first, other));
    if (apart !== undefined) {
      const different = others.find(({ written }) => !isDeepStrictEqual(written.value, first.written.value));
      if (different !== undefined) conflicts.push({ path, one: first.written, other: different.written });
      return first.written;
    }
    const keys = new Set(left.flatMap(({ written }) => membersOf(written).map(([key]) => key)));
    const members = new Map(
      [...keys].map((key) => [
        key,
        merge(
          left.flatMap((part) => below(part, key)),
          [...path, key],
        ),
      ]),
    );
    return mapOf(members, first.written.at);
  };
  const written = merge(
    layers.map((each, layer) => ({ written: each, layer })),
    [],
  );
  return { written, conflicts };
}

interface Part {
  readonly written: Written;
  readonly layer: number;
}

/** Whether two values are merged, and neither takes the other's place. */
function join(one: Part, other: Part): boolean {
  return isMap(one.written.value) && isMap(other.written.value);
}

function below({ written, layer }: Part, key: string): Part[] {
  const there = isMap(written.value) && Object.hasOwn(written.value, key);
  return there ? [{ written: memberOf(written, key), layer }] : [];
}
