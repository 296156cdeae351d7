/** Order of two texts by their code units: the same on every machine, whatever its language. */
export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order of entries by their keys: `Object.entries(map).sort(byKey)`. */
export function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return order(a, b);
}

/** Order of things by one of their texts: `list.sort(by(({ name }) => name))`. */
export function by<T>(text: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => order(text(a), text(b));
}
