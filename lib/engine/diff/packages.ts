import type { AppliedItem, Change } from '../model.js';
import { causeOf, leavingCause } from './three-way.js';
import type { DiffInput, DiffOutput } from './input.js';
import { appliedItems, countOf, isAdopted, leavingKeys, originOf, sortedEntries } from './input.js';

/** Packages: present, in the wanted version where one is named. */
export function diffPackages(input: DiffInput, output: DiffOutput): void {
  const { desired, observed } = input;
  const applied = appliedItems(input, 'packages');
  if (observed.offline !== null) {
    const count = new Set([...Object.keys(desired.packages ?? {}), ...Object.keys(applied)]).size;
    if (count > 0)
      output.notes.push(`${countOf(count, 'package')} left out: an offline root has no package manager`);
    return;
  }
  for (const [name, { version, state, hold }] of sortedEntries(desired.packages)) {
    const seen = observed.packages.get(name);
    if (state === 'absent') {
      if (seen !== undefined) output.changes.push(unwanted(input, name, seen));
      continue;
    }
    const holds = (wanted: unknown): boolean =>
      seen !== undefined && (wanted === undefined || wanted === seen);
    const last = applied[name];
    const isHeld = observed.stuckPackages?.get(name) === 'held';
    const wantHold = hold ?? (isReleased(last, isHeld) ? false : undefined);
    if (holds(version) && (wantHold ?? isHeld) === isHeld) continue;
    const want = { ...(version === undefined ? {} : { version }), ...(hold === undefined ? {} : { hold }) };
    output.changes.push({
      section: 'packages',
      key: name,
      action: seen === undefined ? 'create' : 'update',
      cause: causeOf(want, last, holds(last?.['version']) && (last?.['hold'] !== true || isHeld)),
      ...(seen === undefined
        ? {}
        : { before: { version: seen, ...(wantHold === undefined ? {} : { hold: isHeld }) } }),
      after: {
        version: holds(version) ? seen : (version ?? 'any'),
        ...(wantHold === undefined ? {} : { hold: wantHold }),
      },
      ...originOf(input, 'packages', name),
    });
  }
  for (const name of leavingKeys(applied, desired.packages)) {
    const seen = observed.packages.get(name);
    if (seen === undefined) continue;
    const last = applied[name];
    // It was to be absent: what came since is no matter of ours.
    if (last?.['state'] === 'absent') continue;
    if (isAdopted(last)) {
      if (isReleased(last, observed.stuckPackages?.get(name) === 'held')) {
        output.changes.push({
          section: 'packages',
          key: name,
          action: 'update',
          cause: leavingCause(true),
          before: { version: seen, hold: true },
          after: { version: seen, hold: false },
        });
      }
      output.notes.push(
        `package ${name} left the configuration and stays: it was there before it was managed`,
      );
      continue;
    }
    const version = last?.['version'];
    output.changes.push({
      section: 'packages',
      key: name,
      action: 'delete',
      cause: leavingCause(version === undefined || version === seen),
      before: { version: seen },
    });
  }
  noteStuck(input, output);
}

/** What apt stops at is known before an apply is tried, which the host refuses then. */
function noteStuck({ observed, desired, applied }: DiffInput, output: DiffOutput): void {
  const isOurHold = (name: string): boolean =>
    desired.packages?.[name]?.hold === true || applied?.packages?.[name]?.['hold'] === true;
  const keys = new Set(output.changes.flatMap(({ section, key }) => (section === 'packages' ? [key] : [])));
  if (keys.size === 0) return;
  const unfinished: string[] = [];
  for (const [name, state] of sortedEntries(Object.fromEntries(observed.stuckPackages ?? []))) {
    if (state !== 'held') {
      if (!keys.has(name)) unfinished.push(`${name} (${state})`);
    } else if (keys.has(name) && !isOurHold(name)) {
      output.notes.push(
        `package ${name} is held on this host, and apt will refuse to change it: apt-mark unhold ${name}`,
      );
    }
  }
  if (unfinished.length > 0)
    output.notes.push(
      `dpkg has not finished ${unfinished.join(', ')}, and this apply will be refused until it has: dpkg --configure -a`,
    );
}

/** A package that is to be absent and is there. */
function unwanted(input: DiffInput, name: string, seen: string): Change {
  const last = appliedItems(input, 'packages')[name];
  return {
    section: 'packages',
    key: name,
    action: 'delete',
    cause: causeOf({ state: 'absent' }, last, last !== undefined && last['state'] !== 'absent'),
    before: { version: seen },
    after: { state: 'absent' },
    ...originOf(input, 'packages', name),
  };
}

/** Whether a package is held because the last generation said so, and nothing did before. */
export function isReleased(last: AppliedItem | undefined, isHeld: boolean): boolean {
  return isHeld && last?.['hold'] === true && last['heldBefore'] !== true;
}
