import { Construct } from 'constructs';
import { addRule, type OwnProblem } from '../../../constructs/host/index.js';
import { RuleGroup } from '../../../constructs/monitoring/rules/index.js';
import { byKey } from '../../../text/order.js';
import type { PrometheusServer } from '../prometheus-server.js';
import { dashboardFileProblems } from './dashboard-file.js';
import { readRules, type SiteAlert } from './rule-file.js';

/** Files of a site by the path that its inventory has for them, with their texts. */
export type SiteFiles = Readonly<Record<string, string>>;

export interface SiteMonitoringProps {
  readonly prometheus: PrometheusServer;
  /** Alert and recording rules in Prometheus's own form. */
  readonly rules: SiteFiles;
  /** Dashboards as Grafana exports them: here they are only checked. */
  readonly dashboards: SiteFiles;
  /** Whether there is a Grafana. */
  readonly grafana: boolean;
}

/** A site's own alerts and dashboards, from files next to its inventory. promtool reads the rules on the host as well. */
export class SiteMonitoring extends Construct {
  readonly alerts: readonly SiteAlert[];

  constructor(scope: Construct, id: string, props: SiteMonitoringProps) {
    super(scope, id);
    const { prometheus, rules, dashboards } = props;
    const read = Object.entries(rules)
      .sort(byKey)
      .map(([file, text]) => ({ file, ...readRules(file, text) }));
    this.alerts = read.flatMap(({ alerts }) => alerts);
    for (const [file, text] of Object.entries(rules)) prometheus.addRules(siteName(file), text);
    addRule(this, () => [
      ...read.flatMap(({ problems }) => problems),
      ...this.taken(read),
      ...twins('rules', Object.keys(rules)),
      ...twins('dashboards', Object.keys(dashboards)),
      ...Object.entries(dashboards)
        .sort(byKey)
        .flatMap(([file, text]) => dashboardFileProblems(file, text)),
      ...(props.grafana ? [] : withoutGrafana(dashboards)),
    ]);
  }

  /** Ours have a section of the runbook, and alerts that silence others by name. */
  private taken(
    read: readonly { readonly file: string; readonly alerts: readonly SiteAlert[] }[],
  ): OwnProblem[] {
    const groups = this.node.root.node.findAll().filter(RuleGroup.isRuleGroup);
    const ours = new Set(groups.flatMap((group) => group.alerts.map(({ alert }) => alert)));
    return read.flatMap(({ file, alerts }) =>
      [...new Set(alerts.map(({ alert }) => alert))]
        .filter((alert) => ours.has(alert))
        .map((alert) => ({
          code: 'construct.site-rules.taken',
          property: `${file}: ${alert}`,
          got: 'an alert of citadel-iac has this name, and a section of the runbook with it',
          fix: 'Give yours another name',
        })),
    );
  }
}

/** `stacks/rules/shop.yml` → `site-shop`. */
export function siteName(file: string): string {
  return `site-${(file.split('/').at(-1) ?? file).replace(/\.[a-z]+$/, '')}`;
}

function twins(property: string, files: readonly string[]): OwnProblem[] {
  return files
    .filter((file, index) => files.findIndex((other) => siteName(other) === siteName(file)) < index)
    .map((file) => ({
      code: 'construct.site-files.twins',
      property,
      got: `"${file}" would be ${siteName(file)} on the host, as another file is`,
      fix: 'Give each file a name of its own',
    }));
}

function withoutGrafana(dashboards: SiteFiles): OwnProblem[] {
  if (Object.keys(dashboards).length === 0) return [];
  return [
    {
      code: 'construct.site-files.no-grafana',
      property: 'dashboards',
      got: 'there is no Grafana that would show them',
      fix: 'Add monitoring.grafana, or take the dashboards out',
    },
  ];
}
