import { SshError } from '../../../lib/ssh/index.js';

/** The error that an attempt must end with. */
export async function failure(attempt: Promise<unknown>): Promise<SshError> {
  const error: unknown = await attempt.then(String, (reason: unknown) => reason);
  if (!(error instanceof SshError)) throw new Error(`not an SshError: ${String(error)}`);
  return error;
}
