import { by } from '../text/order.js';

/**
 * One thing a user can put right: where it stands, what was found and what to do.
 * Every layer reports problems in this shape, so that a synth or a plan can list all of them at once.
 */
export interface Problem {
  /** Stable identifier of the rule, for example `manifest.path.relative`. */
  readonly code: string;
  /** Construct path (`ai-node/models/phi3`), inventory line (`citadel.yaml:12`) or host name. */
  readonly path: string;
  /** The property that is wrong, for example `files["/etc/x"].mode`; absent when the whole thing is. */
  readonly property?: string;
  /** What was found, in words. */
  readonly got: string;
  /** What to do about it, in words. */
  readonly fix: string;
  /**
   * Settings of the way to a host that it is about, for shells that can say where they are written: `user`; `port|address`: the
   * first of them that is written.
   */
  readonly about?: readonly string[];
}

/** `[ai-node/models/phi3] port: 11403 is taken by ai-node/models/openchat. Give one of them another port.` */
export function formatProblem(problem: Problem): string {
  const property = problem.property === undefined ? '' : `${problem.property}: `;
  return `[${problem.path}] ${property}${sentence(problem.got)} ${sentence(problem.fix)}`;
}

/** Problems in a stable order, whatever the order in which they were found. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(by(sortKey));
}

/**
 * The one error class of the product. It is thrown by anything a user's input can make fail;
 * shells print {@link formatProblem} for each problem and never a stack trace.
 */
export class CitadelError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: Problem | readonly Problem[], options?: ErrorOptions) {
    const list = sortProblems(
      Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem],
    );
    super(list.map(formatProblem).join('\n'), options);
    this.name = 'CitadelError';
    this.problems = list;
  }
}

function sentence(text: string): string {
  return /[.!?:]$/.test(text) ? text : `${text}.`;
}

/** Numbers in their order: line 2 before line 10. */
function sortKey(problem: Problem): string {
  return formatProblem(problem).replaceAll(/\d+/g, (digits) => digits.padStart(12, '0'));
}
