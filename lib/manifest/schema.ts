import { z } from 'zod';
import { AUTHORIZED_KEY, isWholeKey } from './authorized-key.js';

/**
 * The host manifest, version 1: everything one host should be, as data.
 *
 * Each section maps a natural key (package name, absolute path, unit name) to a value. Sections are
 * omitted when empty. Cross-section rules (two sections claiming one path, unknown owners) are in
 * `validate.ts`; what is here is the shape of each value on its own.
 */

/** `user_name(5)` of Debian's adduser, with the leading underscore that system accounts use. */
const accountName = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_-]{0,30}\$?$/,
    'is not an account name: 1 to 31 of a-z, 0-9, "_" and "-", not starting with a digit or "-"',
  );

/** An account that something else makes: Debian's own packages have `Debian-exim`, and people `john.doe`. */
const namedAccount = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?$/,
    'is not an account name: 1 to 31 of A-Z, a-z, 0-9, "_", "-" and ".", not starting with a digit, "-" or "."',
  );

function isDay(text: string): boolean {
  if (!/^(?:19[7-9]|20\d)\d-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) && text > LOCKED_SINCE;
}

/** An account that is to be absent is one that was of no use since this day. */
export const LOCKED_SINCE = '1970-01-02';

/** Debian policy 5.6.1: lower case letters, digits, `+`, `-`, `.`; at least two characters; an optional `:arch`. */
const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?$/, 'is not a Debian package name');

const octalMode = z.string().regex(/^[0-7]{4}$/, 'is not four octal digits in quotes, such as "0644"');

const seconds = z.number().positive().max(86_400).describe('seconds, more than 0 and at most 86400');

/** systemd.unit(5): at most 255 characters of this set and one of these suffixes. */
export const UNIT_NAME =
  /^[A-Za-z0-9:_.\\@-]{1,244}\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;
const unitName = z.string().regex(UNIT_NAME, 'is not a systemd unit name such as "prometheus.service"');

// eslint-disable-next-line no-control-regex -- the rule is about control characters
const NO_CONTROL = /^[^\u0000-\u001f\u007f]*$/;
const plainText = z
  .string()
  .regex(NO_CONTROL, 'has a control character')
  .refine((value) => value.isWellFormed(), 'is not well-formed Unicode');

/** Absolute, normal, no `.`, `..`, empty component, trailing slash or control character; at most 4095 bytes. */
export const absolutePath = z.string().superRefine((path, context) => {
  const problem = pathProblem(path);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** Why `path` cannot be a key of the manifest, or `undefined` when it can. */
export function pathProblem(path: string): string | undefined {
  if (!NO_CONTROL.test(path)) return 'has a control character';
  if (!path.startsWith('/')) return 'is not absolute';
  if (path === '/') return 'is the root directory';
  if (Buffer.byteLength(path) > 4095) return 'is longer than 4095 bytes';
  const parts = path.slice(1).split('/');
  if (parts.includes('..')) return 'contains ".."';
  if (parts.includes('.') || parts.includes('')) return 'is not normal (no ".", no "//", no "/" at the end)';
  if (parts.some((part) => Buffer.byteLength(part) > 240)) return 'has a component longer than 240 bytes';
  if (!path.isWellFormed()) return 'is not well-formed Unicode';
  return undefined;
}

/** A path that becomes a field of passwd(5). */
const accountPath = absolutePath.refine(
  (path) => !path.includes(':'),
  'contains ":", which separates the fields of passwd(5)',
);

/** Kept as it is written: `URL` itself takes line ends and tabs out and quotes spaces without a word. */
const httpUrl = plainText.refine(
  (value) => /^https?:\/\/\S+$/.test(value) && URL.canParse(value),
  'is not an http:// or https:// address',
);

const text = z.string().refine((value) => value.isWellFormed(), 'is not well-formed Unicode');

/** A reference to a secret by name; its value is resolved on the operator's side and never stands in a manifest. */
export const secretName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'is not a secret name: a-z, 0-9 and "_", starting with a letter');

const ownership = { owner: namedAccount, group: namedAccount, mode: octalMode };

export const packageSchema = z
  .strictObject({
    version: z
      .string()
      .regex(/^[A-Za-z0-9.+:~-]+$/, 'is not a Debian version')
      .optional(),
    /** Absolute path, on the host, of a `.deb` to install instead of asking the host's package sources. */
    source: absolutePath.optional(),
    /** The package is not to be there: whatever else comes, apt may remove it. Without `version` and `source`. */
    state: z.literal('absent').optional(),
    /** No one else changes it: apt-mark(8) holds it, and lets it go for this configuration's own changes. */
    hold: z.literal(true).optional(),
  })
  .refine(
    (one) => one.state === undefined || (one.version ?? one.source ?? one.hold) === undefined,
    'is to be absent, and names a version, a source or a hold',
  );

export const groupSchema = z.strictObject({
  gid: z.number().int().min(1).max(4_294_967_293).optional(),
  system: z.boolean(),
});

export const userSchema = z.strictObject({
  uid: z.number().int().min(1).max(4_294_967_293).optional(),
  /** Primary group; absent means a group of the user's own name. */
  group: namedAccount.optional(),
  home: accountPath,
  shell: accountPath,
  /** Supplementary groups. One that an earlier generation gave and this one does not name is taken away; others are left alone. */
  groups: z.array(namedAccount),
  system: z.boolean(),
  /** The first day (UTC) on which it cannot be used, by key or password. */
  expires: z
    .string()
    .refine(isDay, 'is not a day such as 2027-01-31, after 1970-01-02 and before 2100')
    .optional(),
  /** Lines of `~/.ssh/authorized_keys`. When present, the file holds these lines and no others. */
  authorizedKeys: z
    .array(
      plainText
        .regex(
          AUTHORIZED_KEY,
          'is not a line of authorized_keys: "[options] type base64 [comment]", as a .pub file has it',
        )
        .refine(
          isWholeKey,
          'is a key that is cut off, or not of the type that it says: give the .pub file as it is',
        ),
    )
    .optional(),
});

export const directorySchema = z.strictObject(ownership);

/** Validators run on the host against the whole staged tree, before anything is replaced. */
export const VALIDATORS = [
  'alertmanager-config',
  'cron',
  'fstab',
  'json',
  'logrotate',
  'nftables',
  'prometheus-config',
  'prometheus-rules',
  'sshd-config',
  'sudoers',
  'systemd-unit',
  'sysctl',
] as const;
export type Validator = (typeof VALIDATORS)[number];

/**
 * A program of the host that reads the file: an argument vector, run without a shell as root in the tree as it will be;
 * exit status 0 is right. `%s` in an argument is the file's path. Without one, the program finds the file by itself.
 */
const commandValidator = z.strictObject({
  command: z
    .array(plainText.min(1))
    .min(1)
    .refine((command) => /^[A-Za-z0-9_/][A-Za-z0-9_./+-]*$/.test(command[0] ?? ''), {
      message: 'names no program: a name, or an absolute path',
    }),
});
export type FileValidator = Validator | z.infer<typeof commandValidator>;

export const fileSchema = z
  .strictObject({
    /** UTF-8 text; `@@secret:name@@` inside a line stands for a secret's value. */
    content: text.optional(),
    /** Bytes that are no text, in base64. */
    bytes: z.base64().optional(),
    /** The whole file is this secret's value. */
    secret: secretName.optional(),
    ...ownership,
    /** Absent: by the path, where one is known (validator-of.ts). */
    validate: z.union([z.enum(VALIDATORS), commandValidator]).optional(),
  })
  .refine(
    ({ content, bytes, secret }) => [content, bytes, secret].filter((one) => one !== undefined).length === 1,
    'needs exactly one of "content", "bytes" and "secret"',
  );

export const blockSchema = z
  .record(
    z.string().regex(/^[A-Za-z0-9/]([A-Za-z0-9 ._:/@-]{0,126}[A-Za-z0-9._:/@-])?$/, 'is not a block name'),
    text.refine(
      (value) => !/^# (BEGIN|END) citadel-iac /m.test(value),
      'contains one of our own marker lines',
    ),
  )
  .refine((blocks) => Object.keys(blocks).length > 0, 'names no block');

export const symlinkSchema = z.strictObject({
  target: plainText.min(1).refine((value) => Buffer.byteLength(value) <= 4095, 'is longer than 4095 bytes'),
});

/** A path at which nothing is to stand: no file and no link, or no directory, which only goes while it is empty. */
export const absentPathSchema = z.strictObject({ kind: z.enum(['file', 'directory']) });

export const mountSchema = z.strictObject({
  /** What fstab(5) calls fs_spec: a device path, `LABEL=…`, `UUID=…`, or a name such as `tmpfs`. */
  source: plainText.min(1).regex(/^\S(.*\S)?$/, 'begins or ends with white space'),
  type: z.string().regex(/^[a-z0-9._-]+$/, 'is not a file system type'),
  options: z.array(plainText.regex(/^[^\s,]+$/, 'is not one mount option')).min(1),
  state: z.enum(['mounted', 'present']),
});

export const unitSchema = z.strictObject({
  /** Whether the unit starts at boot; `null` for units without an [Install] section or not ours to enable. */
  enabled: z.boolean().nullable(),
  state: z.enum(['running', 'stopped', 'any']),
  /** Paths of this manifest (files, blocks, symlinks) whose change needs a restart. */
  restartOn: z.array(absolutePath),
  /** Paths whose change needs no more than a reload. */
  reloadOn: z.array(absolutePath),
  /** Units of wave 0 are started and checked before those of wave 1, and so on. */
  wave: z.number().int().min(0).max(99),
  /**
   * What the paths of `restartOn` and, of an instance, its template's files need: `reload` where that is enough, `nothing`
   * where the unit takes them up by itself. Absent: `nothing` for targets and slices, `restart` for all others.
   */
  onChange: z.enum(['restart', 'reload', 'nothing']).optional(),
  /**
   * Seconds after the last health check during which it may neither fail nor be restarted by systemd. Absent: as the
   * operator's target says. 0: not looked at.
   */
  settleSec: z.number().min(0).max(3600).optional(),
});

const checkBase = { timeoutSec: seconds, wave: z.number().int().min(0).max(99) };

export const checkSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('unit'), unit: unitName, ...checkBase }),
  z.strictObject({
    kind: z.literal('http'),
    url: httpUrl,
    /** Expected HTTP status. */
    status: z.number().int().min(100).max(599),
    ...checkBase,
  }),
  z.strictObject({
    kind: z.literal('tcp'),
    host: plainText.min(1),
    port: z.number().int().min(1).max(65_535),
    ...checkBase,
  }),
  /** An argument vector, run without a shell; exit status 0 is healthy. */
  z.strictObject({ kind: z.literal('command'), command: z.array(plainText.min(1)).min(1), ...checkBase }),
]);

/** The releases that documents are made for, as `ID-VERSION_ID` of os-release(5). */
export const osSchema = z.enum(['debian-12', 'debian-13']);

export const manifestSchema = z.strictObject({
  version: z.literal(1),
  host: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is not a host name'),
  /** The release that it is made for; a host that has another one is refused before anything is planned. */
  os: osSchema.optional(),
  packages: z.record(packageName, packageSchema).optional(),
  groups: z.record(accountName, groupSchema).optional(),
  users: z.record(accountName, userSchema).optional(),
  /** Accounts that no one is to use: locked and expired. Their numbers, homes and passwords stay. */
  absentUsers: z.record(namedAccount, z.strictObject({})).optional(),
  directories: z.record(absolutePath, directorySchema).optional(),
  files: z.record(absolutePath, fileSchema).optional(),
  blocks: z.record(absolutePath, blockSchema).optional(),
  symlinks: z.record(absolutePath, symlinkSchema).optional(),
  absentPaths: z.record(absolutePath, absentPathSchema).optional(),
  mounts: z.record(absolutePath, mountSchema).optional(),
  units: z.record(unitName, unitSchema).optional(),
  checks: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'is not a check name'), checkSchema)
    .optional(),
  /** Accounts that something else creates (a package's install script, a person): owners may be among them. */
  assumedAccounts: z
    .strictObject({ users: z.array(namedAccount).optional(), groups: z.array(namedAccount).optional() })
    .optional(),
  /** `section/key` → construct path, for messages only; not part of the digest. */
  origins: z.record(z.string(), z.string()).optional(),
});

export type HostManifest = z.infer<typeof manifestSchema>;
export type ManifestPackage = z.infer<typeof packageSchema>;
export type ManifestGroup = z.infer<typeof groupSchema>;
export type ManifestUser = z.infer<typeof userSchema>;
export type ManifestDirectory = z.infer<typeof directorySchema>;
export type ManifestFile = z.infer<typeof fileSchema>;
export type ManifestBlocks = z.infer<typeof blockSchema>;
export type ManifestSymlink = z.infer<typeof symlinkSchema>;
export type ManifestAbsentPath = z.infer<typeof absentPathSchema>;
export type ManifestMount = z.infer<typeof mountSchema>;
export type ManifestUnit = z.infer<typeof unitSchema>;
export type ManifestCheck = z.infer<typeof checkSchema>;

/** The sections in the order in which they are shown and applied. */
export const SECTIONS = [
  'packages',
  'groups',
  'users',
  'directories',
  'files',
  'blocks',
  'symlinks',
  'mounts',
  'units',
  'checks',
] as const;
export type Section = (typeof SECTIONS)[number];

/** Parts of a document whose items have keys. What is to be absent shows among `files`, `directories` and `users` where it is found. */
export type DocumentPart = Section | 'absentPaths' | 'absentUsers';
export const DOCUMENT_PARTS: readonly DocumentPart[] = [...SECTIONS, 'absentPaths', 'absentUsers'];
