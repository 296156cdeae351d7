import type { Binary, Call, Expression, Fault, LabelList, Selector } from './expression.js';

/** Labels that the series of a name can have; `undefined` when no one knows. */
export type LabelsOf = (metric: string) => ReadonlySet<string> | undefined;

type Labels = ReadonlySet<string> | undefined;

const NONE: ReadonlySet<string> = new Set();
const KEEPS = new Set(['topk', 'bottomk']);

/**
 * The labels that the result of `expression` can have, and the places where it asks for one that is not there: a matcher, `by`,
 * `on` and the like. `undefined` labels: it could be any.
 */
export function checkLabels(
  expression: Expression,
  labelsOf: LabelsOf,
): { readonly labels: Labels; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const labels = new Labeller(labelsOf, faults).of(expression);
  return { labels, faults };
}

class Labeller {
  constructor(
    private readonly labelsOf: LabelsOf,
    private readonly faults: Fault[],
  ) {}

  of(expression: Expression): Labels {
    switch (expression.kind) {
      case 'number':
      case 'string':
        return NONE;
      case 'selector':
        return this.selector(expression);
      case 'subquery':
      case 'unary':
        return this.of(expression.inner);
      case 'aggregation': {
        const inner = this.of(expression.arguments.at(-1) ?? expression);
        const { modifier, name } = expression;
        if (KEEPS.has(name)) return inner;
        const named = new Set(modifier?.labels.map((label) => label.name));
        if (modifier !== undefined) this.need(modifier.labels, inner, 'what is aggregated here');
        if (name === 'count_values') return undefined;
        return modifier?.keep === false ? without(inner, named) : named;
      }
      case 'call':
        return this.call(expression);
      case 'binary':
        return this.binary(expression);
    }
  }

  private selector({ metric, matchers }: Selector): Labels {
    const known = metric === undefined ? undefined : this.labelsOf(metric);
    if (known === undefined) return undefined;
    this.need(
      matchers.map(({ label, from, to }) => ({ name: label, from, to })),
      known,
      metric ?? '',
    );
    return known;
  }

  private call({ name, arguments: args }: Call): Labels {
    const inner = args.map((argument) => this.of(argument));
    const [first] = args;
    switch (name) {
      case 'absent':
      case 'absent_over_time':
        return new Set(
          first?.kind === 'selector'
            ? first.matchers.filter(({ operator }) => operator === '=').map(({ label }) => label)
            : [],
        );
      case 'time':
      case 'vector':
      case 'scalar':
      case 'pi':
        return NONE;
      case 'histogram_quantile':
        this.need([{ from: 0, to: 0, ...args[1], name: 'le' }], inner[1], 'the second argument');
        return without(inner[1], new Set(['le']));
      case 'label_replace':
      case 'label_join': {
        const target = args[1];
        return inner[0] === undefined || target?.kind !== 'string'
          ? undefined
          : new Set([...inner[0], target.value]);
      }
      default: {
        const vector = args.findIndex(({ kind }) => kind !== 'number' && kind !== 'string');
        return vector < 0 ? NONE : inner[vector];
      }
    }
  }

  private binary(expression: Binary): Labels {
    const { operator, matching, group } = expression;
    const [left, right] = [this.of(expression.left), this.of(expression.right)];
    if (isNumber(expression.left)) return right;
    if (isNumber(expression.right)) return left;
    if (matching !== undefined) {
      if (matching.on) {
        this.need(matching.labels, left, 'the left side');
        this.need(matching.labels, right, 'the right side');
      } else if (left !== undefined && right !== undefined) {
        // What is ignored is often on one side only: that is why it is ignored.
        this.need(matching.labels, new Set([...left, ...right]), 'either side');
      }
    }
    if (operator === 'and' || operator === 'unless') return left;
    if (operator === 'or') {
      return left === undefined || right === undefined ? undefined : new Set([...left, ...right]);
    }
    if (group !== undefined) {
      const [many, one] = group.side === 'left' ? [left, right] : [right, left];
      this.need(group.labels, one, `the ${group.side === 'left' ? 'right' : 'left'} side`);
      return many === undefined ? undefined : new Set([...many, ...group.labels.map(({ name }) => name)]);
    }
    const named = new Set(matching?.labels.map(({ name }) => name));
    if (matching?.on === true) return named;
    const shared =
      left === undefined || right === undefined
        ? (left ?? right)
        : new Set([...left].filter((name) => right.has(name)));
    return without(shared, named);
  }

  private need(labels: LabelList, known: Labels, where: string): void {
    if (known === undefined) return;
    for (const { name, from, to } of labels) {
      if (known.has(name)) continue;
      const list = [...known].sort().join(', ');
      this.faults.push({
        from,
        to,
        what: `there is no label "${name}" in ${where}`,
        fix: list === '' ? 'It has no labels at all' : `It has: ${list}`,
      });
    }
  }
}

/** Numbers, `time()` and the like: they have no labels to match. */
function isNumber(expression: Expression): boolean {
  if (expression.kind === 'unary') return isNumber(expression.inner);
  if (expression.kind === 'binary') return isNumber(expression.left) && isNumber(expression.right);
  return (
    expression.kind === 'number' ||
    (expression.kind === 'call' && ['time', 'scalar', 'pi'].includes(expression.name))
  );
}

function without(labels: Labels, gone: ReadonlySet<string>): Labels {
  return labels === undefined ? undefined : new Set([...labels].filter((name) => !gone.has(name)));
}
