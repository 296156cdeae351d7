export const GIB = 1024 ** 3;

/** Bytes as a number of GiB for a person, rounded to that many digits after the point: `3.5`. */
export function gibibytes(bytes: number, digits = 1): string {
  return String(Number((bytes / GIB).toFixed(digits)));
}
