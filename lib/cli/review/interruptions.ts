import type { HostPlan, UnitAction } from '../../engine/model.js';
import type { HostManifest } from '../../manifest/index.js';
import { portsOf } from './ports.js';
import { spanSeconds, unitSettings } from './unit-files.js';

/** The longest that something may take, and how that is known. */
export interface Limit {
  /** Infinity: nothing ends it. */
  readonly seconds: number;
  /** `unit`: its own file says so; `default`: systemd's default; `package`: the same, but its package may say otherwise. */
  readonly by: 'unit' | 'default' | 'package';
}

/** What happens to one unit that runs, or is to run. */
export interface Interruption {
  readonly unit: string;
  readonly verb: 'stop' | 'start' | 'restart' | 'reload';
  /** Until it answers again, with what it waits for; absent for what stops for good or goes on while it reloads. */
  readonly limit?: Limit;
  /** Units that systemd restarts or stops with it, where they run. */
  readonly along: readonly string[];
  /** Checks that must pass afterwards, with their own time. */
  readonly checks: readonly { readonly name: string; readonly seconds: number }[];
}

const VERBS: readonly UnitAction['verb'][] = ['stop', 'restart', 'start', 'reload'];
/** DefaultTimeoutStartSec and DefaultTimeoutStopSec. */
const DEFAULT_SEC = 90;
const AT_ONCE: Limit = { seconds: 0, by: 'unit' };

/** What a plan asks of units, in its order, with the time that each may take. */
export function interruptionsOf(plan: HostPlan): Interruption[] {
  const { manifest } = plan;
  const actions = plan.unitActions.filter(({ verb }) => VERBS.includes(verb));
  const followers = followersOf(manifest);
  const named = new Set(actions.map(({ unit }) => unit));
  const along = (unit: string): string[] =>
    [...reach(unit, followers)].filter((name) => !named.has(name)).sort();
  // Everything that starts again is waited for by what is ordered after it.
  const starting = new Set(actions.flatMap(({ unit, verb }) => (verb === 'start' ? [unit] : [])));
  const restarting = actions.flatMap(({ unit, verb }) =>
    verb === 'restart' ? [unit, ...reach(unit, followers)] : [],
  );
  const readyIn = untilReady(manifest, new Set([...starting, ...restarting]), starting);
  const checks = checksByUnit(manifest);
  return actions.map((action): Interruption => {
    const { unit } = action;
    const verb = action.verb as Interruption['verb'];
    const down = verb === 'restart' || verb === 'stop' ? along(unit) : [];
    const limits = [unit, ...(verb === 'restart' ? down : [])].map(readyIn);
    return {
      unit,
      verb,
      ...((verb === 'restart' || verb === 'start') && { limit: longest(limits) }),
      along: down,
      checks: verb === 'stop' ? [] : (checks.get(unit) ?? []),
    };
  });
}

/** The longest that anything of a host does not answer while an apply restarts it; `undefined` when nothing restarts. */
export function longestInterruption(interruptions: readonly Interruption[]): Limit | undefined {
  const limits = interruptions.flatMap(({ verb, limit }) =>
    verb === 'restart' && limit !== undefined ? [limit] : [],
  );
  return limits.length === 0 ? undefined : longest(limits);
}

/** `up to 13 min`, and what is to be known about it. */
export function limitText({ seconds, by }: Limit): string {
  if (seconds === Infinity) return 'no limit is set';
  if (seconds === 0) return 'at once';
  const source = {
    unit: '',
    default: ' (in part systemd’s defaults)',
    package: ' (systemd’s defaults; its package may set others)',
  };
  return `up to ${spanText(seconds)}${source[by]}`;
}

/** `13 min`, `1 h 5 min`, `30 s`: whole seconds, rounded up. */
export function spanText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [
    [Math.floor(whole / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const;
  const words = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return words.length === 0 ? '0 s' : words.join(' ');
}

/** Units that stop and restart with another one: systemd.unit(5), PartOf=, Requires= and BindsTo=. */
function followersOf(manifest: HostManifest): ReadonlyMap<string, readonly string[]> {
  const followers = new Map<string, string[]>();
  for (const unit of Object.keys(manifest.units ?? {})) {
    const settings = unitSettings(manifest, unit);
    const leaders = ['PartOf', 'Requires', 'BindsTo'].flatMap((key) => words(settings.all('Unit', key)));
    for (const leader of new Set(leaders)) followers.set(leader, [...(followers.get(leader) ?? []), unit]);
  }
  return followers;
}

function reach(unit: string, followers: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const walk = (name: string): void => {
    for (const follower of followers.get(name) ?? []) {
      if (follower === unit || found.has(follower)) continue;
      found.add(follower);
      walk(follower);
    }
  };
  walk(unit);
  return found;
}

/** Time until a unit is up again: its own stop and start, after whatever of the same run it is ordered after. */
function untilReady(
  manifest: HostManifest,
  running: ReadonlySet<string>,
  starting: ReadonlySet<string>,
): (unit: string) => Limit {
  const known = new Map<string, Limit>();
  const ready = (unit: string): Limit => {
    const before = known.get(unit);
    if (before !== undefined) return before;
    known.set(unit, AT_ONCE); // A circle is systemd's to refuse, not ours to follow.
    const first = words(unitSettings(manifest, unit).all('Unit', 'After')).filter((name) =>
      running.has(name),
    );
    const limit = sum(ownLimit(manifest, unit, starting.has(unit)), longest(first.map(ready)));
    known.set(unit, limit);
    return limit;
  };
  return ready;
}

function ownLimit(manifest: HostManifest, unit: string, fresh: boolean): Limit {
  if (/\.(socket|timer|target|path|slice)$/.test(unit)) return AT_ONCE;
  const settings = unitSettings(manifest, unit);
  const oneshot = settings.last('Service', 'Type') === 'oneshot';
  const said = (key: string): number | undefined => {
    const text = settings.last('Service', key) ?? settings.last('Service', 'TimeoutSec');
    // systemd.service(5): 0 is no limit, as infinity is.
    const seconds = text === undefined ? undefined : spanSeconds(text);
    return seconds === 0 ? Infinity : seconds;
  };
  const start = said('TimeoutStartSec');
  const stop = fresh ? 0 : said('TimeoutStopSec');
  const seconds = (start ?? (oneshot ? Infinity : DEFAULT_SEC)) + (stop ?? DEFAULT_SEC);
  const known = start !== undefined && stop !== undefined;
  return { seconds, by: known ? 'unit' : settings.whole ? 'default' : 'package' };
}

const SURENESS = ['unit', 'default', 'package'] as const;

function leastSure(limits: readonly Limit[]): Limit['by'] {
  return SURENESS[Math.max(...limits.map(({ by }) => SURENESS.indexOf(by)))] ?? 'package';
}

function sum(a: Limit, b: Limit): Limit {
  return { seconds: a.seconds + b.seconds, by: leastSure([a, b]) };
}

function longest(limits: readonly Limit[]): Limit {
  return limits.reduce((a, b) => (b.seconds > a.seconds ? b : a), AT_ONCE);
}

function words(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(/\s+/).filter(Boolean));
}

/** Checks by the unit that they are about: named, or listening on the port that is asked. */
function checksByUnit(
  manifest: HostManifest,
): ReadonlyMap<string, readonly { name: string; seconds: number }[]> {
  const listeners = new Map(portsOf(manifest).map(({ number, listener }) => [number, listener]));
  const found = new Map<string, { name: string; seconds: number }[]>();
  for (const [name, check] of Object.entries(manifest.checks ?? {})) {
    const port = check.kind === 'http' ? portOfUrl(check.url) : check.kind === 'tcp' ? check.port : undefined;
    const listener = check.kind === 'unit' ? check.unit : listeners.get(port ?? 0);
    if (listener === undefined) continue;
    // What a socket lets in is answered by the service that it is part of.
    const owners = [listener, ...words(unitSettings(manifest, listener).all('Unit', 'PartOf'))];
    for (const unit of owners)
      found.set(unit, [...(found.get(unit) ?? []), { name, seconds: check.timeoutSec }]);
  }
  return found;
}

export function portOfUrl(url: string): number | undefined {
  if (!URL.canParse(url)) return undefined;
  const { port, protocol } = new URL(url);
  return port === '' ? { 'http:': 80, 'https:': 443 }[protocol] : Number(port);
}
