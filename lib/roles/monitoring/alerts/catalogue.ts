import { Construct } from 'constructs';
import {
  METRICS,
  MetricCatalogue,
  SOURCES,
  type MetricSource,
} from '../../../constructs/monitoring/metrics/index.js';
import { AlertRule, RecordingRule, RuleGroup } from '../../../constructs/monitoring/rules/index.js';
import { certificateAlerts } from './certificates.js';
import { watchAlerts } from './meta.js';
import { monitoringAlerts } from './monitoring.js';
import { serviceAlerts } from './services.js';
import type { AlertFacts, GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';

/**
 * Every group of rules for a fleet, as data. A part that the fleet does not have has no group.
 *
 * @param contributed by roles
 */
export function alertGroups(
  facts: AlertFacts,
  contributed: readonly ((facts: AlertFacts) => GroupSpec | undefined)[],
): GroupSpec[] {
  const groups = [
    ...contributed.map((group) => group(facts)),
    serviceAlerts(),
    certificateAlerts(facts),
    monitoringAlerts(facts),
    watchAlerts(facts),
  ];
  return groups.filter((group) => group !== undefined);
}

export interface AlertCatalogueProps extends AlertFacts {
  /** Groups that roles contribute. @default [] */
  readonly contributed?: readonly ((facts: AlertFacts) => GroupSpec | undefined)[];
  /** What targets of roles give, next to what is known of ours. @default [] */
  readonly metrics?: readonly MetricSource[];
  /** Page of the runbook. @default 'docs/runbook.md' */
  readonly runbook?: string;
}

/** Every alert of a site, as rule files of the host that it stands on: the one that runs Prometheus. */
export class AlertCatalogue extends Construct {
  readonly groups: readonly RuleGroup[];

  constructor(scope: Construct, id: string, props: AlertCatalogueProps) {
    super(scope, id);
    const { metrics = [] } = props;
    const catalogue = metrics.length === 0 ? METRICS : new MetricCatalogue([...SOURCES, ...metrics]);
    this.groups = alertGroups(props, props.contributed ?? []).map((spec) => {
      const group = new RuleGroup(this, spec.name, {
        catalogue,
        ...(spec.interval === undefined ? {} : { interval: spec.interval }),
        ...(props.runbook === undefined ? {} : { runbook: props.runbook }),
      });
      for (const record of spec.records ?? []) {
        new RecordingRule(
          group,
          [record.record.replaceAll(':', '-'), ...Object.values(record.labels ?? {})].join('-'),
          record,
        );
      }
      for (const alert of spec.alerts)
        new AlertRule(group, idOf(alert.alert, alert.severity, alert.labels), alert);
      return group;
    });
  }
}

/** `DiskSpaceLow-critical`, `ModelAvailabilityBurn-critical-ai-node-phi3-1h`: the natural key of a rule. */
function idOf(alert: string, severity: string, labels: Readonly<Record<string, string>> = {}): string {
  return [alert, severity, ...Object.values(labels)].join('-');
}
