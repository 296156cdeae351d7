import { createHmac } from 'node:crypto';

/**
 * `<secret NAME #a1b2c3>`: six hexadecimal digits of HMAC-SHA256(key, value) show whether two values are equal and
 * nothing else to someone without the host's key. Without a key, `<secret NAME>`.
 */
export function secretToken(name: string, value: string | null, key: Buffer | null): string {
  if (value === null || key === null) return `<secret ${name}>`;
  return `<secret ${name} #${createHmac('sha256', key).update(value).digest('hex').slice(0, 6)}>`;
}

/** The token of a value that a secret had before, or that someone put in its place. */
export function otherToken(name: string, value: string, key: Buffer | null): string {
  return key === null ? `<secret ${name}, another value>` : secretToken(name, value, key);
}

/** The token of something that gives the current value away: an encoding of it, or a part. */
export function formToken(name: string, form: string, key: Buffer | null): string {
  return key === null ? `<secret ${name}, in another form>` : secretToken(name, form, key);
}
