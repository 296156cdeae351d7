import { CitadelError } from '../manifest/index.js';

/** Name of a secret: a-z, 0-9 and `_`, starting with a letter, at most 63 characters. */
const SECRET_NAME = /^[a-z][a-z0-9_]{0,62}$/;
const REFERENCE = /@@secret:([a-z][a-z0-9_]{0,62})@@/g;

/**
 * A secret by name; its value never stands in a construct, a manifest or a diff. Inside a text it prints as the
 * reference `@@secret:name@@`, which the engine replaces on the operator's side when it applies.
 */
export class SecretRef {
  constructor(readonly name: string) {
    if (SECRET_NAME.test(name)) return;
    throw new CitadelError({
      code: 'construct.secret.name',
      path: 'secret',
      got: `${JSON.stringify(name)} is not a secret name`,
      fix: 'Use a-z, 0-9 and "_", starting with a letter, at most 63 characters',
    });
  }

  toString(): string {
    return `@@secret:${this.name}@@`;
  }
}

/** `password = ${secret('grafana_admin_password')}` in a file's content; or a whole file by `HostFile`'s `secret`. */
export function secret(name: string): SecretRef {
  return new SecretRef(name);
}

/** Names of the secrets that a text refers to, sorted, each once. */
export function secretsIn(text: string): string[] {
  return [...new Set([...text.matchAll(REFERENCE)].map((match) => match[1] ?? ''))].sort();
}
