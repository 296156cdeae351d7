import { Construct } from 'constructs';
import { AlertRule, RecordingRule, RuleGroup } from '../rules/index.js';
import { backupAlerts } from './backups.js';
import { certificateAlerts } from './certificates.js';
import { diskAlerts } from './disks.js';
import { driftAlerts } from './drift.js';
import { gpuAlerts } from './gpus.js';
import { hostAlerts } from './hosts.js';
import { watchAlerts } from './meta.js';
import { loadAlerts } from './model-load.js';
import { modelAlerts } from './models.js';
import { monitoringAlerts } from './monitoring.js';
import { serviceAlerts } from './services.js';
import { sloAlerts } from './slo.js';
import { smartAlerts } from './smart.js';
import type { AlertFacts, GroupSpec } from './spec.js';

/** Every group of rules for a fleet, as data. A part that the fleet does not have has no group. */
export function alertGroups(facts: AlertFacts): GroupSpec[] {
  const gpus = facts.jobs.includes('citadel');
  const groups = [
    hostAlerts(facts),
    diskAlerts(facts),
    smartAlerts(facts),
    serviceAlerts(),
    gpus ? gpuAlerts(facts) : undefined,
    modelAlerts(facts),
    loadAlerts(facts),
    ...sloAlerts(facts),
    facts.backups ? backupAlerts(facts) : undefined,
    driftAlerts(),
    certificateAlerts(facts),
    monitoringAlerts(facts),
    watchAlerts(facts),
  ];
  return groups.filter((group) => group !== undefined);
}

export interface AlertCatalogueProps extends AlertFacts {
  /** Page of the runbook. @default 'docs/runbook.md' */
  readonly runbook?: string;
}

/** Every alert of this project, as rule files of the host that it stands on: the one that runs Prometheus. */
export class AlertCatalogue extends Construct {
  readonly groups: readonly RuleGroup[];

  constructor(scope: Construct, id: string, props: AlertCatalogueProps) {
    super(scope, id);
    this.groups = alertGroups(props).map((spec) => {
      const group = new RuleGroup(this, spec.name, {
        ...(spec.interval === undefined ? {} : { interval: spec.interval }),
        ...(props.runbook === undefined ? {} : { runbook: props.runbook }),
      });
      for (const record of spec.records ?? []) {
        new RecordingRule(group, record.record.replaceAll(':', '-'), record);
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
