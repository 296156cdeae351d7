import type { UnitFile, UnitReference, UnitSection, UnitText, UnitValue } from '../../render/index.js';
import { Duration, Size } from '../units.js';
import { suggest } from '../../text/suggest.js';
import { DIRECTIVES, SYSTEMD_VERSION } from './generated/systemd-directives.js';
import { unknownProps, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';

type Directives = typeof DIRECTIVES;
type SectionName = keyof Directives;

/** A value of a directive: a plain string stands for itself (`%` included); see `exec`, `words`, `specifier` of the render room. */
export type DirectiveScalar = string | number | boolean | Duration | Size | UnitReference | UnitText;

/** Directives that hold one value; systemd would take the last of several. */
type ScalarKind =
  | 'ACTION' | 'BOOLEAN' | 'INTEGER' | 'KILLMODE' | 'LEVEL' | 'LONG' | 'MODE' | 'NICE' | 'OOMSCOREADJUST'
  | 'SECONDS' | 'SERVICERESTART' | 'SERVICETYPE' | 'SIGNAL' | 'SLICE' | 'UNSIGNED'; // prettier-ignore

type DirectiveValue<Kind> = Kind extends 'BOOLEAN'
  ? boolean | ''
  : Kind extends ScalarKind
    ? DirectiveScalar
    : Kind extends 'PATH [ARGUMENT [...]]'
      ? string | UnitText | readonly (string | UnitText)[]
      : DirectiveScalar | readonly DirectiveScalar[];

/** Every documented directive of a section (systemd 252, which newer ones still know), and keys of one's own as `X-Name`. */
export type Section<Name extends SectionName> = {
  readonly [Key in keyof Directives[Name]]?: DirectiveValue<Directives[Name][Key]>;
} & { readonly [key: `X-${string}`]: DirectiveScalar | readonly DirectiveScalar[] };

/** The sections of a unit file or drop-in. Arrays repeat the key; `''` clears what earlier files gave (drop-ins). */
export interface UnitSections {
  readonly unit?: Section<'Unit'>;
  readonly service?: Section<'Service'>;
  readonly socket?: Section<'Socket'>;
  readonly mount?: Section<'Mount'>;
  readonly automount?: Section<'Automount'>;
  readonly swap?: Section<'Swap'>;
  readonly timer?: Section<'Timer'>;
  readonly path?: Section<'Path'>;
  readonly slice?: Section<'Slice'>;
  readonly scope?: Section<'Scope'>;
  readonly install?: Section<'Install'>;
  /**
   * The way out for what the table of systemd 252 does not have: directives by section that are written as they are given, over
   * those above: `raw: { service: { RestartSteps: 5, PrivateTmp: 'disconnected' } }`. The host's own systemd still refuses
   * one that it does not know, before anything is replaced.
   */
  readonly raw?: Readonly<Partial<Record<SectionProperty, RawSection>>>;
}

/** Directives of one section by their names, whatever systemd has them. */
export type RawSection = Readonly<Record<string, DirectiveScalar | readonly DirectiveScalar[]>>;
type SectionProperty = Exclude<keyof UnitSections, 'raw'>;

const SECTION_NAMES: Readonly<Record<SectionProperty, SectionName>> = {
  unit: 'Unit',
  service: 'Service',
  socket: 'Socket',
  mount: 'Mount',
  automount: 'Automount',
  swap: 'Swap',
  timer: 'Timer',
  path: 'Path',
  slice: 'Slice',
  scope: 'Scope',
  install: 'Install',
};
/** All properties of {@link UnitSections}. */
export const UNIT_SECTIONS: Names<UnitSections> = {
  unit: true,
  service: true,
  socket: true,
  mount: true,
  automount: true,
  swap: true,
  timer: true,
  path: true,
  slice: true,
  scope: true,
  install: true,
  raw: true,
};
const PROPERTIES = Object.keys(SECTION_NAMES) as SectionProperty[];

const SCALAR_KINDS = new Set([
  'ACTION', 'BOOLEAN', 'INTEGER', 'KILLMODE', 'LEVEL', 'LONG', 'MODE', 'NICE', 'OOMSCOREADJUST', 'SECONDS',
  'SERVICERESTART', 'SERVICETYPE', 'SIGNAL', 'SLICE', 'UNSIGNED',
]); // prettier-ignore

/** The sections as the render room takes them: `[Service]` for `service`, times and sizes as text. */
export function unitFileOf(sections: UnitSections): UnitFile {
  return Object.fromEntries(
    PROPERTIES.filter((name) => (sections[name] ?? sections.raw?.[name]) !== undefined).map((name) => [
      SECTION_NAMES[name],
      Object.fromEntries(
        Object.entries({ ...sections[name], ...sections.raw?.[name] }).map(([key, value]) => [
          key,
          plain(value),
        ]),
      ) as UnitSection,
    ]),
  );
}

/** What is wrong with the sections of unit `name`: sections of another type, unknown keys, values of the wrong kind. */
export function sectionProblems(name: string, sections: UnitSections): OwnProblem[] {
  const type = name.slice(name.lastIndexOf('.') + 1);
  const strange = unknownProps<object>(sections.raw ?? {}, SECTION_NAMES, 'raw');
  const found = PROPERTIES.flatMap((property) => {
    const section = sections[property];
    if ((section ?? sections.raw?.[property]) === undefined) return [];
    if (property !== 'unit' && property !== 'install' && property !== type) {
      return [
        {
          code: 'construct.unit.section',
          property,
          got: `${name} has a section [${SECTION_NAMES[property]}]`,
          fix: `Only [Unit], [Install] and the section of a .${type} belong into it`,
        },
      ];
    }
    return Object.entries(section ?? {}).flatMap(([key, value]) => directiveProblems(property, key, value));
  });
  return [...strange, ...found];
}

function directiveProblems(property: SectionProperty, key: string, value: unknown): OwnProblem[] {
  const section = SECTION_NAMES[property];
  const known: Readonly<Record<string, string>> = DIRECTIVES[section];
  const at = `${property}.${key}`;
  if (key.startsWith('X-')) return [];
  const kind = Object.hasOwn(known, key) ? known[key] : undefined;
  if (kind === undefined) return [unknownKey(section, key, at, property)];
  if (Array.isArray(value) && SCALAR_KINDS.has(kind)) {
    return [
      {
        code: 'construct.unit.scalar',
        property: at,
        got: `${value.length} values for a directive that holds one`,
        fix: 'Give one value',
      },
    ];
  }
  if (kind === 'BOOLEAN' && typeof value === 'string' && !/^(|yes|no|true|false|on|off|1|0)$/.test(value)) {
    return [
      {
        code: 'construct.unit.boolean',
        property: at,
        got: `${JSON.stringify(value)} is neither yes nor no`,
        fix: 'Give true or false',
      },
    ];
  }
  if (kind === 'PATH [ARGUMENT [...]]') return commandProblems(at, value);
  return [];
}

/** `ExecStart: ['/bin/echo', 'x']` would be two commands; the second is certainly not meant as one. */
function commandProblems(at: string, value: unknown): OwnProblem[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((command, index) => {
    if (typeof command !== 'string' || /^$|^[-@:+!]*\//.test(command)) return [];
    return {
      code: 'construct.unit.command',
      property: `${at}[${index}]`,
      got: `${JSON.stringify(command)} does not begin with a program's path`,
      fix: 'Give each command as exec([program, …arguments])',
    };
  });
}

function unknownKey(section: SectionName, key: string, at: string, property: SectionProperty): OwnProblem {
  const others = (Object.keys(DIRECTIVES) as SectionName[]).filter((name) =>
    Object.hasOwn(DIRECTIVES[name], key),
  );
  const near = suggest(key, Object.keys(DIRECTIVES[section]));
  const fix =
    near !== undefined
      ? `Did you mean ${near}?`
      : others.length > 0
        ? `${key} belongs into [${others[0] ?? ''}]`
        : 'Take it out, or call it X-… if it is a note of your own';
  // What another section has is not newer.
  const newer =
    near === undefined && others.length > 0
      ? ''
      : ` If the host's systemd is newer than ${String(SYSTEMD_VERSION)} and has it, write raw: { ${property}: { ${key}: … } }`;
  return {
    code: 'construct.unit.unknown-key',
    property: at,
    got: `[${section}] has no directive ${key}`,
    fix: newer === '' ? fix : `${fix}${fix.endsWith('?') ? '' : '.'}${newer}`,
  };
}

function plain(value: unknown): UnitValue | UnitValue[] {
  if (Array.isArray(value)) return value.map((each) => plain(each) as UnitValue);
  return value instanceof Duration || value instanceof Size ? value.toString() : (value as UnitValue);
}
