import { isPartOf, templateOf, unitPaths } from '../../engine/diff/unit-files.js';
import type { HostManifest } from '../../manifest/index.js';
import { by } from '../../text/order.js';

/** What a unit's file and drop-ins say, as far as they are part of the document: values by `Section.Key`, in order. */
export interface UnitSettings {
  /** False for a unit whose file a package brings: there is more than is known here. */
  readonly whole: boolean;
  all(section: string, key: string): readonly string[];
  /** The last one, which is the one that counts. */
  last(section: string, key: string): string | undefined;
}

export function unitSettings(manifest: HostManifest, unit: string): UnitSettings {
  const files = manifest.files ?? {};
  const names = [unit, templateOf(unit) ?? unit];
  const main = names
    .flatMap(unitPaths)
    .map((path) => files[path]?.content)
    .find((content) => content !== undefined);
  const dropIns = Object.keys(files)
    .filter((path) => path.endsWith('.conf') && names.some((name) => isPartOf(path, name)))
    .sort(by((path) => path.slice(path.lastIndexOf('/'))));
  const values = new Map<string, string[]>();
  for (const text of [main ?? '', ...dropIns.map((path) => files[path]?.content ?? '')])
    readInto(values, text);
  const all = (section: string, key: string): readonly string[] => values.get(`${section}.${key}`) ?? [];
  return { whole: main !== undefined, all, last: (section, key) => all(section, key).at(-1) };
}

/** systemd.syntax(7): a line ends with a backslash when it goes on; an empty value forgets those before it. */
function readInto(values: Map<string, string[]>, text: string): void {
  let section = '';
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    section = /^\[(.+)\]\s*$/.exec(line)?.[1] ?? section;
    const [, key, value] = /^([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const name = `${section}.${key}`;
    if (value === '') values.delete(name);
    else values.set(name, [...(values.get(name) ?? []), value]);
  }
}

const UNIT_SEC: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  sec: 1,
  second: 1,
  seconds: 1,
  m: 60,
  min: 60,
  minute: 60,
  minutes: 60,
  h: 3600,
  hr: 3600,
  hour: 3600,
  hours: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
};

/** Seconds of a time span as systemd.time(7) writes it (`12m30s`, `90`, `1min 20s`, `infinity`); `undefined` for other text. */
export function spanSeconds(text: string): number | undefined {
  if (text === 'infinity') return Infinity;
  if (!/^\s*(?:\d+(?:\.\d+)?\s*[a-z]*\s*)+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)/g)) {
    const factor = unit === '' ? 1 : UNIT_SEC[unit ?? ''];
    if (factor === undefined) return undefined;
    seconds += Number(number) * factor;
  }
  return seconds;
}
