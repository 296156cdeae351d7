import { CitadelError } from '../../manifest/index.js';

/** Finds the values of secrets, on the operator's side. */
export interface SecretResolver {
  /** @throws CitadelError that names the secret, its source and what to do, and never holds a value */
  resolve(name: string): Promise<Buffer | string>;
}

/**
 * Values of several secrets, each asked for once and one after the other (a source may prompt).
 *
 * @throws CitadelError with a problem for every secret that could not be found
 */
export async function resolveSecrets(
  names: readonly string[],
  resolver: SecretResolver,
): Promise<ReadonlyMap<string, Buffer>> {
  const values = new Map<string, Buffer>();
  const problems = [];
  for (const name of names) {
    try {
      const value = await resolver.resolve(name);
      values.set(name, typeof value === 'string' ? Buffer.from(value) : value);
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new CitadelError(problems);
  return values;
}
