import type { IConstruct } from 'constructs';
import { formatProblem, type Problem } from '../../manifest/index.js';

/** A problem of a construct, which knows its own path. */
export type OwnProblem = Omit<Problem, 'path'>;

/**
 * The constructs library carries validation results as texts. The problems behind the texts are kept here, so
 * that {@link problemsOf} can give them back whole to whoever collects a tree's problems.
 */
const behindTexts = new WeakMap<IConstruct, Map<string, Problem>>();

/**
 * Registers a rule with `construct.node.addValidation`. Each text is the problem's sentence, without the construct's
 * path (synthesizers print it themselves); a problem found in another construct's item keeps its own path.
 */
export function addRule(construct: IConstruct, rule: () => readonly (OwnProblem | Problem)[]): void {
  construct.node.addValidation({
    validate: () => {
      const known = behindTexts.get(construct) ?? new Map<string, Problem>();
      behindTexts.set(construct, known);
      return rule().map((found) => {
        const problem: Problem = 'path' in found ? found : { ...found, path: construct.node.path };
        const text = validationText(problem, construct.node.path);
        known.set(text, problem);
        return text;
      });
    },
  });
}

/** Everything that `construct.node.validate()` finds, as problems; texts of foreign validations become problems as well. */
export function problemsOf(construct: IConstruct): Problem[] {
  return construct.node.validate().map(
    (text) =>
      behindTexts.get(construct)?.get(text) ?? {
        code: 'construct.validation',
        path: construct.node.path,
        got: text,
        fix: 'Correct this construct',
      },
  );
}

function validationText(problem: Problem, path: string): string {
  const whole = formatProblem(problem);
  return problem.path === path ? whole.slice(path.length + 3) : whole;
}
