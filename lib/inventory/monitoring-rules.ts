import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { isMap, type Source } from './raw.js';
import { suggest } from './suggest.js';

/** Keys below `monitoring` whose value is the name of a secret. */
const SECRET_KEYS = new Set(['adminPassword', 'apiUrl', 'bearerToken', 'password', 'routingKey']);

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
  return [...checkSecrets(source, path, monitoring, known), ...checkShorthand(source, path, monitoring)];
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
    if (!SECRET_KEYS.has(key) || typeof member !== 'string') return checkSecrets(source, at, member, known);
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

/** `webhook` is short for a receiver "operators": beside one of that name, one of the two would never be told. */
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
