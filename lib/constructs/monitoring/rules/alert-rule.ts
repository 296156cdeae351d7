import { Construct } from 'constructs';
import type { OwnProblem } from '../../host/index.js';
import { Duration } from '../../units.js';
import { checkQuery, type QueryContext } from '../promql/index.js';
import { byKey } from '../../../text/order.js';
import { alertProblems } from './alert-problems.js';
import type { AlertRuleProps } from './alert-props.js';
import { firstStep } from './first-step.js';
import { requireGroup } from './group-mark.js';
import { runbookUrl } from './runbook.js';

/** One alert of a `RuleGroup`. What is wrong with it is said when the tree is synthesised. */
export class AlertRule extends Construct {
  readonly alert: string;
  readonly for: Duration;
  readonly keepFiringFor: Duration;
  readonly labels: Readonly<Record<string, string>>;
  /** Two rules with the same identity would be one alert for Prometheus. */
  readonly identity: string;

  constructor(
    scope: Construct,
    id: string,
    readonly props: AlertRuleProps,
  ) {
    super(scope, id);
    requireGroup(this);
    this.alert = props.alert ?? id;
    this.for = props.for ?? Duration.seconds(0);
    this.keepFiringFor = props.keepFiringFor ?? Duration.seconds(0);
    this.labels = { ...props.labels, severity: props.severity };
    this.identity = JSON.stringify([this.alert, Object.entries(this.labels).sort()]);
  }

  /** The texts that go with the alert, with their templates unfilled. */
  annotations(runbookBase: string): Readonly<Record<string, string>> {
    const action = firstStep(this.props);
    return {
      summary: this.props.summary,
      description: this.props.description,
      ...(action === undefined ? {} : { action }),
      runbook_url: runbookUrl(runbookBase, this.alert),
    };
  }

  /** As it stands in the rule file. */
  toData(runbookBase: string) {
    return {
      alert: this.alert,
      expr: this.props.expr.trim(),
      ...(this.for.toSeconds() === 0 ? {} : { for: this.for.toString() }),
      ...(this.keepFiringFor.toSeconds() === 0 ? {} : { keep_firing_for: this.keepFiringFor.toString() }),
      labels: Object.fromEntries(Object.entries(this.labels).sort(byKey)),
      annotations: this.annotations(runbookBase),
    };
  }

  /** Everything that is wrong with it by itself. */
  problemsIn(context: QueryContext): OwnProblem[] {
    return alertProblems(this, checkQuery(this.props.expr.trim(), 'expr', context), context);
  }
}
