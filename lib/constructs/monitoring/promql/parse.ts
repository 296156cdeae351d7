import { parser } from '@prometheus-io/lezer-promql';
import { suggest } from '../../../text/suggest.js';
import type { Expression, Fault, LabelList, Matcher, Span } from './expression.js';
import { AGGREGATIONS, FUNCTIONS } from './functions.js';

type Node = ReturnType<typeof parser.parse>['topNode'];

export type Parsed =
  | { readonly expression: Expression; readonly faults: readonly [] }
  | { readonly expression?: undefined; readonly faults: readonly Fault[] };

/**
 * Reads a PromQL expression, of Prometheus 2.42 and all later ones: what only a later version takes (quoted names, durations
 * as numbers, newer functions) is a fault.
 */
export function parsePromql(text: string): Parsed {
  const { topNode } = parser.parse(text);
  const broken = firstError(topNode);
  if (broken !== undefined) return { faults: [explain(text, broken)] };
  const reader = new Reader(text);
  const expression = reader.read(topNode);
  return reader.faults.length > 0 ? { faults: reader.faults } : { expression, faults: [] };
}

function firstError(node: Node): Node | undefined {
  if (node.type.isError) return node;
  for (const child of childrenOf(node)) {
    const found = firstError(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function explain(text: string, { from, to }: Span): Fault {
  const rest = text.slice(from);
  const name = /([A-Za-z_]\w*)\s*$/.exec(text.slice(0, from))?.[1];
  if (name !== undefined && rest.startsWith('(')) {
    const near = suggest(name, [...FUNCTIONS.keys(), ...AGGREGATIONS.keys()]);
    return {
      from: text.lastIndexOf(name, from),
      to: from,
      what: `"${name}" is not a function`,
      ...(near === undefined ? {} : { fix: `Did you mean "${near}"?` }),
    };
  }
  if (rest.trim() === '') {
    const what = text.trim() === '' ? 'there is nothing' : 'the expression ends too early';
    return { from: text.trimEnd().length, to: text.length, what };
  }
  const word = /^\s*(\w+|.)/u.exec(rest);
  const skipped = (word?.[0].length ?? 1) - (word?.[1]?.length ?? 1);
  return {
    from: from + skipped,
    to: Math.max(to, from + (word?.[0].length ?? 1)),
    what: `"${word?.[1] ?? ''}" is not expected here`,
  };
}

class Reader {
  readonly faults: Fault[] = [];

  constructor(private readonly text: string) {}

  read(node: Node): Expression {
    const span = { from: node.from, to: node.to };
    const inner = childrenOf(node).filter(({ name }) => name !== 'LineComment');
    switch (node.name) {
      case 'NumberDurationLiteral':
        return { kind: 'number', ...span, value: this.number(node) };
      case 'StringLiteral':
        return { kind: 'string', ...span, value: unquote(this.textOf(node)) };
      case 'VectorSelector':
        return { kind: 'selector', ...span, ...this.selector(inner) };
      case 'MatrixSelector': {
        const selector = this.read(nth(inner, 0));
        const range = inner.find(({ name }) => name === 'DurationExpr');
        this.plainDuration(range);
        return selector.kind === 'selector'
          ? { ...selector, ...span, range: range === undefined ? '' : this.textOf(range) }
          : selector;
      }
      case 'SubqueryExpr':
        for (const part of inner.slice(1)) this.plainDuration(part);
        return { kind: 'subquery', ...span, inner: this.read(nth(inner, 0)) };
      case 'UnaryExpr':
        return { kind: 'unary', ...span, inner: this.read(nth(inner, 1)) };
      case 'FunctionCall':
        return this.call(span, inner);
      case 'AggregateExpr':
        return this.aggregation(span, inner);
      case 'BinaryExpr':
        return this.binary(span, inner);
      default: {
        // What only wraps: parentheses, offset, @, the whole.
        const { from, to, ...rest } = this.read(nth(inner, 0));
        return node.name === 'PromQL' ? { ...rest, from, to } : { ...rest, ...span };
      }
    }
  }

  private selector(inner: readonly Node[]) {
    const name = inner.find((part) => part.name === 'Identifier');
    const list = inner.find((part) => part.name === 'LabelMatchers');
    const matchers: Matcher[] = [];
    let metric = name === undefined ? undefined : this.textOf(name);
    for (const part of list === undefined ? [] : childrenOf(list)) {
      if (part.name !== 'UnquotedLabelMatcher') {
        this.newer(part, 'a quoted name');
        continue;
      }
      const [label, operator, value] = childrenOf(part);
      if (label === undefined || operator === undefined || value === undefined) continue;
      const matcher = {
        from: part.from,
        to: part.to,
        label: this.textOf(label),
        operator: this.textOf(operator) as Matcher['operator'],
        value: unquote(this.textOf(value)),
        valueSpan: { from: value.from, to: value.to },
      };
      if (matcher.label === '__name__' && matcher.operator === '=') metric = matcher.value;
      else matchers.push(matcher);
    }
    return { matchers, ...(metric === undefined ? {} : { metric }) };
  }

  private call(span: Span, inner: readonly Node[]): Expression {
    const identifier = nth(inner, 0);
    const name = this.textOf(identifier);
    if (!FUNCTIONS.has(name)) this.newer(identifier, `"${name}"`);
    return { kind: 'call', ...span, name, arguments: this.arguments(inner) };
  }

  private aggregation(span: Span, inner: readonly Node[]): Expression {
    const operation = nth(inner, 0);
    const name = this.textOf(operation).toLowerCase();
    if (!AGGREGATIONS.has(name)) this.newer(operation, `"${name}"`);
    const modifier = inner.find((part) => part.name === 'AggregateModifier');
    return {
      kind: 'aggregation',
      ...span,
      name,
      arguments: this.arguments(inner),
      ...(modifier === undefined
        ? {}
        : {
            modifier: {
              keep: childrenOf(modifier).some((part) => part.name === 'By'),
              labels: this.labels(modifier),
            },
          }),
    };
  }

  private binary(span: Span, inner: readonly Node[]): Expression {
    const left = nth(inner, 0);
    const right = nth(inner, inner.length - 1);
    const clause = inner.find((part) => part.name === 'MatchingModifierClause');
    const parts = clause === undefined ? [] : childrenOf(clause);
    const sideAt = parts.findIndex(({ name }) => name === 'GroupLeft' || name === 'GroupRight');
    const on = parts.find(({ name }) => name === 'On' || name === 'Ignoring');
    const lists = parts.filter(({ name }) => name === 'GroupingLabels');
    const groupLabels = lists.find((list) => sideAt >= 0 && list.from > (parts[sideAt]?.from ?? 0));
    const matchLabels = lists.find((list) => list !== groupLabels);
    return {
      kind: 'binary',
      ...span,
      operator: this.textOf(nth(inner, 1)).toLowerCase(),
      bool: inner.some(({ name }) => name === 'BoolModifier') || parts.some(({ name }) => name === 'Bool'),
      left: this.read(left),
      right: this.read(right),
      ...(on === undefined
        ? {}
        : { matching: { on: on.name === 'On', labels: this.labelNames(matchLabels) } }),
      ...(sideAt < 0
        ? {}
        : {
            group: {
              side: parts[sideAt]?.name === 'GroupLeft' ? ('left' as const) : ('right' as const),
              labels: this.labelNames(groupLabels),
            },
          }),
    };
  }

  private arguments(inner: readonly Node[]): Expression[] {
    const body = inner.find(({ name }) => name === 'FunctionCallBody');
    return body === undefined
      ? []
      : childrenOf(body)
          .filter(({ name }) => name !== 'LineComment')
          .map((argument) => this.read(argument));
  }

  private labels(parent: Node): LabelList {
    return this.labelNames(childrenOf(parent).find(({ name }) => name === 'GroupingLabels'));
  }

  private labelNames(list: Node | undefined): LabelList {
    if (list === undefined) return [];
    return childrenOf(list).map((node) => {
      if (node.name !== 'LabelName') this.newer(node, 'a quoted name');
      return { name: this.textOf(node), from: node.from, to: node.to };
    });
  }

  private number(node: Node): number {
    const text = this.textOf(node).toLowerCase();
    if (text === 'inf') return Number.POSITIVE_INFINITY;
    if (text === 'nan') return Number.NaN;
    const value = Number(text);
    if (Number.isNaN(value)) this.newer(node, `a duration as a number ("${text}")`);
    return value;
  }

  private plainDuration(node: Node | undefined): void {
    if (node === undefined || /^(\d+(ms|[smhdwy]))+$/.test(this.textOf(node))) return;
    this.newer(node, 'an expression as a duration');
  }

  private newer({ from, to }: Span, what: string): void {
    this.faults.push({
      from,
      to,
      what: `${what} is newer than Prometheus 2.42`,
      fix: 'Write it in words that Debian 12 has',
    });
  }

  private textOf({ from, to }: Span): string {
    return this.text.slice(from, to);
  }
}

function childrenOf(node: Node): Node[] {
  const list: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) list.push(child);
  return list;
}

function nth(nodes: readonly Node[], index: number): Node {
  const node = nodes[index];
  if (node === undefined) throw new TypeError('the grammar of PromQL changed: a part is missing');
  return node;
}

/** Value of a literal in double, single or back quotes; Go's escapes that matter in matchers. */
function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`')) return body;
  return body.replaceAll(/\\(.)/gs, (_whole, character: string) => ESCAPES.get(character) ?? character);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
]);
