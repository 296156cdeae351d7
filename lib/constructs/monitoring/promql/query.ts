import { METRICS, type MetricCatalogue } from '../metrics/index.js';
import { selectorsIn, type Expression, type Fault } from './expression.js';
import { checkLabels } from './labels.js';
import { parsePromql, type Parsed } from './parse.js';
import { showFault } from './position.js';
import { checkTypes } from './types.js';
import type { OwnProblem } from '../../host/index.js';
import type { ValueType } from './functions.js';

/** Names that rules record, and the labels of each (`undefined`: could be any). */
export type RecordedNames = ReadonlyMap<string, ReadonlySet<string> | undefined>;

export interface QueryContext {
  /** @default METRICS */
  readonly catalogue?: MetricCatalogue;
  /** @default - none */
  readonly recorded?: RecordedNames;
}

/** A query that was read: what it gives and what is wrong with it. */
export interface CheckedQuery {
  /** Absent when it could not be read. */
  readonly expression?: Expression;
  readonly type?: ValueType;
  /** Labels that its result can have; `undefined`: could be any. */
  readonly labels?: ReadonlySet<string> | undefined;
  readonly problems: readonly OwnProblem[];
}

/**
 * Reads a query and holds it against the catalogue: grammar, types, metric names, label names, and nothing newer than
 * Prometheus 2.42. For rules and for the panels of dashboards (whose variables have to be filled in before).
 *
 * @param property what problems are said to be about (`expr`)
 */
export function checkQuery(text: string, property: string, context: QueryContext = {}): CheckedQuery {
  const catalogue = context.catalogue ?? METRICS;
  const recorded: RecordedNames = context.recorded ?? new Map();
  const parsed = parsedOnce(text);
  const show = (code: string, got: string) => (fault: Fault) => problemOf(text, fault, property, code, got);
  if (parsed.expression === undefined) {
    return { problems: parsed.faults.map(show('construct.promql.syntax', 'this is not PromQL')) };
  }
  const { expression } = parsed;
  const typed = checkTypes(expression);
  const unknown = selectorsIn(expression).flatMap(({ metric, from, to }): Fault[] => {
    if (metric === undefined || catalogue.find(metric) !== undefined || recorded.has(metric)) return [];
    return [
      {
        from,
        to,
        what: `nothing exposes or records "${metric}"`,
        fix: catalogue.advice(metric, recorded.keys()),
      },
    ];
  });
  const labelled = checkLabels(expression, (metric) =>
    recorded.has(metric) ? recorded.get(metric) : catalogue.find(metric)?.labels,
  );
  return {
    expression,
    type: typed.type,
    labels: labelled.labels,
    problems: [
      ...typed.faults.map(show('construct.promql.type', 'Prometheus would refuse this')),
      ...unknown.map(show('construct.promql.metric', 'there is no such metric')),
      ...labelled.faults.map(show('construct.promql.label', 'there is no such label')),
    ],
  };
}

/** Synthesis asks for the same texts several times: once for a rule, again for those that build on it, again to render. */
const PARSED = new Map<string, Parsed>();

function parsedOnce(text: string): Parsed {
  const before = PARSED.get(text);
  if (before !== undefined) return before;
  const parsed = parsePromql(text);
  PARSED.set(text, parsed);
  return parsed;
}

function problemOf(text: string, fault: Fault, property: string, code: string, got: string): OwnProblem {
  const { at, picture } = showFault(text, fault);
  return { code, property, got: `${got} (${at}):${picture}`, fix: fault.fix ?? 'Correct the expression' };
}
