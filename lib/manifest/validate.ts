import { CitadelError, sortProblems, type Problem } from './problem.js';
import { accountRules } from './rules/accounts.js';
import { itemProblem, member, originOf, type Rule, type RuleContext } from './rules/context.js';
import { ignoredFileRules } from './rules/ignored-files.js';
import { linkRules } from './rules/links.js';
import { logrotateRules } from './rules/logrotate.js';
import { mountRules } from './rules/mounts.js';
import { pathRules } from './rules/paths.js';
import { secretRules } from './rules/secrets.js';
import { unitRules } from './rules/units.js';
import { manifestSchema, DOCUMENT_PARTS, type HostManifest } from './schema.js';
import { brokenItems, lostNames, shapeProblems } from './shape.js';

const RULES: readonly Rule[] = [
  pathRules,
  linkRules,
  accountRules,
  unitRules,
  mountRules,
  secretRules,
  ignoredFileRules,
  logrotateRules,
];

/** A manifest that is right, or everything that is wrong with it, sorted. */
export type ManifestCheckResult =
  | { readonly manifest: HostManifest; readonly problems: readonly [] }
  | { readonly manifest?: never; readonly problems: readonly Problem[] };

/**
 * The manifest, once every rule holds: the shape of each value and the rules between sections.
 *
 * @throws CitadelError with all problems at once; each one's path is the construct that declared the item
 *   (the manifest's `origins`), or `manifest of <host>`.
 */
export function validateManifest(input: unknown): HostManifest {
  const result = checkManifest(input);
  if (result.manifest === undefined) throw new CitadelError(result.problems);
  return result.manifest;
}

/**
 * A document that was applied or rendered once: its shape alone. Rules say what may be asked for, and one that is newer
 * than the document must not keep a host from being read.
 *
 * @throws CitadelError with all problems of its shape
 */
export function recordedManifest(input: unknown): HostManifest {
  const shape = manifestSchema.safeParse(input);
  if (shape.success) return shape.data;
  throw new CitadelError(shapeProblems(input, shape.error.issues));
}

/** {@link validateManifest} for callers who gather problems instead of throwing at the first manifest. */
export function checkManifest(input: unknown): ManifestCheckResult {
  const shape = manifestSchema.safeParse(input);
  const issues = shape.success ? [] : shape.error.issues;
  const problems = [...shapeProblems(input, issues), ...lostNames(input)];
  const sound = shape.success ? shape.data : withoutBroken(input, brokenItems(issues));
  if (sound !== undefined) {
    const context = contextFor(input, sound, problems);
    for (const rule of RULES) rule(context);
  }
  if (shape.success && problems.length === 0) return { manifest: shape.data, problems: [] };
  return { problems: sortProblems(problems) };
}

function contextFor(input: unknown, manifest: HostManifest, problems: Problem[]): RuleContext {
  return {
    manifest,
    declares: (section, key) => member(member(input, section), key) !== undefined,
    keys: (section) => Object.keys(Object(member(input, section)) as object).sort(),
    origin: (section, key) => originOf(input, section, key),
    report: (section, key, problem) => problems.push(itemProblem(input, section, key, problem)),
  };
}

/** What is left of a document without the items that have shape problems, so that the other rules still run on the rest. */
function withoutBroken(
  input: unknown,
  broken: readonly [string, string | undefined][],
): HostManifest | undefined {
  const rest: Record<string, unknown> = { version: 1, host: 'unknown' };
  for (const section of [...DOCUMENT_PARTS, 'assumedAccounts']) {
    const items = member(input, section);
    if (items === undefined || broken.some(([name, key]) => name === section && key === undefined)) continue;
    rest[section] = Object.fromEntries(
      Object.entries(Object(items) as object).filter(
        ([key]) => !broken.some(([name, brokenKey]) => name === section && brokenKey === key),
      ),
    );
  }
  const parsed = manifestSchema.safeParse(rest);
  return parsed.success ? parsed.data : undefined;
}
