import type { AppliedItem, Change, ObservedUnit } from '../model.js';
import type { UnitFacts } from './facts.js';
import { unitFacts } from './facts.js';
import type { DiffInput, DiffOutput } from './input.js';
import { appliedItems, countOf, isAdopted, leavingKeys, originOf, sortedEntries } from './input.js';
import { releasedEnablement, returningEnablement } from './earlier.js';
import { whatBecomes } from './originals.js';
import { fileOrLinkAt, unitPaths } from './unit-files.js';
import { causeOf, leavingCause } from './three-way.js';
import { unitAliases } from './unit-names.js';

/** Units: enabled or not, running or not; and that systemd has read their present files. */
export function diffUnits(input: DiffInput, output: DiffOutput): void {
  unitAliases(input, output);
  if (input.observed.units === null) {
    diffOfflineUnits(input, output);
    return;
  }
  const { desired, observed } = input;
  const applied = appliedItems(input, 'units');
  for (const [name, unit] of sortedEntries(desired.units)) {
    const seen = observed.units?.get(name) ?? NOT_FOUND;
    const want = unitFacts(unit);
    addUnitNotes(input, name, output);
    const last = applied[name];
    if (unitHolds(want, seen) && !seen.needDaemonReload) {
      if (isLetGo(input, name, seen)) output.changes.push(returningUnit(name, last ?? {}, seen, true));
      continue;
    }
    const missing = seen.load === 'not-found';
    output.changes.push({
      section: 'units',
      key: name,
      action: missing ? 'create' : 'update',
      cause: causeOf(
        { ...want },
        last,
        last !== undefined && unitHolds(last, seen) && !seen.needDaemonReload,
      ),
      ...(missing ? {} : { before: unitView(seen) }),
      after: { ...want },
      ...originOf(input, 'units', name),
      ...(seen.needDaemonReload ? { note: 'systemd has not read its present files: daemon-reload' } : {}),
    });
  }
  for (const name of leavingKeys(applied, desired.units)) {
    const seen = observed.units?.get(name) ?? NOT_FOUND;
    // It is only called by its own name now.
    if (seen.realName !== undefined && desired.units?.[seen.realName] !== undefined) continue;
    const last = applied[name] ?? {};
    const fileGoes = fileLeaves(input, name, seen);
    if (returns(last, seen, fileGoes)) {
      output.changes.push(returningUnit(name, last, seen, unitHolds(last, seen)));
      continue;
    }
    if (!leavingNeedsWork(last, seen, fileGoes)) continue;
    if (isAdopted(last) && !fileGoes) {
      output.notes.push(
        `unit ${name} left the configuration and stays as it is: it ran before it was managed`,
      );
      continue;
    }
    const cause = leavingCause(unitHolds(last, seen));
    output.changes.push({ section: 'units', key: name, action: 'delete', cause, before: unitView(seen) });
  }
}

const NOT_FOUND: ObservedUnit = {
  load: 'not-found',
  active: 'inactive',
  fileState: '',
  needDaemonReload: false,
};

/** In an offline root only the links that enable a unit can be seen and changed. */
function diffOfflineUnits(input: DiffInput, output: DiffOutput): void {
  const { desired, observed } = input;
  const files = observed.offline?.unitFiles ?? null;
  const applied = appliedItems(input, 'units');
  const started = Object.values(desired.units ?? {}).filter((unit) => unit.state === 'running').length;
  if (started > 0)
    output.notes.push(`${countOf(started, 'unit')} not started: nothing runs in an offline root`);
  if (files === null) {
    const count = Object.values(desired.units ?? {}).filter((unit) => unit.enabled !== null).length;
    if (count > 0) output.notes.push(`${countOf(count, 'unit')} not enabled: this machine has no systemctl`);
    return;
  }
  const seenAs = (name: string): ObservedUnit => ({
    ...NOT_FOUND,
    load: 'loaded',
    fileState: files.get(name) ?? '',
  });
  for (const [name, unit] of sortedEntries(desired.units)) {
    const want = { enabled: unit.enabled };
    const seen = seenAs(name);
    const last = applied[name];
    if (isLetGo(input, name, seen)) output.changes.push(returningUnit(name, last ?? {}, seen, true));
    if (enablementHolds(unit.enabled, seen)) continue;
    const missing = seen.fileState === '';
    output.changes.push({
      section: 'units',
      key: name,
      action: missing ? 'create' : 'update',
      cause: causeOf(want, enabledOnly(last), last !== undefined && enablementHolds(enabledOf(last), seen)),
      ...(missing ? {} : { before: { enabled: enabledView(seen) } }),
      after: want,
      ...originOf(input, 'units', name),
    });
  }
  for (const name of leavingKeys(applied, desired.units)) {
    const seen = seenAs(name);
    const last = applied[name] ?? {};
    if (returns(last, seen, fileLeaves(input, name, seen))) {
      output.changes.push(returningUnit(name, last, seen, enablementHolds(enabledOf(last), seen)));
      continue;
    }
    if (enabledOf(last) !== true || !isEnabled(seen) || (isAdopted(last) && !fileLeaves(input, name, seen)))
      continue;
    const before = { enabled: enabledView(seen) };
    output.changes.push({ section: 'units', key: name, action: 'delete', cause: 'config', before });
  }
}

/** Whether a unit that stays was enabled or disabled by us, and is no longer to be: then it is as before us again. */
export function isLetGo(
  input: Pick<DiffInput, 'desired' | 'applied' | 'observed'>,
  name: string,
  seen: ObservedUnit,
): boolean {
  const last = input.applied?.units?.[name];
  return (
    input.desired.units?.[name]?.enabled === null &&
    last !== undefined &&
    !fileLeaves(input, name, seen) &&
    releasedEnablement(input, name, seen) !== undefined
  );
}

/** Whether a unit that was there before us has to become enabled or disabled again; whether it runs stays as it is. */
function returns(last: AppliedItem, seen: Pick<ObservedUnit, 'fileState'>, fileGoes: boolean): boolean {
  return isAdopted(last) && !fileGoes && returningEnablement(last, seen) !== undefined;
}

function returningUnit(name: string, last: AppliedItem, seen: ObservedUnit, holds: boolean): Change {
  const enabled = returningEnablement(last, seen) === 'enable';
  return {
    section: 'units',
    key: name,
    action: 'update',
    cause: leavingCause(holds),
    before: { enabled: enabledView(seen) },
    after: { enabled },
    note: `is ${enabled ? 'enabled' : 'disabled'} as before it was managed, and not ${enabled ? 'started' : 'stopped'}`,
  };
}

function unitHolds(facts: UnitFacts | AppliedItem, seen: ObservedUnit): boolean {
  const state = (facts as AppliedItem)['state'];
  return (
    enablementHolds(enabledOf(facts as AppliedItem), seen) &&
    (state !== 'running' || ((isRunning(seen) || isSkipped(seen)) && seen.load !== 'masked')) &&
    (state !== 'stopped' || !(isRunning(seen) || isCrashLoop(seen)))
  );
}

const CANNOT_ENABLE: readonly string[] = ['static', 'generated', 'transient', 'alias', 'indirect'];

/**
 * Units without an [Install] section (static), made by generators or at run time, can be neither enabled nor disabled:
 * whatever is wanted of them holds. A masked unit can never start.
 */
function enablementHolds(enabled: boolean | null, seen: ObservedUnit): boolean {
  if (enabled === null) return true;
  if (CANNOT_ENABLE.includes(seen.fileState)) return true;
  return enabled === isEnabled(seen);
}

/** Whether a unit is started at boot: `enabled-runtime` ends with the next boot, and `linked` starts nothing. */
export function isEnabled(seen: ObservedUnit): boolean {
  return seen.fileState === 'enabled';
}

/** Whether a unit runs, or is on its way to: a model server loads for minutes. One that dies again and again does not. */
export function isRunning(seen: ObservedUnit): boolean {
  return ['active', 'reloading', 'refreshing', 'activating'].includes(seen.active) && !isCrashLoop(seen);
}

/** Whether systemd waits to start a unit again that has failed. One that ended well and comes again is another matter. */
export function isCrashLoop(seen: ObservedUnit): boolean {
  return (
    seen.active === 'activating' &&
    (seen.sub ?? '').includes('auto-restart') &&
    !['success', undefined].includes(seen.result)
  );
}

/** Whether systemd left a unit out at its last start, because a `Condition…=` of it did not hold: no one's drift. */
export function isSkipped(seen: ObservedUnit): boolean {
  return seen.condition === false && seen.active === 'inactive';
}

/** Where a person puts drop-ins; those of packages and generators are part of what a system is. */
const BY_HAND = /^\/(etc|run)\/systemd\/system(\.control)?\//;

function addUnitNotes(input: DiffInput, name: string, output: DiffOutput): void {
  const seen = input.observed.units?.get(name);
  if (seen === undefined) return;
  if (input.desired.units?.[name]?.state === 'running' && isSkipped(seen)) {
    output.notes.push(
      `unit ${name} does not run: a condition of it does not hold ("systemd-analyze condition --unit=${name}" on the host names it)`,
    );
  }
  const foreign = (seen.dropIns ?? []).filter(
    (path) =>
      BY_HAND.test(path) &&
      input.desired.files?.[path] === undefined &&
      input.desired.symlinks?.[path] === undefined &&
      input.applied?.files?.[path] === undefined &&
      input.applied?.symlinks?.[path] === undefined,
  );
  for (const path of foreign) {
    output.notes.push(`unit ${name} also reads ${path}, which is not of this configuration`);
  }
}

/** What runs without a file is managed by no one, so it stops with its file, whatever started it. */
function leavingNeedsWork(last: AppliedItem, seen: ObservedUnit, fileGoes: boolean): boolean {
  const runs = isRunning(seen) || isCrashLoop(seen);
  return (runs && (last['state'] === 'running' || fileGoes)) || (enabledOf(last) === true && isEnabled(seen));
}

/**
 * Whether the unit’s own file leaves with it, and no other comes in its place: neither what stood there before us nor one of a
 * package, which ours only covered. Then it cannot go on running, whoever started it.
 */
function fileLeaves(
  input: Pick<DiffInput, 'desired' | 'applied' | 'observed'>,
  name: string,
  seen: ObservedUnit,
): boolean {
  const { desired, applied } = input;
  const leaving = unitPaths(name).flatMap((path) => {
    const last = fileOrLinkAt(applied ?? {}, path);
    return last === undefined || fileOrLinkAt(desired, path) !== undefined ? [] : [{ path, last }];
  });
  if (leaving.length === 0) return false;
  if (leaving.some(({ path, last }) => whatBecomes(input, path, last, false).kind !== 'remove')) return false;
  // Which files an offline root has of it is not known: one that was there before us had one.
  if (input.observed.offline !== null) return !isAdopted(applied?.units?.[name]);
  return (seen.files ?? []).every((file) => leaving.some(({ path }) => path === file));
}

function unitView(seen: ObservedUnit): Readonly<Record<string, unknown>> {
  return {
    enabled: enabledView(seen),
    state: runView(seen),
    ...(seen.needDaemonReload ? { needDaemonReload: true } : {}),
  };
}

function runView(seen: ObservedUnit): string {
  if (isCrashLoop(seen)) return 'crash loop';
  return seen.active === 'failed' ? 'failed' : isRunning(seen) ? 'running' : 'stopped';
}

/** `true`, `false`, or systemd’s word where it is neither. */
function enabledView(seen: ObservedUnit): boolean | string {
  if (isEnabled(seen)) return true;
  return seen.fileState === 'disabled' || seen.fileState === '' ? false : seen.fileState;
}

function enabledOf(facts: AppliedItem): boolean | null {
  return typeof facts['enabled'] === 'boolean' ? facts['enabled'] : null;
}

function enabledOnly(last: AppliedItem | undefined): AppliedItem | undefined {
  return last === undefined ? undefined : { enabled: enabledOf(last) };
}
