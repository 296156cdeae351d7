import { dirname } from 'node:path/posix';
import type { ExpandedManifest, ManifestCheck } from '../../manifest/index.js';
import { unitPaths } from '../diff/unit-files.js';
import type { HostPlan } from '../model.js';

/**
 * The checks that a plan may well make fail, or is there to repair: those that are new or change, of units that it acts on,
 * of ports that stand in what it writes or in files of such units, of paths that it changes, and those declared by the
 * construct of which something changes. All others fail an apply only if they did not fail before it.
 */
export function concernedChecks(plan: HostPlan, desired: ExpandedManifest): ReadonlySet<string> {
  const names = Object.keys(plan.checks);
  if (plan.observed.applied === null) return new Set(names);
  const changed = new Set(plan.changes.map(({ section, key }) => `${section}/${key}`));
  const keys = new Set(plan.changes.map(({ key }) => key));
  const units = new Set(plan.unitActions.map(({ unit }) => unit));
  const origins = [
    ...plan.changes.map(({ origin }) => origin),
    ...[...units].map((unit) => desired.origins?.[`units/${unit}`]),
  ].filter((origin) => origin !== undefined);
  const texts = textsOf(plan, desired, units);
  return new Set(
    names.filter((name) => {
      const check = plan.checks[name] as ManifestCheck;
      const scope = dirname(desired.origins?.[`checks/${name}`] ?? '.');
      return (
        changed.has(`checks/${name}`) ||
        touches(check, keys, units, texts) ||
        // The host's own scope has everything in it.
        (scope.includes('/') && origins.some((origin) => origin.startsWith(`${scope}/`)))
      );
    }),
  );
}

function touches(
  check: ManifestCheck,
  keys: ReadonlySet<string>,
  units: ReadonlySet<string>,
  texts: readonly string[],
): boolean {
  switch (check.kind) {
    case 'unit':
      return keys.has(check.unit) || units.has(check.unit);
    case 'tcp':
      return hasPort(texts, check.port);
    case 'http': {
      const { port, protocol } = new URL(check.url);
      return hasPort(texts, port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
    }
    case 'command':
      return check.command.some((word) => [...keys, ...units].some((key) => word.includes(key)));
  }
}

function hasPort(texts: readonly string[], port: number): boolean {
  const number = new RegExp(`(?<![0-9.])${String(port)}(?![0-9])`);
  return texts.some((text) => number.test(text));
}

/** What is written, and the files of units that are acted on. */
function textsOf(plan: HostPlan, desired: ExpandedManifest, units: ReadonlySet<string>): string[] {
  const ofUnits = [...units].flatMap((unit) => {
    const { restartOn = [], reloadOn = [] } = desired.units?.[unit] ?? {};
    return [...unitPaths(unit), ...restartOn, ...reloadOn];
  });
  return [
    ...[...plan.contents.values()].map((bytes) => bytes.toString('latin1')),
    ...ofUnits.map((path) => desired.files?.[path]?.content ?? ''),
  ];
}
