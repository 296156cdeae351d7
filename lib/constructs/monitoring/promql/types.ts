import type { Binary, Expression, Fault } from './expression.js';
import { AGGREGATIONS, FUNCTIONS, type ValueType } from './functions.js';

const WORDS: Readonly<Record<ValueType, string>> = {
  scalar: 'a number',
  instant: 'an instant vector',
  range: 'a range vector, such as x[5m]',
  string: 'a text',
};
const COMPARISONS = new Set(['==', '!=', '>', '<', '>=', '<=']);
const SETS = new Set(['and', 'or', 'unless']);

/** What an expression gives, and everything in it that Prometheus would refuse because of types. */
export function checkTypes(expression: Expression): {
  readonly type: ValueType;
  readonly faults: readonly Fault[];
} {
  const faults: Fault[] = [];
  const type = typeOf(expression, faults);
  return { type, faults };
}

function typeOf(expression: Expression, faults: Fault[]): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      if (expression.metric === undefined && expression.matchers.every(matchesEmpty)) {
        faults.push({ ...spanOf(expression), what: 'this matches every series there is' });
      }
      for (const { operator, value, valueSpan } of expression.matchers) {
        if (operator.endsWith('~') && !isRegex(value))
          faults.push({ ...valueSpan, what: `"${value}" is not a regular expression` });
      }
      return expression.range === undefined ? 'instant' : 'range';
    case 'subquery':
      need(expression.inner, ['instant', 'scalar'], faults);
      return 'range';
    case 'unary':
      return need(expression.inner, ['instant', 'scalar'], faults);
    case 'call': {
      const info = FUNCTIONS.get(expression.name);
      const given = expression.arguments;
      const wanted = info?.arguments ?? [];
      const least = wanted.length - (info?.optional ?? 0);
      if (given.length < least || (given.length > wanted.length && info?.more !== true)) {
        faults.push({
          ...spanOf(expression),
          what: `${expression.name}() takes ${wanted.length === least ? least : `${least} to ${wanted.length}`} arguments and gets ${given.length}`,
        });
      }
      given.forEach((argument, index) => {
        need(argument, [wanted[Math.min(index, wanted.length - 1)] ?? 'instant'], faults);
      });
      return info?.returns ?? 'instant';
    }
    case 'aggregation': {
      const parameter = AGGREGATIONS.get(expression.name);
      const wanted: ValueType[] = parameter === undefined ? ['instant'] : [parameter, 'instant'];
      if (expression.arguments.length !== wanted.length) {
        faults.push({
          ...spanOf(expression),
          what: `${expression.name}() takes ${wanted.length} arguments and gets ${expression.arguments.length}`,
        });
      }
      expression.arguments.forEach((argument, index) => need(argument, [wanted[index] ?? 'instant'], faults));
      return 'instant';
    }
    case 'binary':
      return binaryType(expression, faults);
  }
}

function binaryType(expression: Binary, faults: Fault[]): ValueType {
  const [left, right] = [expression.left, expression.right].map((side) =>
    need(side, ['instant', 'scalar'], faults),
  );
  const scalars = left === 'scalar' && right === 'scalar';
  const { operator } = expression;
  if (SETS.has(operator) && (left === 'scalar' || right === 'scalar')) {
    faults.push({ ...spanOf(expression), what: `"${operator}" stands between two vectors` });
  }
  if (COMPARISONS.has(operator) && scalars && !expression.bool) {
    faults.push({ ...spanOf(expression), what: 'two numbers are compared with "bool" only' });
  }
  if (expression.bool && !COMPARISONS.has(operator)) {
    faults.push({ ...spanOf(expression), what: '"bool" belongs to comparisons' });
  }
  if (expression.matching !== undefined && (left === 'scalar' || right === 'scalar')) {
    faults.push({ ...spanOf(expression), what: 'labels are matched between two vectors only' });
  }
  if (expression.group !== undefined && SETS.has(operator)) {
    faults.push({ ...spanOf(expression), what: `"${operator}" takes no group_left or group_right` });
  }
  return scalars ? 'scalar' : 'instant';
}

function need(expression: Expression, wanted: readonly ValueType[], faults: Fault[]): ValueType {
  const before = faults.length;
  const type = typeOf(expression, faults);
  if (!wanted.includes(type) && faults.length === before) {
    const words = wanted.map((each) => WORDS[each]).join(' or ');
    faults.push({ ...spanOf(expression), what: `this is ${WORDS[type]}, and ${words} is needed` });
  }
  return type;
}

/** What Go's engine takes and JavaScript's does not, or the other way round, is rare in matchers: promtool has the last word. */
function isRegex(text: string): boolean {
  try {
    new RegExp(`^(?:${text})$`);
    return !/\(\?[=!<]|\\[1-9]/.test(text);
  } catch {
    return false;
  }
}

function matchesEmpty({ operator, value }: { readonly operator: string; readonly value: string }): boolean {
  if (operator === '=') return value === '';
  if (operator === '!=') return value !== '';
  const matches = isRegex(value) && new RegExp(`^(?:${value})$`).test('');
  return operator === '=~' ? matches : !matches;
}

function spanOf({ from, to }: Expression) {
  return { from, to };
}
