import { Construct } from 'constructs';
import type { OwnProblem } from '../../host/index.js';
import { METRICS } from '../metrics/index.js';
import { checkQuery, type CheckedQuery, type QueryContext } from '../promql/index.js';
import { byKey } from '../../../text/order.js';
import { seriesProblems, vectorProblems } from './alert-problems.js';
import { requireGroup } from './group-mark.js';
import type { RecordTest } from './rule-test.js';

export interface RecordingRuleProps {
  /** Name of what is recorded, `level:metric:operation`. */
  readonly record: string;
  /** PromQL that gives it. */
  readonly expr: string;
  /** More labels. @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  /** At least one. */
  readonly tests: readonly RecordTest[];
}

/** A query whose result Prometheus keeps under a name of its own. */
export class RecordingRule extends Construct {
  readonly labels: Readonly<Record<string, string>>;
  /** Two rules with the same identity would be one series for Prometheus. */
  readonly identity: string;

  constructor(
    scope: Construct,
    id: string,
    readonly props: RecordingRuleProps,
  ) {
    super(scope, id);
    requireGroup(this);
    this.labels = { ...props.labels };
    this.identity = JSON.stringify([props.record, Object.entries(this.labels).sort()]);
  }

  toData() {
    const labels = Object.entries(this.labels).sort(byKey);
    return {
      record: this.props.record,
      expr: this.props.expr.trim(),
      ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    };
  }

  query(context: QueryContext): CheckedQuery {
    return checkQuery(this.props.expr.trim(), 'expr', context);
  }

  /** Everything that is wrong with it by itself. */
  problemsIn(context: QueryContext): OwnProblem[] {
    const { record, tests } = this.props;
    const query = this.query(context);
    const problems: OwnProblem[] = [...query.problems, ...vectorProblems(query, 'expr')];
    if (!/^[a-z_][a-z0-9_]*(:[a-z0-9_]+)+$/.test(record)) {
      problems.push({
        code: 'construct.record.name',
        property: 'record',
        got: `${JSON.stringify(record)} is not the name of a record`,
        fix: 'Write level:metric:operation, such as slo:model_errors:ratio_rate5m',
      });
    }
    if ((context.catalogue ?? METRICS).find(record) !== undefined) {
      problems.push({
        code: 'construct.record.taken',
        property: 'record',
        got: `${record} is the name of a metric`,
        fix: 'Give the record a name of its own',
      });
    }
    if (tests.length === 0) {
      problems.push({
        code: 'construct.record.untested',
        property: 'tests',
        got: `no test shows what ${record} gives`,
        fix: 'Write one next to the rule',
      });
    }
    return [
      ...problems,
      ...tests.flatMap((test, index) => seriesProblems(test.series, `tests[${index}]`, context)),
    ];
  }
}
