import { CitadelError, type Problem } from '../../manifest/problem.js';
import { visibleLines } from '../../text/visible.js';
import { errorMessage } from '../../text/error-message.js';
import { NULL_ATTRIBUTE } from './null-attribute.js';
import { SEVERITY, type AttributePathStep, type Diagnostic } from './wire/messages.js';

/**
 * Diagnostics for people: where and what in the summary, the tool's words, the host's state and the fix in the
 * detail. Terraform prints them as they are, so what a host said of them is made safe for a terminal here.
 */
export function errorDiagnostic(summary: string, detail: string, ...path: readonly string[]): Diagnostic {
  return diagnostic(SEVERITY.error, summary, detail, path);
}

export function warningDiagnostic(summary: string, detail: string): Diagnostic {
  return diagnostic(SEVERITY.warning, summary, detail, []);
}

function diagnostic(severity: number, summary: string, detail: string, path: readonly string[]): Diagnostic {
  const steps: AttributePathStep[] = path.map((name) => ({ attribute_name: name }));
  const text = { summary: visibleLines(summary), detail: visibleLines(detail) };
  return { severity, ...text, ...(steps.length === 0 ? {} : { attribute: { steps } }) };
}

/** `[ai-node/models/phi3] port: 11403 is taken …`, and the fix as the detail. */
export function problemDiagnostic(problem: Problem, state?: string): Diagnostic {
  const property = problem.property === undefined ? '' : `${problem.property}: `;
  // A tool's output of several lines reads better below than in a heading.
  const [first = '', ...rest] = problem.got.split('\n');
  const detail = [rest.join('\n'), problem.fix, state].filter((part) => part !== undefined && part !== '');
  // Terraform prints the line of a named attribute: short for a null, the whole document for anything else.
  const attribute =
    problem.code === NULL_ATTRIBUTE && problem.property !== undefined ? [problem.property] : [];
  return errorDiagnostic(`[${problem.path}] ${property}${first}`, detail.join('\n\n'), ...attribute);
}

/**
 * Any error as diagnostics.
 *
 * @param where names the host, for errors that do not
 * @param state what is true of the host and the state now, for example that nothing was changed
 */
export function diagnose(error: unknown, where: string, state?: string): Diagnostic[] {
  if (error instanceof CitadelError)
    return error.problems.map((problem) => problemDiagnostic(problem, state));
  const text = errorMessage(error);
  const advice =
    'This is not an error that the provider knows. Run again with TF_LOG_PROVIDER=debug to see where it comes from.';
  return [problemDiagnostic({ code: 'provider.unexpected', path: where, got: text, fix: advice }, state)];
}
