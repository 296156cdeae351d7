import { lstatSync, readdirSync, readFileSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { CitadelError } from '../../manifest/index.js';
import { isSummary, type RenderedFiles } from './host-files.js';

/** What stands in a folder. All paths are relative to it. */
export interface Present {
  /** Regular files that `render` wrote, or that are as it would write them: it may replace and remove them. */
  readonly files: ReadonlySet<string>;
  /** Files, and folders with a `/` at the end, that it did not write: it must not touch them. */
  readonly foreign: readonly string[];
}

/** What may stand at the top of a rendering and is nobody's business: it is never a host. */
const LEFT_ALONE = /^\.|^README\.md$/;

/**
 * What stands in a folder, by whose it is. A rendering owns `<host>.yaml` where it begins as `render` begins it, and then
 * everything in `<host>/`; so hosts that are gone are known as well, and a folder of something else is not taken for one.
 *
 * @param scope what of the folder is looked at: `ai-node`, or everything
 * @throws CitadelError when the folder is none, or a host's folder has something else than files and folders
 */
export function presentIn(folder: string, wanted: RenderedFiles, scope: readonly string[] | 'all'): Present {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return { files: new Set(), foreign: [] };
  if (!stat.isDirectory()) throw notAFolder(folder);
  const entries = readdirSync(folder, { withFileTypes: true }).filter(
    ({ name }) => !LEFT_ALONE.test(name) && (scope === 'all' || scope.includes(name)),
  );
  const files = new Set(entries.filter((entry) => isOwnSummary(folder, entry)).map(({ name }) => name));
  const foreign: string[] = [];
  const hosts = new Set([...wanted.keys()].map(hostIn));
  for (const entry of entries) {
    const { name } = entry;
    if (files.has(name)) continue;
    const owned = files.has(`${name}.yaml`);
    if (!hosts.has(name) && !owned) {
      foreign.push(entry.isDirectory() ? `${name}/` : name);
    } else if (entry.isFile()) {
      foreign.push(name);
    } else {
      if (!entry.isDirectory()) throw notAFile(join(folder, name));
      // Without its summary a folder is someone's, but for what is already as it should be.
      for (const path of filesBelow(folder, name)) {
        if (owned || wanted.get(path) === readFileSync(join(folder, path), 'utf8')) files.add(path);
        else foreign.push(path);
      }
    }
  }
  return { files, foreign };
}

/** A summary, or the draft of one that an interrupted run left. */
function isOwnSummary(folder: string, entry: Dirent): boolean {
  const host = /^(.+?)\.yaml(\.\d+\.new)?$/.exec(entry.name)?.[1];
  return (
    host !== undefined && entry.isFile() && isSummary(host, readFileSync(join(folder, entry.name), 'utf8'))
  );
}

function hostIn(path: string): string {
  return path.replace(/\.yaml$|\/.*$/s, '');
}

/** Regular files below a folder of a rendering. A link could lead out of it, so there may be none. */
function filesBelow(folder: string, relative: string): string[] {
  return readdirSync(join(folder, relative), { withFileTypes: true }).flatMap((entry) => {
    const path = `${relative}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(folder, path);
    if (entry.isFile()) return [path];
    throw notAFile(join(folder, path));
  });
}

function notAFile(path: string): CitadelError {
  return new CitadelError({
    code: 'cli.rendered.not-a-file',
    path,
    got: 'is neither a file nor a folder, and a rendering has nothing else',
    fix: 'Remove it, or render to another folder with --out',
  });
}

function notAFolder(path: string): CitadelError {
  return new CitadelError({
    code: 'cli.rendered.not-a-folder',
    path,
    got: 'is not a folder',
    fix: 'Give another one with --out',
  });
}
