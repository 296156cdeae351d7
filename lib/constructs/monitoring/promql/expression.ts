/** A PromQL expression as rules are checked and changed: positions are offsets into the text. */
export type Expression =
  NumberLiteral | StringLiteral | Selector | Subquery | Call | Aggregation | Binary | Unary;

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface NumberLiteral extends Span {
  readonly kind: 'number';
  readonly value: number;
}

export interface StringLiteral extends Span {
  readonly kind: 'string';
  readonly value: string;
}

export interface Matcher extends Span {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
  /** Of the value's literal, quotes included. */
  readonly valueSpan: Span;
}

/** `up{job="node"}`, or with `range` `up{job="node"}[5m]`. */
export interface Selector extends Span {
  readonly kind: 'selector';
  /** Absent in `{job="node"}`. */
  readonly metric?: string;
  readonly matchers: readonly Matcher[];
  /** The range as written (`5m`); absent for an instant selector. */
  readonly range?: string;
}

/** `expression[1d:5m]` */
export interface Subquery extends Span {
  readonly kind: 'subquery';
  readonly inner: Expression;
}

export interface Call extends Span {
  readonly kind: 'call';
  readonly name: string;
  readonly arguments: readonly Expression[];
}

/** Labels of `by (…)`, `without (…)`, `on (…)`, `ignoring (…)`, with where each stands. */
export type LabelList = readonly (Span & { readonly name: string })[];

export interface Aggregation extends Span {
  readonly kind: 'aggregation';
  readonly name: string;
  readonly modifier?: { readonly keep: boolean; readonly labels: LabelList };
  readonly arguments: readonly Expression[];
}

export interface Binary extends Span {
  readonly kind: 'binary';
  /** `+`, `==`, `and`, … in small letters. */
  readonly operator: string;
  readonly bool: boolean;
  /** `on` keeps the labels for matching, `ignoring` leaves them out. */
  readonly matching?: { readonly on: boolean; readonly labels: LabelList };
  readonly group?: { readonly side: 'left' | 'right'; readonly labels: LabelList };
  readonly left: Expression;
  readonly right: Expression;
}

export interface Unary extends Span {
  readonly kind: 'unary';
  readonly inner: Expression;
}

/** The expressions directly inside `expression`, in the order of the text. */
export function children(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return [];
    case 'subquery':
    case 'unary':
      return [expression.inner];
    case 'call':
    case 'aggregation':
      return expression.arguments;
    case 'binary':
      return [expression.left, expression.right];
  }
}

/** `expression` and everything inside it, outermost first. */
export function everything(expression: Expression): Expression[] {
  return [expression, ...children(expression).flatMap(everything)];
}

export function selectorsIn(expression: Expression): Selector[] {
  return everything(expression).filter((part) => part.kind === 'selector');
}

/** Something wrong at one place of an expression. */
export interface Fault extends Span {
  /** What is wrong there, without a full stop. */
  readonly what: string;
  /** What to do, when that is more than "correct it". */
  readonly fix?: string;
}
