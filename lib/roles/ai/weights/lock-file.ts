import { stringify } from 'yaml';
import { z } from 'zod';
import type { WeightsInventory } from '../schema/weights.js';
import { CitadelError, type Problem } from '../../../manifest/index.js';
import { order } from '../../../text/order.js';
import { isPlainRelative } from './source.js';
import { readYaml } from '../../../inventory/index.js';

/** Next to the inventory, and committed with it. */
export const LOCK_FILE = 'models.lock.yaml';
/** How a person makes the file, or brings it up to date. */
export const LOCK_FIX = 'Run: citadel-iac models lock';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256: 64 hexadecimal digits');

const fileSchema = z.strictObject({ size: z.number().int().min(0), sha256: digest });

const lockedSchema = z.strictObject({
  from: z.string(),
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
  /** The commit that the revision meant when it was looked at. */
  revision: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'is not a commit')
    .optional(),
  files: z.record(z.string(), fileSchema).superRefine((files, context) => {
    for (const path of Object.keys(files).filter((each) => !isPlainRelative(each)))
      context.addIssue({
        code: 'custom',
        path: [path],
        message: 'is not a relative path inside of a folder',
      });
  }),
});

const lockSchema = z.strictObject({ version: z.literal(1), weights: z.array(lockedSchema) });

/** Size and digest of each file, by path. */
export type LockedFiles = Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
/** What one declaration of weights stood for when a person looked. */
export type LockedWeights = z.infer<typeof lockedSchema>;
/** The part of a declaration that says which bytes are meant: models that agree in it share an entry. */
export type Meant = Pick<WeightsInventory, 'from' | 'include' | 'exclude'>;

/**
 * The entries of a lock file.
 *
 * @param text `undefined`: there is no such file
 * @throws CitadelError where it is not one
 */
export function parseLock(text: string | undefined, file: string = LOCK_FILE): LockedWeights[] {
  if (text === undefined) return [];
  const source = readYaml(text, file);
  if (Array.isArray(source)) throw new CitadelError(source.map((problem) => ({ ...problem, fix: REMAKE })));
  const parsed = lockSchema.safeParse(source.value);
  if (parsed.success) return parsed.data.weights;
  throw new CitadelError(
    parsed.error.issues.map(({ path, message }): Problem => ({
      code: 'weights.lock-file',
      path: source.locate(path),
      got: message,
      fix: REMAKE,
    })),
  );
}

const REMAKE = 'Take the file back from git, or delete it and run: citadel-iac models lock';
const HEAD = '# Written by "citadel-iac models lock". Commit it: hosts fetch exactly these bytes.\n';

/** The text of a lock file: the same for the same entries, in whatever order they are given. */
export function lockText(entries: readonly LockedWeights[]): string {
  const weights = [...entries]
    .sort((a, b) => order(keyOf(a), keyOf(b)))
    .map(({ from, include, exclude, revision, files }) => ({
      from,
      ...(include.length === 0 ? {} : { include: [...include].sort(order) }),
      ...(exclude.length === 0 ? {} : { exclude: [...exclude].sort(order) }),
      ...(revision === undefined ? {} : { revision }),
      files: Object.fromEntries(
        Object.entries(files)
          .sort(([a], [b]) => order(a, b))
          .map(([path, { size, sha256 }]) => [path, { size, sha256 }]),
      ),
    }));
  return HEAD + stringify({ version: 1, weights }, { lineWidth: 0 });
}

/** The entry of a declaration; `undefined` where no one has looked at exactly that yet. */
export function lockedOf(entries: readonly LockedWeights[], meant: Meant): LockedWeights | undefined {
  const key = keyOf(meant);
  return entries.find((entry) => keyOf(entry) === key);
}

/** Equal for declarations that mean the same files. */
export function keyOf({ from, include = [], exclude = [] }: Meant): string {
  return JSON.stringify([from, [...include].sort(order), [...exclude].sort(order)]);
}
