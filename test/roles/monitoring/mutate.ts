import { everything, parsePromql, type Span } from '../../../lib/constructs/monitoring/promql/index.js';
import type { AlertRule } from '../../../lib/constructs/monitoring/rules/index.js';
import { Duration } from '../../../lib/constructs/units.js';

export interface Mutant {
  /** What was changed, for people. */
  readonly what: string;
  /** The rule as it stands in a rule file. */
  readonly rule: Record<string, unknown>;
}

/**
 * Every small mistake that someone could make in an alert: each number larger and smaller, each text of a matcher another, a
 * longer and a shorter `for`, another severity, another label.
 */
export function mutantsOf(alert: AlertRule): Mutant[] {
  const data = alert.toData('docs/runbook.md') as Record<string, unknown> & { expr: string };
  const other = (what: string, change: Record<string, unknown>): Mutant => ({
    what,
    rule: { ...data, ...change },
  });
  const labels = Object.entries(alert.labels);
  const wait = alert.for.toSeconds();
  const waits = wait === 0 ? [300] : [wait * 1.5, wait < 120 ? 0 : wait * 0.5];
  return [
    ...expressionMutants(data.expr).map(({ what, expr }) => other(what, { expr })),
    ...waits.map((seconds) =>
      other(`for: ${wait} s becomes ${seconds} s`, {
        for: seconds === 0 ? undefined : Duration.seconds(Math.round(seconds)).toString(),
      }),
    ),
    ...(alert.keepFiringFor.toSeconds() === 0 ? [] : [1.5, 0.5]).map((factor) =>
      other(`keep_firing_for: ${factor} times as long`, {
        keep_firing_for: Duration.seconds(Math.round(alert.keepFiringFor.toSeconds() * factor)).toString(),
      }),
    ),
    ...labels.map(([name, value]) =>
      other(`label ${name} is not ${value}`, { labels: { ...alert.labels, [name]: `${value}-mutant` } }),
    ),
  ];
}

function expressionMutants(expr: string): { what: string; expr: string }[] {
  const { expression } = parsePromql(expr);
  if (expression === undefined) throw new Error(`cannot read ${expr}`);
  const replace = ({ from, to }: Span, text: string, what: string) => ({
    what: `${expr.slice(from, to)} becomes ${text} (${what})`,
    expr: expr.slice(0, from) + text + expr.slice(to),
  });
  return everything(expression).flatMap((part) => {
    if (part.kind === 'number') {
      const span = { from: part.from, to: part.to };
      const values = part.value === 0 ? [1, -1] : [part.value * 1.6, part.value * 0.7];
      return values.map((value) => replace(span, String(Number(value.toPrecision(8))), 'number'));
    }
    if (part.kind !== 'selector') return [];
    return part.matchers.map(({ valueSpan, label }) => replace(valueSpan, '"mutant"', label));
  });
}
