import { CitadelError, formatProblem } from '../../manifest/index.js';
import type { Shell } from '../shell.js';
import { errorMessage } from '../../text/error-message.js';
import { thrownIn } from '../../text/thrown-in.js';
import { visible } from './style.js';

/**
 * An error as lines for a person: each problem with its fix, and what a site's own code threw with its place. Anything else is a
 * mistake of this program and says so; `CITADEL_DEBUG=1` adds stack traces and causes.
 */
export function errorText(error: unknown, { env, site }: Pick<Shell, 'env' | 'site'>): string {
  const trace = (env['CITADEL_DEBUG'] ?? '') === '' ? '' : `${traceOf(error)}\n`;
  if (error instanceof CitadelError)
    return `${error.problems.map((problem) => visible(formatProblem(problem))).join('\n')}\n${trace}`;
  const own = site === undefined ? undefined : thrownIn(site, error);
  if (own !== undefined) return `${visible(`[${own.place}] ${own.got}. ${own.fix}`)}\n${trace}`;
  const words = errorMessage(error);
  return `internal error: ${visible(words)}\nThis is a mistake in citadel-iac. Run it again with CITADEL_DEBUG=1 and report what it prints.\n${trace}`;
}

function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause === undefined ? '' : `\ncaused by: ${traceOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
