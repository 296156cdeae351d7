import { RenderError, requirePlain, shown } from './error.js';

/** Lines for `/bin/sh`, run at one point of the rotation. */
export type LogrotateScript = 'firstaction' | 'lastaction' | 'prerotate' | 'postrotate' | 'preremove';

/** How the files of one entry are rotated; names and meanings as in logrotate(8). */
export interface LogrotateEntry {
  /** Absolute paths or patterns: `/opt/citadel/logs/*.log`. */
  readonly paths: readonly string[];
  /** @default - logrotate's own default, from /etc/logrotate.conf */
  readonly frequency?: 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly';
  /** How many old files are kept. */
  readonly rotate?: number;
  /** Remove old files after so many days. */
  readonly maxageDays?: number;
  /** Do not rotate a log that was rotated less than so many days ago. */
  readonly minageDays?: number;
  /** Rotate once the file is larger, whatever the time (not together with `frequency`); bytes, or `100M`. */
  readonly size?: string | number;
  /** Rotate before the time once the file is larger. */
  readonly maxsize?: string | number;
  /** Do not rotate at the time unless the file is larger. */
  readonly minsize?: string | number;
  readonly compress?: boolean;
  /** Another program than gzip: `{ command: '/usr/bin/zstd', extension: '.zst', options: '-q --rm' }`. */
  readonly compressWith?: {
    readonly command: string;
    readonly extension: string;
    readonly options?: string;
    /** What unpacks; logrotate needs it for mail alone. */
    readonly uncompress?: string;
  };
  readonly delaycompress?: boolean;
  readonly copytruncate?: boolean;
  readonly missingok?: boolean;
  readonly notifempty?: boolean;
  readonly dateext?: boolean;
  readonly dateformat?: string;
  /** The day before in the name, which is that of the lines. */
  readonly dateyesterday?: boolean;
  readonly extension?: string;
  readonly sharedscripts?: boolean;
  /** The new, empty file; `true` makes it as the old one was, `false` makes none. */
  readonly create?: { readonly mode: string; readonly owner: string; readonly group: string } | boolean;
  /** Rotate as this user: needed where the directory belongs to someone other than root. */
  readonly su?: { readonly user: string; readonly group: string };
  readonly olddir?: string;
  /** Makes `olddir` where it is missing. */
  readonly createOlddir?: { readonly mode: string; readonly owner: string; readonly group: string };
  /** Who gets a log that would be removed; `false` for no one. */
  readonly mail?: string | false;
  /** Overwrite a log before it is removed. */
  readonly shred?: boolean;
  readonly scripts?: { readonly [Name in LogrotateScript]?: readonly string[] };
}

/** Flags with a negative of their own, in the order in which they are written. */
const FLAGS = [
  ['missingok', 'nomissingok'],
  ['notifempty', 'ifempty'],
  ['compress', 'nocompress'],
  ['delaycompress', 'nodelaycompress'],
  ['copytruncate', 'nocopytruncate'],
  ['dateext', 'nodateext'],
  ['shred', 'noshred'],
  ['sharedscripts', 'nosharedscripts'],
] as const;

const SCRIPTS: readonly LogrotateScript[] = [
  'firstaction',
  'prerotate',
  'postrotate',
  'lastaction',
  'preremove',
];

/** A file for /etc/logrotate.d. @throws RenderError for what logrotate would read otherwise */
export function renderLogrotate(entries: readonly LogrotateEntry[]): string {
  return entries.map((entry, index) => renderEntry(entry, `entries[${index}]`)).join('\n');
}

function renderEntry(entry: LogrotateEntry, property: string): string {
  if (entry.paths.length === 0) {
    throw new RenderError(
      'render.logrotate.paths',
      `${property}.paths`,
      'there is no path',
      'Give at least one',
    );
  }
  if (entry.size !== undefined && entry.frequency !== undefined) {
    throw new RenderError(
      'render.logrotate.size-and-time',
      `${property}.size`,
      `"size" makes logrotate forget "${entry.frequency}"`,
      'Use maxsize (also before the time) or minsize (not before that size)',
    );
  }
  const paths = entry.paths.map((path) => quotedPath(path, `${property}.paths`));
  const lines = [...directives(entry, property), ...SCRIPTS.flatMap((name) => script(entry, name, property))];
  return `${paths.join('\n')} {\n${lines.map((line) => `    ${line}`).join('\n')}\n}\n`;
}

function directives(entry: LogrotateEntry, property: string): string[] {
  const { create, createOlddir: olddir, su } = entry;
  const word = (name: keyof LogrotateEntry, value: string) => plainWord(value, `${property}.${name}`);
  return [
    ...(entry.frequency === undefined ? [] : [entry.frequency]),
    ...(entry.rotate === undefined ? [] : [`rotate ${whole(entry.rotate, `${property}.rotate`)}`]),
    ...(entry.maxageDays === undefined
      ? []
      : [`maxage ${whole(entry.maxageDays, `${property}.maxageDays`)}`]),
    ...(entry.minageDays === undefined
      ? []
      : [`minage ${whole(entry.minageDays, `${property}.minageDays`)}`]),
    ...(['size', 'minsize', 'maxsize'] as const).flatMap((name) => {
      const value = entry[name];
      return value === undefined ? [] : [`${name} ${sizeOf(value, `${property}.${name}`)}`];
    }),
    ...FLAGS.flatMap(([name, negative]) => {
      const value = entry[name];
      return value === undefined ? [] : [value ? name : negative];
    }),
    ...(['dateformat', 'extension'] as const).flatMap((name) => {
      const value = entry[name];
      return value === undefined ? [] : [`${name} ${word(name, value)}`];
    }),
    ...(entry.dateyesterday === true ? ['dateyesterday'] : []),
    ...compression(entry, property),
    ...(entry.mail === undefined
      ? []
      : [entry.mail === false ? 'nomail' : `mail ${word('mail', entry.mail)}`]),
    ...(entry.olddir === undefined ? [] : [`olddir ${quotedPath(entry.olddir, `${property}.olddir`)}`]),
    ...(olddir === undefined
      ? []
      : [
          `createolddir ${modeOf(olddir.mode, `${property}.createOlddir.mode`)} ${word('createOlddir', olddir.owner)} ${word('createOlddir', olddir.group)}`,
        ]),
    ...(create === undefined
      ? []
      : [
          typeof create === 'boolean'
            ? create
              ? 'create'
              : 'nocreate'
            : `create ${modeOf(create.mode, `${property}.create.mode`)} ${word('create', create.owner)} ${word('create', create.group)}`,
        ]),
    ...(su === undefined ? [] : [`su ${word('su', su.user)} ${word('su', su.group)}`]),
  ];
}

function compression({ compressWith: by }: LogrotateEntry, property: string): string[] {
  if (by === undefined) return [];
  const at = `${property}.compressWith`;
  if (by.options !== undefined) requirePlain('render.logrotate', `${at}.options`, by.options);
  return [
    `compresscmd ${quotedPath(by.command, `${at}.command`)}`,
    `compressext ${plainWord(by.extension, `${at}.extension`)}`,
    ...(by.options === undefined ? [] : [`compressoptions ${by.options}`]),
    ...(by.uncompress === undefined
      ? []
      : [`uncompresscmd ${quotedPath(by.uncompress, `${at}.uncompress`)}`]),
  ];
}

function script(entry: LogrotateEntry, name: LogrotateScript, property: string): string[] {
  const lines = entry.scripts?.[name];
  if (lines === undefined) return [];
  const checked = lines.map((line) => {
    requirePlain('render.logrotate', `${property}.scripts.${name}`, line, { tab: true });
    if (line.trim() === 'endscript') {
      throw new RenderError(
        'render.logrotate.endscript',
        `${property}.scripts.${name}`,
        'a line says "endscript", which ends the script',
        'Take it out',
      );
    }
    return `    ${line}`;
  });
  return [name, ...checked, 'endscript'];
}

function quotedPath(path: string, property: string): string {
  requirePlain('render.logrotate', property, path);
  if (!path.startsWith('/') || /["'\\{}]/.test(path)) {
    throw new RenderError(
      'render.logrotate.path',
      property,
      `${shown(path)} is not a path that logrotate can be given`,
      'Write an absolute path without quotes, backslashes and braces',
    );
  }
  return /\s|#/.test(path) ? `"${path}"` : path;
}

function plainWord(text: string, property: string): string {
  if (/^[A-Za-z0-9._%+-]+$/.test(text)) return text;
  throw new RenderError(
    'render.logrotate.word',
    property,
    `${shown(text)} is not one plain word`,
    'Use letters, digits and "._%+-"',
  );
}

function modeOf(mode: string, property: string): string {
  if (/^0?[0-7]{3}$/.test(mode)) return mode;
  throw new RenderError(
    'render.logrotate.mode',
    property,
    `${shown(mode)} is not a mode`,
    'Write it as "0640"',
  );
}

function sizeOf(size: string | number, property: string): string {
  if (typeof size === 'number') return whole(size, property);
  if (/^[1-9][0-9]*[kMG]?$/.test(size)) return size;
  throw new RenderError(
    'render.logrotate.size',
    property,
    `${shown(size)} is not a size`,
    'Write bytes, or a number with k, M or G',
  );
}

function whole(value: number, property: string): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw new RenderError(
    'render.logrotate.number',
    property,
    `${value} is not a whole number of zero or more`,
    'Give one',
  );
}
