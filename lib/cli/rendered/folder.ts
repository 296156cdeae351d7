import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CitadelError } from '../../manifest/index.js';
import type { RenderedFiles } from './host-files.js';

/** One file of the folder that is not what it should be. */
export interface StaleFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly state: 'missing' | 'different' | 'left over';
}

/**
 * Where a folder differs from what it should hold.
 *
 * @param scope what of the folder is looked at: `ai-node`, or everything
 */
export function staleFiles(folder: string, wanted: RenderedFiles, scope: readonly string[] | 'all'): StaleFile[] {
  const present = filesBelow(folder, scope);
  const stale: StaleFile[] = [];
  for (const [path, text] of wanted) {
    if (!present.has(path)) stale.push({ path, state: 'missing' });
    else if (readFileSync(join(folder, path), 'utf8') !== text) stale.push({ path, state: 'different' });
  }
  for (const path of present) if (!wanted.has(path)) stale.push({ path, state: 'left over' });
  return stale.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Makes the folder hold what it should: writes what differs, removes what is left over; touches nothing else. */
export function writeFolder(folder: string, wanted: RenderedFiles, stale: readonly StaleFile[]): void {
  // First what goes: a folder may become a file, and a file a folder.
  for (const { path, state } of stale) {
    if (state !== 'left over') continue;
    rmSync(join(folder, path));
    removeEmptyParents(folder, path);
  }
  for (const { path, state } of stale) {
    if (state !== 'left over') writeFile(folder, path, wanted.get(path) ?? '');
  }
}

function writeFile(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  const draft = `${file}.${process.pid}.new`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(draft, text);
  renameSync(draft, file);
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

/** Regular files below a folder, relative to it. A link could lead out of the folder, so there may be none. */
function filesBelow(folder: string, scope: readonly string[] | 'all'): Set<string> {
  const found = new Set<string>();
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (relative === '' && scope !== 'all' && !scope.includes(entry.name)) continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.add(path);
      else throw notOurs(join(folder, path));
    }
  };
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return found;
  if (!stat.isDirectory()) throw notOurs(folder);
  walk('');
  return found;
}

function notOurs(path: string): CitadelError {
  return new CitadelError({
    code: 'cli.rendered.not-a-file',
    path,
    got: 'is neither a file nor a folder, and a rendering has nothing else',
    fix: 'Remove it, or render to another folder with --out',
  });
}
