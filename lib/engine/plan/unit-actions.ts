import type { ExpandedManifest, ManifestUnit } from '../../manifest/index.js';
import { releasedEnablement, returningEnablement } from '../diff/earlier.js';
import { isCrashLoop, isEnabled, isLetGo, isRunning, isSkipped } from '../diff/units.js';
import { isPartOf, templateOf, unitPaths } from '../diff/unit-files.js';
import type { AppliedItem, Change, ObservedHost, ObservedUnit, UnitAction } from '../model.js';

export interface UnitActionInput {
  readonly changes: readonly Change[];
  /** Paths whose contents, target or kind change, are created or go; owner and mode alone concern no unit. */
  readonly touched: ReadonlySet<string>;
  /** Units whose [Install] section changes while they are enabled: their links are made again. */
  readonly reinstalled: ReadonlySet<string>;
  readonly desired: ExpandedManifest;
  readonly observed: ObservedHost;
}

type Verb = UnitAction['verb'];
const LINK_VERBS: readonly Verb[] = ['unmask', 'disable', 'enable'];
const RUN_VERBS: readonly Verb[] = ['stop', 'restart', 'start', 'reload'];

/**
 * What units are asked to do, in order: units that leave are stopped and disabled, or enabled as before us, links of the others are put right,
 * then wave by wave what stops, restarts, starts and reloads. A unit that restarts or starts is not reloaded as well.
 */
export function planUnitActions(input: UnitActionInput): UnitAction[] {
  const leaving = input.changes
    .filter((change) => change.section === 'units' && change.action === 'delete')
    .sort((a, b) => Number(startsOthers(b.key)) - Number(startsOthers(a.key)))
    .flatMap((change) => leavingActions(change.key, input.observed));
  const returning = input.changes
    .filter(
      ({ section, action, key }) =>
        section === 'units' && action === 'update' && input.desired.units?.[key] === undefined,
    )
    .flatMap(({ key }): UnitAction[] => {
      const verb = returningEnablement(
        input.observed.applied?.units?.[key] ?? {},
        stateOf(key, input.observed),
      );
      return verb === undefined ? [] : [{ unit: key, verb, wave: 0 }];
    });
  const staying = Object.entries(input.desired.units ?? {})
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .flatMap(([name, unit]) =>
      unitVerbs(name, unit, input).map((verb): UnitAction => ({ unit: name, verb, wave: unit.wave })),
    );
  const links = staying.filter((action) => LINK_VERBS.includes(action.verb));
  const runs = staying
    .filter((action) => RUN_VERBS.includes(action.verb))
    .sort((a, b) => a.wave - b.wave || RUN_VERBS.indexOf(a.verb) - RUN_VERBS.indexOf(b.verb));
  return [...leaving, ...returning, ...links, ...stayingBehind(input), ...runs];
}

/** Each change with the units that it restarts, starts, stops or reloads. */
export function withUnitEffects(
  changes: readonly Change[],
  actions: readonly UnitAction[],
  input: TriggerInput,
): Change[] {
  return changes.map((change) => {
    const restarts = actions.filter(
      ({ unit, verb }) =>
        (RUN_VERBS.includes(verb) &&
          verb !== 'reload' &&
          change.section === 'units' &&
          change.key === unit) ||
        (verb === 'restart' && concerns(change, input, unit, 'restartOn')),
    );
    const reloads = actions.filter(
      ({ unit, verb }) => verb === 'reload' && concerns(change, input, unit, 'reloadOn'),
    );
    return {
      ...change,
      ...(restarts.length === 0 ? {} : { restarts: unitNames(restarts) }),
      ...(reloads.length === 0 ? {} : { reloads: unitNames(reloads) }),
    };
  });
}

const PATH_SECTIONS: ReadonlySet<string> = new Set(['directories', 'files', 'blocks', 'symlinks']);

function concerns(
  change: Change,
  input: TriggerInput,
  unit: string,
  list: 'restartOn' | 'reloadOn',
): boolean {
  return (
    PATH_SECTIONS.has(change.section) &&
    input.touched.has(change.key) &&
    triggersOf(unit, input, list).includes(change.key)
  );
}

type TriggerInput = Pick<UnitActionInput, 'touched' | 'desired' | 'observed'>;

/**
 * The touched paths that concern a unit. An instance is also made of its template's file and drop-ins, and what leaves concerns
 * it as it did in the last generation; `onChange` says that less is needed than a restart, or nothing.
 */
function triggersOf(name: string, input: TriggerInput, list: 'restartOn' | 'reloadOn'): string[] {
  const unit = input.desired.units?.[name];
  const last = input.observed.applied?.units?.[name];
  if (unit === undefined && last === undefined) return [];
  const onChange = unit === undefined ? lastOnChange(name, last) : onChangeOf(name, unit);
  if (onChange === 'nothing') return [];
  const touched = (paths: readonly string[]): string[] => paths.filter((path) => input.touched.has(path));
  const reload = touched([...(unit?.reloadOn ?? []), ...goneFrom(last, 'reloadOn', input)]);
  const restart = [
    ...touched([...(unit?.restartOn ?? []), ...goneFrom(last, 'restartOn', input)]),
    ...partsOf(name, input),
  ].filter((path) => !reload.includes(path));
  if (list === 'restartOn') return onChange === 'restart' ? [...new Set(restart)] : [];
  return [...new Set(onChange === 'restart' ? reload : [...reload, ...restart])];
}

/** What concerned a unit in the last generation, and left the configuration since. */
function goneFrom(
  last: AppliedItem | undefined,
  list: 'restartOn' | 'reloadOn',
  { desired }: TriggerInput,
): string[] {
  const paths = last?.[list];
  return Array.isArray(paths) ? paths.map(String).filter((path) => !isWanted(path, desired)) : [];
}

function isWanted(path: string, desired: ExpandedManifest): boolean {
  return (['directories', 'files', 'blocks', 'symlinks'] as const).some(
    (section) => desired[section]?.[path] !== undefined,
  );
}

/** The touched ones of the files of which systemd makes a unit: those of its template, and its own where they leave. */
function partsOf(name: string, { touched, desired }: TriggerInput): string[] {
  const template = templateOf(name);
  return [...touched].filter(
    (path) =>
      (template !== undefined && isPartOf(path, template)) ||
      (isPartOf(path, name) && !isWanted(path, desired)),
  );
}

/** A unit that was there before us and left runs on, with the files of before. */
function stayingBehind(input: UnitActionInput): UnitAction[] {
  const { desired, observed, changes } = input;
  return Object.keys(observed.applied?.units ?? {})
    .filter((name) => desired.units?.[name] === undefined && isRunning(stateOf(name, observed)))
    .filter(
      (name) =>
        !changes.some(
          ({ section, key, action }) => section === 'units' && key === name && action === 'delete',
        ),
    )
    .flatMap((name): UnitAction[] => {
      if (stateOf(name, observed).job === true) return [];
      if (triggersOf(name, input, 'restartOn').length > 0) return [{ unit: name, verb: 'restart', wave: 0 }];
      return triggersOf(name, input, 'reloadOn').length > 0 ? [{ unit: name, verb: 'reload', wave: 0 }] : [];
    });
}

/** Targets and slices are only names for other units: to restart one is to restart all of those. */
export function onChangeOf(name: string, unit: ManifestUnit): NonNullable<ManifestUnit['onChange']> {
  return unit.onChange ?? defaultOnChange(name);
}

function defaultOnChange(name: string): 'nothing' | 'restart' {
  return /\.(target|slice)$/.test(name) ? 'nothing' : 'restart';
}

function lastOnChange(name: string, last: AppliedItem | undefined): NonNullable<ManifestUnit['onChange']> {
  const said = last?.['onChange'];
  return said === 'restart' || said === 'reload' || said === 'nothing' ? said : defaultOnChange(name);
}

/** Stopped first: it would start again at once what is stopped before it. */
function startsOthers(unit: string): boolean {
  return /\.(socket|timer|path)$/.test(unit);
}

function leavingActions(name: string, observed: ObservedHost): UnitAction[] {
  const seen = stateOf(name, observed);
  const unit = seen.realName ?? name;
  return [
    ...(isRunning(seen) || isCrashLoop(seen) ? [{ unit, verb: 'stop', wave: 0 } as const] : []),
    ...(isEnabled(seen) ? [{ unit, verb: 'disable', wave: 0 } as const] : []),
  ];
}

function unitVerbs(name: string, unit: ManifestUnit, input: UnitActionInput): Verb[] {
  const seen = stateOf(name, input.observed);
  return [...linkVerbs(name, unit, seen, input), ...runVerbs(name, unit, seen, input)];
}

function linkVerbs(name: string, unit: ManifestUnit, seen: ObservedUnit, input: UnitActionInput): Verb[] {
  if (unit.enabled === false) return isEnabled(seen) ? ['disable'] : [];
  const masked = seen.load === 'masked' || seen.fileState.startsWith('masked');
  const verbs: Verb[] = masked && (unit.enabled === true || unit.state === 'running') ? ['unmask'] : [];
  if (unitFilesUnknown(input.observed)) return verbs;
  if (unit.enabled === null) {
    const { observed } = input;
    const { applied } = observed;
    const verb = isLetGo({ desired: input.desired, applied, observed }, name, seen)
      ? releasedEnablement({ applied }, name, seen)
      : undefined;
    return verb === undefined ? verbs : [...verbs, verb];
  }
  if (isEnabled(seen)) return input.reinstalled.has(name) ? [...verbs, 'disable', 'enable'] : verbs;
  // A unit without an [Install] section may be about to get one.
  const changed = isChanged(name, input);
  const ownFile = unitPaths(name).some((path) => input.touched.has(path));
  return changed || ownFile ? [...verbs, 'enable'] : verbs;
}

function runVerbs(name: string, unit: ManifestUnit, seen: ObservedUnit, input: UnitActionInput): Verb[] {
  if (input.observed.units === null) return [];
  const running = isRunning(seen);
  const concerned = triggersOf(name, input, 'restartOn').length > 0;
  if (unit.state === 'stopped') return running || isCrashLoop(seen) ? ['stop'] : [];
  if (!running) {
    // systemd refuses to start what it is about to start again by itself.
    if (isCrashLoop(seen)) return unit.state === 'running' || concerned ? ['restart'] : [];
    if (unit.state !== 'running') return [];
    return isSkipped(seen) && !concerned && !isChanged(name, input) ? [] : ['start'];
  }
  // Its work is not begun a second time because its file changes; the next run has the new files.
  if (seen.job === true && seen.active === 'activating') return [];
  if (concerned) return ['restart'];
  return triggersOf(name, input, 'reloadOn').length > 0 ? ['reload'] : [];
}

function isChanged(name: string, input: UnitActionInput): boolean {
  return input.changes.some((change) => change.section === 'units' && change.key === name);
}

function stateOf(unit: string, observed: ObservedHost): ObservedUnit {
  const fileState = observed.offline?.unitFiles?.get(unit) ?? '';
  return (
    observed.units?.get(unit) ?? { load: 'not-found', active: 'inactive', fileState, needDaemonReload: false }
  );
}

function unitFilesUnknown(observed: ObservedHost): boolean {
  return observed.offline !== null && observed.offline.unitFiles === null;
}

function unitNames(actions: readonly UnitAction[]): string[] {
  return [...new Set(actions.map((action) => action.unit))].sort();
}
