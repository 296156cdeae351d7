import { CitadelError, formatProblem, type Problem } from '../../manifest/index.js';

/** Finds the values of secrets, on the operator's side. */
export interface SecretResolver {
  /**
   * @throws CitadelError that names the secret, its source and what to do, or what is wrong with the file that it
   *     shares with others; never holds a value
   */
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
  // One file that several secrets come from is one problem.
  const problems = new Map<string, Problem>();
  for (const name of names) {
    try {
      const value = await resolver.resolve(name);
      values.set(name, typeof value === 'string' ? Buffer.from(value) : value);
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      for (const problem of error.problems) problems.set(formatProblem(problem), problem);
    }
  }
  if (problems.size > 0) throw new CitadelError([...problems.values()]);
  return values;
}
