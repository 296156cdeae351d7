import { readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CitadelError } from '../../manifest/index.js';
import { makeFolder } from '../make-folder.js';
import { visible } from '../text/style.js';
import { by } from '../../text/order.js';
import { errorMessage } from '../../text/error-message.js';
import type { RenderedFiles } from './host-files.js';
import { presentIn } from './present.js';

/** One file of the folder that is not what it should be. */
export interface StaleFile {
  /** Relative to the folder; a folder, which can only be `foreign`, has a `/` at the end. */
  readonly path: string;
  /** `foreign` is what no rendering wrote: it is neither replaced nor removed. */
  readonly state: 'missing' | 'different' | 'left over' | 'foreign';
}

/** So many foreign files are named in a refusal. */
const NAMED = 5;

/**
 * Where a folder differs from what it should hold.
 *
 * @param scope what of the folder is looked at: `ai-node`, or everything
 */
export function staleFiles(
  folder: string,
  wanted: RenderedFiles,
  scope: readonly string[] | 'all',
): StaleFile[] {
  const { files, foreign } = presentIn(folder, wanted, scope);
  const stale: StaleFile[] = foreign.map((path) => ({ path, state: 'foreign' }));
  for (const [path, text] of wanted) {
    if (foreign.includes(path)) continue;
    if (!files.has(path)) stale.push({ path, state: 'missing' });
    else if (readFileSync(join(folder, path), 'utf8') !== text) stale.push({ path, state: 'different' });
  }
  for (const path of files) if (!wanted.has(path)) stale.push({ path, state: 'left over' });
  return stale.sort(by(({ path }) => path));
}

/**
 * Makes the folder hold what it should: writes what differs, removes what is left over; touches nothing else.
 *
 * @throws CitadelError before the first write when something in the folder is not from a rendering
 */
export function writeFolder(folder: string, wanted: RenderedFiles, stale: readonly StaleFile[]): void {
  const foreign = stale.filter(({ state }) => state === 'foreign').map(({ path }) => path);
  if (foreign.length > 0) throw notOurs(folder, foreign);
  // First what goes: a folder may become a file, and a file a folder. A host's summary goes last, since its folder is known by it.
  const gone = stale.filter(({ state }) => state === 'left over').map(({ path }) => path);
  for (const path of [...gone.filter(isBelow), ...gone.filter((path) => !isBelow(path))]) {
    rmSync(join(folder, path));
    removeEmptyParents(folder, path);
  }
  // And a summary comes first: sorted, "alpha.yaml" stands before "alpha/etc".
  for (const { path, state } of stale) {
    if (state !== 'left over') writeFile(folder, path, wanted.get(path) ?? '');
  }
}

function isBelow(path: string): boolean {
  return path.includes('/');
}

function writeFile(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  const draft = `${file}.${process.pid}.new`;
  try {
    makeFolder(dirname(file));
    writeFileSync(draft, text);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new CitadelError(
      {
        code: 'cli.rendered.write',
        path: file,
        got: `cannot be written: ${errorMessage(error)}`,
        fix: 'Give a folder that you may write to with --out',
      },
      { cause: error },
    );
  }
}

function removeEmptyParents(folder: string, path: string): void {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    try {
      rmdirSync(join(folder, parent));
    } catch {
      return; // not empty
    }
  }
}

function notOurs(folder: string, foreign: readonly string[]): CitadelError {
  const named = foreign.slice(0, NAMED).map(visible).join(', ');
  const more = foreign.length > NAMED ? ` and ${foreign.length - NAMED} more` : '';
  return new CitadelError({
    code: 'cli.rendered.foreign',
    path: folder,
    got: `holds what "citadel-iac render" did not write: ${named}${more}`,
    fix: 'Nothing was written. Give an empty folder, or one that render made, with --out; or move these elsewhere',
  });
}
