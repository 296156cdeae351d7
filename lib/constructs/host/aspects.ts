import type { IConstruct } from 'constructs';

/** Something that looks at every construct of a tree, and may add to it or change what can be changed. */
export interface Aspect {
  visit(construct: IConstruct): void;
}

const ASPECTS = Symbol.for('citadel-iac.Aspects');
interface Visited {
  readonly aspect: Aspect;
  readonly seen: WeakSet<IConstruct>;
}
/** Trees that have an aspect at all: most have none, and are not walked. */
const treesWithAspects = new WeakSet<IConstruct>();

/**
 * What holds for all constructs below one, whoever made them: a policy, or a change of what a role brought.
 *
 *     Aspects.of(host).add({
 *       visit: (construct) => {
 *         if (construct instanceof SystemdUnit) construct.addDropIn('limits', { service: { TasksMax: 512 } });
 *       },
 *     });
 *
 * They run once the tree is complete, before it is validated: each aspect once for each construct, from the root down, also
 * for constructs that aspects have added. An error in an aspect goes to the caller.
 */
export class Aspects {
  static of(scope: IConstruct): Aspects {
    return new Aspects(scope);
  }

  private constructor(private readonly scope: IConstruct) {}

  add(aspect: Aspect): void {
    treesWithAspects.add(this.scope.node.root);
    Object.defineProperty(this.scope, ASPECTS, {
      value: [...aspectsAt(this.scope), { aspect, seen: new WeakSet<IConstruct>() }],
      configurable: true,
    });
  }
}

/** Lets the aspects of the whole tree that `scope` is in see what they have not seen. */
export function invokeAspects(scope: IConstruct): void {
  const { root } = scope.node;
  if (!treesWithAspects.has(root)) return;
  for (let again = true; again;) {
    again = false;
    for (const construct of root.node.findAll()) {
      for (const { aspect, seen } of construct.node.scopes.flatMap(aspectsAt)) {
        if (seen.has(construct)) continue;
        seen.add(construct);
        again = true;
        aspect.visit(construct);
      }
    }
  }
}

function aspectsAt(construct: IConstruct): readonly Visited[] {
  return (construct as unknown as Record<symbol, readonly Visited[] | undefined>)[ASPECTS] ?? [];
}
