import type { IConstruct } from 'constructs';
import { addRule } from '../../host/index.js';

/** How a rule knows its group without knowing the class, which knows the rules. */
export const GROUP = Symbol.for('citadel-iac.RuleGroup');

export function isGroup(construct: unknown): boolean {
  return typeof construct === 'object' && construct !== null && GROUP in construct;
}

/** A rule anywhere else would be in no file, and no one would miss it. */
export function requireGroup(rule: IConstruct): void {
  addRule(rule, () =>
    isGroup(rule.node.scope)
      ? []
      : [
          {
            code: 'construct.rules.no-group',
            got: `${rule.constructor.name} is not directly below a RuleGroup`,
            fix: 'Create it there: no file would hold it',
          },
        ],
  );
}
