import type { Inventory } from '../../inventory/index.js';
import { ok, warning, type Finding } from './finding.js';

/** Whether someone is told of alerts, and whether something outside notices when nobody can be. */
export function judgeAlerting(inventory: Inventory): Finding[] {
  return Object.entries(inventory.hosts).flatMap(([host, { monitoring }]) => {
    if (monitoring === undefined) return [];
    const { webhook, receivers, deadMansSwitch } = monitoring.alertmanager;
    const place = `hosts.${host}.monitoring.alertmanager in ${inventory.source.file}`;
    const names = webhook === undefined ? Object.keys(receivers).sort() : ['operators (webhook)'];
    return [
      names.length > 0
        ? ok('alerts', `${host} can tell ${names.join(', ')}`)
        : warning(
            'alerts',
            `${host} tells nobody of alerts`,
            `say whom: "webhook" or "receivers" under ${place}`,
          ),
      deadMansSwitch === undefined
        ? warning(
            'dead man’s switch',
            `nothing notices when ${host} itself is dead`,
            `name a service outside of these hosts: "deadMansSwitch" under ${place}`,
          )
        : ok('dead man’s switch', `${host} reports to ${new URL(deadMansSwitch.url).host}`),
    ];
  });
}
