import type { OwnProblem } from '../../host/index.js';
import { checkQuery, type CheckedQuery, type QueryContext } from '../promql/index.js';
import type { AlertFacts } from './alert-props.js';
import { parseAnnotation } from './annotation.js';
import { isFiring, type TestSeries } from './rule-test.js';

/** What is wrong with an alert: its query, its texts, its runbook, its tests. */
export function alertProblems(rule: AlertFacts, query: CheckedQuery, context: QueryContext): OwnProblem[] {
  return [
    ...nameProblems(rule),
    ...query.problems,
    ...vectorProblems(query, 'expr'),
    ...textProblems(rule, query),
    ...runbookProblems(rule),
    ...testProblems(rule),
    ...rule.props.tests.flatMap((test, index) => seriesProblems(test.series, `tests[${index}]`, context)),
  ];
}

function nameProblems({ alert, props, for: wait, keepFiringFor }: AlertFacts): OwnProblem[] {
  const problems: OwnProblem[] = [];
  if (!/^[A-Z][A-Za-z0-9]*$/.test(alert)) {
    problems.push({
      code: 'construct.alert.name',
      property: 'alert',
      got: `${JSON.stringify(alert)} is not the name of an alert`,
      fix: 'Use CamelCase: letters and digits, such as DiskSpaceLow',
    });
  }
  for (const name of Object.keys(props.labels ?? {})) {
    if (/^[a-z_][a-z0-9_]*$/.test(name) && !['alertname', 'severity'].includes(name)) continue;
    problems.push({
      code: 'construct.alert.label',
      property: `labels.${name}`,
      got: `a rule cannot set the label ${JSON.stringify(name)}`,
      fix: 'Use a-z, 0-9 and "_"; the severity has a property of its own',
    });
  }
  for (const [property, duration] of Object.entries({ for: wait, keepFiringFor })) {
    if (duration.toSeconds() % 60 === 0) continue;
    problems.push({
      code: 'construct.alert.for',
      property,
      got: `${duration.toString()} is not a whole number of minutes, which is the step of its tests`,
      fix: 'Give whole minutes',
    });
  }
  return problems;
}

/** A rule on a number is true always or never, and has no labels to tell what it is about. */
export function vectorProblems(query: CheckedQuery, property: string): OwnProblem[] {
  if (query.type === undefined || query.type === 'instant') return [];
  return [
    {
      code: 'construct.promql.vector',
      property,
      got: `it gives a ${query.type === 'range' ? 'range vector' : query.type}, and a rule needs series`,
      fix: 'Use vector(…) around a number, or a function around a range',
    },
  ];
}

function textProblems({ props }: AlertFacts, query: CheckedQuery): OwnProblem[] {
  return (['summary', 'description'] as const).flatMap((property): OwnProblem[] => {
    const text = props[property];
    if (text.trim() === '') {
      return [
        {
          code: 'construct.alert.annotation',
          property,
          got: 'is missing',
          fix: 'Say what is wrong, for the person who is woken',
        },
      ];
    }
    const { parts, faults } = parseAnnotation(text);
    const problems = faults.map(({ got, fix }) => ({ code: 'construct.alert.template', property, got, fix }));
    const known = query.labels;
    if (known === undefined) return problems;
    const unknown = parts.flatMap((part) =>
      part.kind === 'label' && !known.has(part.name) ? [part.name] : [],
    );
    return [
      ...problems,
      ...[...new Set(unknown)].map((name) => ({
        code: 'construct.alert.template-label',
        property,
        got: `it shows $labels.${name}, and the expression gives no label "${name}"`,
        fix: `Use one of: ${[...known].sort().join(', ')}`,
      })),
    ];
  });
}

function runbookProblems({ props: { runbook } }: AlertFacts): OwnProblem[] {
  const empty = [
    ...(['meaning', 'escalate'] as const).filter((name) => runbook[name].trim() === ''),
    ...(['look', 'fix'] as const).filter((name) => runbook[name].length === 0),
  ];
  if (empty.length === 0) return [];
  return [
    {
      code: 'construct.alert.runbook',
      property: 'runbook',
      got: `${empty.join(', ')} ${empty.length === 1 ? 'is' : 'are'} empty`,
      fix: 'Say what to look at, what to type, and when to wake someone else',
    },
  ];
}

function testProblems({ alert, props, keepFiringFor }: AlertFacts): OwnProblem[] {
  const { tests } = props;
  const problems: OwnProblem[] = [];
  const missing = [
    ...(tests.some(isFiring) ? [] : ['fires']),
    ...(tests.some((test) => !isFiring(test)) ? [] : ['stays silent']),
    ...(keepFiringFor.toSeconds() === 0 || tests.some((test) => isFiring(test) && test.until !== undefined)
      ? []
      : ['ends (until)']),
  ];
  if (missing.length > 0) {
    problems.push({
      code: 'construct.alert.untested',
      property: 'tests',
      got: `no test shows where ${alert} ${missing.join(', and none where it ')}`,
      fix: 'Write it next to the rule: an alert that no one has seen fire does not count',
    });
  }
  const parts = [props.summary, props.description].flatMap((text) => parseAnnotation(text).parts);
  const shown = parts.flatMap((part) => (part.kind === 'label' ? [part.name] : []));
  const showsValue = parts.some((part) => part.kind === 'value');
  tests.forEach((test, index) => {
    const property = `tests[${index}]`;
    if (!isFiring(test)) return;
    for (const { labels, value } of test.fires) {
      const gone = shown.filter((name) => !Object.hasOwn(labels, name));
      if (gone.length > 0 || (showsValue && value === undefined)) {
        const what = [
          ...new Set(gone.map((name) => `label ${name}`)),
          ...(showsValue && value === undefined ? ['value'] : []),
        ];
        problems.push({
          code: 'construct.alert.test',
          property,
          got: `"${test.name}" does not say the ${what.join(', ')}, which the alert's texts show`,
          fix: 'Add it to the alert that is expected',
        });
      }
    }
    if (test.fires.length === 0) {
      problems.push({
        code: 'construct.alert.test',
        property,
        got: `"${test.name}" expects no alert`,
        fix: 'Name one in "fires", or make it a silent test',
      });
    }
  });
  return problems;
}

/** Series of tests are written like selectors, and a wrong name in one makes a test that tests nothing. */
export function seriesProblems(series: TestSeries, property: string, context: QueryContext): OwnProblem[] {
  return Object.entries(series).flatMap(([selector, values]): OwnProblem[] => {
    const { expression, problems } = checkQuery(selector, `${property}.series`, context);
    if (problems.length > 0) return [...problems];
    const plain =
      expression?.kind === 'selector' &&
      expression.range === undefined &&
      expression.matchers.every(({ operator }) => operator === '=');
    if (plain && values.trim() !== '') return [];
    return [
      {
        code: 'construct.rule.series',
        property: `${property}.series`,
        got: `${JSON.stringify(selector)} → ${JSON.stringify(values)} is not a series with its values`,
        fix: 'Write it as promtool does: up{job="node"} → 1x10',
      },
    ];
  });
}
