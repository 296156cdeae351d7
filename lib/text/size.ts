export const GIB = 1024 ** 3;

/** Bytes as a number of GiB for a person, rounded to that many digits after the point: `3.5`. */
export function gibibytes(bytes: number, digits = 1): string {
  return String(Number((bytes / GIB).toFixed(digits)));
}

/** Bytes in binary units: `0 B`, `12.3 GiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let size = bytes;
  while (size >= 1024 && units.length > 1) {
    size /= 1024;
    units.shift();
  }
  return units[0] === 'B' ? `${size} B` : `${size.toFixed(1)} ${units[0] ?? ''}`;
}
