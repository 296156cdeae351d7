/** How a value may be shown, as Prometheus' templates call it; each gives the very text that Prometheus gives. */
export const FORMATS: ReadonlyMap<string, (value: number) => string> = new Map([
  ['printf "%.0f"', (value) => fixed(value, 0)],
  ['printf "%.1f"', (value) => fixed(value, 1)],
  ['printf "%.2f"', (value) => fixed(value, 2)],
  ['humanize', (value) => prefixed(value, 1000, ['', 'k', 'M', 'G', 'T', 'P'])],
  ['humanize1024', (value) => prefixed(value, 1024, ['', 'ki', 'Mi', 'Gi', 'Ti', 'Pi'])],
  ['humanizePercentage', (value) => `${significant(value * 100)}%`],
  ['humanizeDuration', duration],
]);

/** @returns the empty text for a format that is not in {@link FORMATS} */
export function formatValue(format: string, value: number): string {
  return FORMATS.get(format)?.(value) ?? '';
}

/** Go rounds the exact binary value half to even, as toFixed does for all but ties. */
function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return special(value);
  const scaled = value * 10 ** digits;
  const tie = Math.abs(scaled % 1) === 0.5;
  const rounded = tie ? 2 * Math.round(scaled / 2) : Number(value.toFixed(digits)) * 10 ** digits;
  return (rounded / 10 ** digits).toFixed(digits);
}

/** Go's `%.4g`. */
function significant(value: number): string {
  if (!Number.isFinite(value)) return special(value);
  if (value === 0) return '0';
  const [mantissa = '', exponentText = '0'] = value.toExponential(3).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 4) return String(Number(value.toPrecision(4)));
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${Number(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`;
}

function prefixed(value: number, step: number, prefixes: readonly string[]): string {
  let rest = value;
  let index = 0;
  while (Math.abs(rest) >= step && index < prefixes.length - 1) {
    rest /= step;
    index += 1;
  }
  return `${significant(rest)}${prefixes[index] ?? ''}`;
}

function duration(value: number): string {
  if (!Number.isFinite(value)) return special(value);
  if (value === 0) return '0s';
  const sign = value < 0 ? '-' : '';
  const whole = Math.trunc(Math.abs(value));
  const [days, hours, minutes, seconds] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes > 0) return `${sign}${minutes}m ${seconds}s`;
  if (whole > 0) return `${significant(value)}s`;
  let small = value;
  let prefix = '';
  for (const next of ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y']) {
    if (Math.abs(small) >= 1) break;
    small *= 1000;
    prefix = next;
  }
  return `${significant(small)}${prefix}s`;
}

function special(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
