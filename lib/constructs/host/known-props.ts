import type { Construct } from 'constructs';
import { addRule, type OwnProblem } from './problems.js';
import { suggest } from '../../text/suggest.js';

/**
 * The name of every property of an interface; the compiler holds it to be all of them. Types are gone when a stack
 * runs, so a misspelt property would otherwise be dropped without a message.
 */
export type Names<Props> = { readonly [Name in keyof Props as string extends Name ? never : Name]-?: true };

/** Makes each property that `names` does not have a problem of the construct. */
export function refuseUnknown<Props extends object>(
  construct: Construct,
  props: Props,
  names: Names<Props>,
): void {
  addRule(construct, () => unknownProps(props, names));
}

/**
 * The properties of `props` that `names` does not have, each with the name that is most like it.
 *
 * @param at where `props` stands in the construct's own: `'jobs[0]'`; none for the construct's own properties
 */
export function unknownProps<Props extends object>(props: Props, names: Names<Props>, at = ''): OwnProblem[] {
  // From JavaScript, anything may come.
  const given: unknown = props;
  if (typeof given !== 'object' || given === null) return [];
  const known = Object.keys(names);
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = suggest(name, known);
      return {
        code: 'construct.property.unknown',
        property: at === '' ? name : `${at}.${name}`,
        got: 'is not a property of this construct',
        fix: near === undefined ? `It has ${known.sort().join(', ')}` : `Did you mean ${near}?`,
      };
    });
}
