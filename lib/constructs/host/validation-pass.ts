import type { IConstruct } from 'constructs';

let answers: WeakMap<IConstruct, Map<unknown, unknown>> | undefined;

/** Runs `work`, in which nothing is added to a tree: what {@link oncePerPass} computes is kept until it returns. */
export function validationPass<T>(work: () => T): T {
  if (answers !== undefined) return work();
  answers = new WeakMap();
  try {
    return work();
  } finally {
    answers = undefined;
  }
}

/**
 * The answer to a question that many constructs ask about one (their root, their host): computed once in a validation pass,
 * since thousands that each walk the whole tree take minutes, and each time outside of one.
 *
 * @param question a function that lives as long as the program: it is what answers are kept by
 */
export function oncePerPass<C extends IConstruct, T>(construct: C, question: (construct: C) => T): T {
  if (answers === undefined) return question(construct);
  const known = answers.get(construct) ?? new Map<unknown, unknown>();
  answers.set(construct, known);
  if (!known.has(question)) known.set(question, question(construct));
  return known.get(question) as T;
}
