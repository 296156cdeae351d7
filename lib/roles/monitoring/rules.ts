import { JOBS } from '../../constructs/monitoring/metrics/jobs.js';
import { formatPath, isMap, type Source } from '../../inventory/index.js';
import type { Problem } from '../../manifest/index.js';
import { suggest } from '../../text/suggest.js';
import { DEAD_MANS_SWITCH } from './usual-routing.js';

/** Keys below `monitoring` whose value is the name of a secret. */
const SECRET_KEYS = new Set([
  'adminPassword',
  'bearerToken',
  'botToken',
  'clientSecret',
  'importPassword',
  'password',
  'routingKey',
  'urlSecret',
  'webhookUrl',
]);

/**
 * Rules between the keys of a host's `monitoring`: the secrets that it names must have a source, and one receiver must not be
 * said in two ways.
 *
 * @param secrets the inventory's `secrets`, as written
 */
export function checkMonitoring(
  source: Source,
  path: readonly string[],
  monitoring: unknown,
  secrets: unknown,
): Problem[] {
  const known = isMap(secrets) ? Object.keys(secrets) : [];
  return [
    ...checkSecrets(source, path, monitoring, known),
    ...checkShorthand(source, path, monitoring),
    ...checkReserved(source, path, monitoring),
    ...checkJobs(source, path, monitoring),
  ];
}

function checkSecrets(
  source: Source,
  path: readonly (string | number)[],
  value: unknown,
  known: readonly string[],
): Problem[] {
  if (Array.isArray(value)) {
    return value.flatMap((member: unknown, index) => checkSecrets(source, [...path, index], member, known));
  }
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const at = [...path, key];
    // Of Slack the address is a secret, of others it is that of a program.
    const named = SECRET_KEYS.has(key) || (key === 'apiUrl' && path.at(-1) === 'slack');
    if (!named || typeof member !== 'string') return checkSecrets(source, at, member, known);
    if (known.includes(member)) return [];
    const near = suggest(member, known);
    return {
      code: 'inventory.secret.unknown',
      path: source.locate(at),
      property: formatPath(at),
      got: `no secret is called "${member}"`,
      fix: near === undefined ? 'Say under "secrets" where its value is found.' : `Did you mean "${near}"?`,
    };
  });
}

/** `webhook` is short for a receiver "operators": next to one of that name, one of the two would never be told. */
function checkShorthand(source: Source, path: readonly string[], monitoring: unknown): Problem[] {
  const alertmanager = isMap(monitoring) ? monitoring['alertmanager'] : undefined;
  if (!isMap(alertmanager) || !('webhook' in alertmanager)) return [];
  const receivers = alertmanager['receivers'];
  if (!isMap(receivers) || !('operators' in receivers)) return [];
  const at = [...path, 'alertmanager', 'webhook'];
  return [
    {
      code: 'inventory.alertmanager.two-ways',
      path: source.locateKey(at),
      property: formatPath(at),
      got: 'is short for a receiver "operators", and there is one under "receivers" as well',
      fix: 'Keep one of the two.',
    },
  ];
}

/** The receiver that `deadMansSwitch` makes would take the place of one of that name. */
function checkReserved(source: Source, path: readonly string[], monitoring: unknown): Problem[] {
  const alertmanager = isMap(monitoring) ? monitoring['alertmanager'] : undefined;
  const receivers = isMap(alertmanager) ? alertmanager['receivers'] : undefined;
  if (!isMap(receivers) || !(DEAD_MANS_SWITCH in receivers)) return [];
  const at = [...path, 'alertmanager', 'receivers', DEAD_MANS_SWITCH];
  return [
    {
      code: 'inventory.alertmanager.reserved-receiver',
      path: source.locateKey(at),
      property: formatPath(at),
      got: 'is the receiver of the alert that always fires, which "deadMansSwitch" makes',
      fix: 'Give it another name; who hears the sign of life stands in "deadMansSwitch".',
    },
  ];
}

/** Alerts and dashboards take what a job of ours gives to be just that. */
function checkJobs(source: Source, path: readonly string[], monitoring: unknown): Problem[] {
  const scrape = isMap(monitoring) ? monitoring['scrape'] : undefined;
  if (!isMap(scrape)) return [];
  return Object.keys(scrape)
    .filter((job) => Object.values<string>(JOBS).includes(job))
    .map((job) => ({
      code: 'inventory.scrape.own-job',
      path: source.locateKey([...path, 'scrape', job]),
      property: formatPath([...path, 'scrape', job]),
      got: `"${job}" is the name of a job that is scraped anyway`,
      fix: 'Give it another name.',
    }));
}
