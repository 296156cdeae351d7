import {
  alert,
  fires,
  minutes,
  on,
  series,
  silent,
  steady,
  turning,
} from '../../constructs/monitoring/alerts/spec.js';
import { SHARED } from './configuration.js';

/** Gateways that hear their own name at the shared address. */
const HOLDERS = `sum by (server) (haproxy_server_status{job="gateway",proxy="${SHARED}",state="UP"})`;
const ADDRESS = { server: '10.0.0.100' } as const;

const holder = (host: string) =>
  series('haproxy_server_status', {
    ...ADDRESS,
    host,
    instance: `${host}:8003`,
    job: 'gateway',
    proxy: SHARED,
    state: 'UP',
  });
const holds = (host: string, value: number) => ({ [holder(host)]: steady(value) });

const WHO_HAS = on(
  'each gateway',
  'ip -brief address; journalctl -u keepalived -n 50',
  'shows which of them has the address, and what keepalived decided when',
);

export const addressLost = alert('GatewayAddressLost', 'critical', {
  expr: `${HOLDERS} == 0`,
  for: minutes(1),
  summary: 'No gateway has the shared address {{ $labels.server }}',
  description: 'The gateways that can be asked do not hear themselves at the address that clients use.',
  runbook: {
    meaning: 'Clients of that address get no answer. The gateways’ own addresses may answer.',
    look: [
      WHO_HAS,
      on('each gateway', 'systemctl status keepalived citadel-gateway', 'shows whether both run'),
    ],
    fix: [
      on('each gateway', 'sudo systemctl restart keepalived', 'takes part again in who has the address'),
      'If one has it and is not heard there: another machine of the network may use the same address. `arping -D` finds it.',
    ],
    escalate: 'Wake the person responsible for the network if the address stays away.',
  },
  tests: [
    fires('neither has it', { ...holds('a', 0), ...holds('b', 0) }, { labels: ADDRESS, value: 0 }),
    silent('one has it', { ...holds('a', 0), ...holds('b', 1) }),
    silent('it moves, and no one has it for half a minute', {
      [holder('a')]: turning(1, 0, 5),
      [holder('b')]: turning(0, 1, 6),
    }),
  ],
});

export const addressTwice = alert('GatewayAddressTwice', 'critical', {
  expr: `${HOLDERS} > 1`,
  for: minutes(1),
  summary: 'Several gateways have the shared address {{ $labels.server }}',
  description: 'Each of them hears itself there: they do not hear each other’s VRRP.',
  runbook: {
    meaning: 'Clients reach one or the other by chance, and connections break when that changes.',
    look: [
      WHO_HAS,
      on('each gateway', 'sudo nft list ruleset | grep 112', 'shows whether VRRP of the others is let in'),
    ],
    fix: [
      on('where you deploy from', 'npx citadel-iac apply GATEWAY…', 'puts firewall and keepalived right'),
      'Until the network passes VRRP between them (IP protocol 112): `sudo systemctl stop keepalived` on one.',
    ],
    escalate: 'Wake the person responsible for the network if they cannot reach each other.',
  },
  tests: [
    fires('both have it', { ...holds('a', 1), ...holds('b', 1) }, { labels: ADDRESS, value: 2 }),
    silent('one has it', { ...holds('a', 1), ...holds('b', 0) }),
  ],
});
