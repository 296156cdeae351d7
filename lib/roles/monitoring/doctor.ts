import type { Inventory } from '../../inventory/index.js';
import { ok, warning, type Finding } from '../../site/index.js';
import { isUsual } from './alerting.js';
import './keys.js';
import type { MonitoringInventory } from './schema/monitoring.js';

/** Whether someone is told of alerts, and whether something outside notices when no one can be. */
export function judgeAlerting(inventory: Inventory): Finding[] {
  return Object.entries(inventory.hosts).flatMap(([host, { monitoring }]) => {
    if (monitoring === undefined) return [];
    const { webhook, receivers, deadMansSwitch } = monitoring.alertmanager;
    const place = `hosts.${host}.monitoring.alertmanager in ${inventory.source.file}`;
    const names = webhook === undefined ? Object.keys(receivers).sort() : ['operators (webhook)'];
    return [
      names.length > 0
        ? ok('alerts', `${host} can tell ${names.join(', ')}${whenTold(monitoring.alertmanager)}`)
        : warning(
            'alerts',
            `${host} tells no one of alerts`,
            `say whom: "webhook" or "receivers" under ${place}`,
          ),
      ...(names.length > 0 && !monitoring.runbookBaseUrl.startsWith('http')
        ? [
            warning(
              'runbook',
              `messages of ${host} name ${monitoring.runbookBaseUrl}, which is no link for the person who reads them`,
              `publish docs/runbook.md, and give its address: "runbookBaseUrl" under hosts.${host}.monitoring in ${inventory.source.file}`,
            ),
          ]
        : []),
      deadMansSwitch === undefined
        ? warning(
            'dead man’s switch',
            `nothing notices when ${host} itself is dead`,
            `name a service outside of these hosts: "deadMansSwitch" under ${place}`,
          )
        : ok('dead man’s switch', `${host} reports to ${listener(deadMansSwitch)}`),
    ];
  });
}

type Alerting = MonitoringInventory['alertmanager'];

/** What no one wrote down, and what is never told. */
function whenTold(alerting: Alerting): string {
  if (!isUsual(alerting)) return '';
  const { from, to, timeZone = 'UTC' } = alerting.workingHours;
  return `: critical at once, warning Monday to Friday ${from} to ${to} ${timeZone}, info not at all`;
}

function listener({ url, urlSecret }: NonNullable<Alerting['deadMansSwitch']>): string {
  return url === undefined ? `the address in the secret "${urlSecret ?? ''}"` : new URL(url).host;
}
