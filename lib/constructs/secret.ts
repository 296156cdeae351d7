import { CitadelError } from '../manifest/index.js';
import { isSecretName, secretNamesIn, secretReference } from '../text/secret-reference.js';

/**
 * A secret by name; its value never stands in a construct, a manifest or a diff. Inside a text it prints as the
 * reference `@@secret:name@@`, which the engine replaces on the operator's side when it applies.
 */
export class SecretRef {
  constructor(readonly name: string) {
    if (isSecretName(name)) return;
    throw new CitadelError({
      code: 'construct.secret.name',
      path: 'secret',
      got: `${JSON.stringify(name)} is not a secret name`,
      fix: 'Use a-z, 0-9 and "_", starting with a letter, at most 63 characters',
    });
  }

  toString(): string {
    return secretReference(this.name);
  }
}

/** `password = ${secret('grafana_admin_password')}` in a file's content; or a whole file by `HostFile`'s `secret`. */
export function secret(name: string): SecretRef {
  return new SecretRef(name);
}

export { secretNamesIn as secretsIn };
