/**
 * Terraform's values as JavaScript's: `null`, `true`, `1`, `"a"`, arrays and plain objects, and one value more
 * for "known after apply".
 */
export const UNKNOWN: unique symbol = Symbol('known after apply');

export type CtyValue =
  | null
  | boolean
  | number
  | string
  | typeof UNKNOWN
  | readonly CtyValue[]
  | { readonly [key: string]: CtyValue };

export type CtyObject = Readonly<Record<string, CtyValue>>;

export function isObject(value: CtyValue | undefined): value is CtyObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: CtyValue | undefined): value is readonly CtyValue[] {
  return Array.isArray(value);
}

/** True when nothing in it is "known after apply". */
export function isWhollyKnown(value: CtyValue): boolean {
  if (value === UNKNOWN) return false;
  if (isList(value)) return value.every(isWhollyKnown);
  if (isObject(value)) return Object.values(value).every(isWhollyKnown);
  return true;
}

/** Equal as Terraform sees it: the order of an object's keys does not count. */
export function sameValue(a: CtyValue, b: CtyValue): boolean {
  if (a === b) return true;
  if (isList(a))
    return isList(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i] ?? null));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => key in b && sameValue(a[key] ?? null, b[key] ?? null))
  );
}
