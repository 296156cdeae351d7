import { createHash } from 'node:crypto';

/** Group of all accounts that run models: it may read weights. */
export const MODELS_GROUP = 'citadel-models';

const PREFIX = 'citadel-model-';
/** Of a name of an account: systemd's limit, which is below that of useradd. */
const LONGEST = 31;
/** Hexadecimal digits that tell long names apart. */
const DIGITS = 8;

/**
 * Name of the account that runs a model: `citadel-model-phi3`. One that would be too long for an account is cut, and ends in
 * a digest of the whole.
 */
export function modelAccount(model: string): string {
  const name = `${PREFIX}${model}`;
  if (name.length <= LONGEST) return name;
  const digest = createHash('sha256').update(model).digest('hex').slice(0, DIGITS);
  return `${name.slice(0, LONGEST - DIGITS - 1)}-${digest}`;
}
