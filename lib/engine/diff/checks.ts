import { canonicalJson } from '../../manifest/index.js';
import type { DiffInput, DiffOutput } from './input.js';
import { appliedItems, countOf, leavingKeys, originOf, sortedEntries } from './input.js';

/**
 * Health checks leave no trace on a host, so they are compared with the last generation alone; on a host that has none
 * there is nothing to compare them with.
 */
export function diffChecks(input: DiffInput, output: DiffOutput): void {
  const { desired, observed } = input;
  const count = Object.keys(desired.checks ?? {}).length;
  if (observed.offline !== null) {
    if (count > 0) output.notes.push(`${countOf(count, 'check')} left out: nothing runs in an offline root`);
    return;
  }
  if (input.applied === null) return;
  const applied = appliedItems(input, 'checks');
  for (const [name, check] of sortedEntries(desired.checks)) {
    const last = applied[name];
    if (last !== undefined && canonicalJson(last) === canonicalJson(check)) continue;
    output.changes.push({
      section: 'checks',
      key: name,
      action: last === undefined ? 'create' : 'update',
      cause: 'config',
      ...(last === undefined ? {} : { before: last }),
      after: { ...check },
      ...originOf(input, 'checks', name),
    });
  }
  for (const name of leavingKeys(applied, desired.checks)) {
    output.changes.push({
      section: 'checks',
      key: name,
      action: 'delete',
      cause: 'config',
      before: applied[name] ?? {},
    });
  }
}
