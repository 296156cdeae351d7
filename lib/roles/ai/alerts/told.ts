import { series } from '../../../constructs/monitoring/alerts/spec.js';
import type { Severity } from '../../../constructs/monitoring/rules/index.js';

/** Alerts that wake a person for a model that serves no one. */
const OF_A_MODEL = 'ModelDown|ModelHung|ModelProbeFailing|ModelStalled|ModelWedged';

/**
 * Without what a person was woken for already: for as long as an outage that was told lies in the short window of a burn, that window says only that
 * the outage was there. Alertmanager cannot know it: when the outage ends, so does the alert that silences the burn, half an hour before the burn.
 * A warning is made of days, and stays: it asks for work in the morning, not for a hand at night.
 */
export function unlessTold(severity: Severity, host: string, model: string, window: string): string {
  if (severity !== 'critical') return '';
  const fired = (names: string, who: string) =>
    `max_over_time(ALERTS{alertname=~"${names}",alertstate="firing",${who}}[${window}])`;
  return (
    `\nunless on (host, model) ${fired(OF_A_MODEL, `host="${host}",model="${model}"`)}` +
    `\nunless on (host) ${fired('HostDown', `host="${host}"`)}`
  );
}

/** Such an outage, as Prometheus records it, for tests. */
export function told(alertname: string, labels: Readonly<Record<string, string>>): string {
  return series('ALERTS', { alertname, alertstate: 'firing', severity: 'critical', ...labels });
}
