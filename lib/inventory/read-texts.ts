import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { CitadelError, type Problem } from '../manifest/index.js';
import { order } from '../text/order.js';
import { errorMessage } from '../text/error-message.js';
import { suggest } from '../text/suggest.js';
import { DEFAULT_INVENTORY } from './inventory.js';
import type { InventoryText } from './parse.js';

/** The file of a folder that is for all hosts. */
const FOR_ALL = 'all.yaml';
/** What commands wrote for roles lies next to it. */
const LOCK_FILE = '.lock.yaml';
/** Folders of files of single hosts and groups, and what their files are about. */
const PARTS = { hosts: 'host', groups: 'group' } as const;

/** The files of an inventory, as they were read. */
export interface InventoryTexts {
  /** Absolute folder that the names of {@link texts} start from. */
  readonly folder: string;
  /** The file for all first. */
  readonly texts: readonly InventoryText[];
}

/**
 * Reads an inventory: a file, or a folder with `all.yaml`, `hosts/NAME.yaml` and `groups/NAME.yaml`.
 *
 * @param path absolute
 * @param instead what files say, by absolute path: taken in place of what lies there, to see what would come of it
 * @throws CitadelError with every file that cannot be read, or that has no place in such a folder
 */
export function readInventoryTexts(
  path: string,
  cwd: string,
  instead: ReadonlyMap<string, string> = new Map(),
): InventoryTexts {
  const read = (file: string): string =>
    instead.get(file) ??
    readText(
      file,
      displayPath(file, cwd),
      `Give a file or folder with --inventory or CITADEL_INVENTORY (default: ${DEFAULT_INVENTORY}).`,
    );
  if (instead.has(path) || !isFolder(path)) {
    return { folder: dirname(path), texts: [{ name: basename(path), text: read(path) }] };
  }
  const names = filesOf(path, displayPath(path, cwd));
  const all = { name: FOR_ALL, text: read(join(path, FOR_ALL)) };
  const others = names.map(({ name, of }) => ({ name, of, text: read(join(path, name)) }));
  return { folder: path, texts: [all, ...others] };
}

/** Whether an inventory is a folder of files. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // Reading it says why.
    return false;
  }
}

/** Files of single hosts and groups, sorted. What looks as if it were one and is not read would be missed in silence. */
function filesOf(path: string, shown: string): Required<Omit<InventoryText, 'text'>>[] {
  const problems: Problem[] = [];
  const refuse = (name: string, got: string, fix: string): void => {
    problems.push({ code: 'inventory.folder', path: join(shown, name), got, fix });
  };
  const entries = entriesOf(path, shown);
  if (!entries.includes(FOR_ALL)) {
    refuse(
      '',
      `is a folder without ${FOR_ALL}`,
      `Name a file, or put what is not of one host into ${FOR_ALL}.`,
    );
  }
  for (const name of entries) {
    if (isFolder(join(path, name))) {
      const near = suggest(name, Object.keys(PARTS));
      if (near !== undefined && near !== name) refuse(name, 'is read by nothing', `Rename it: ${near}.`);
    } else if (isYaml(name) && name !== FOR_ALL && !name.endsWith(LOCK_FILE)) {
      refuse(
        name,
        'is read by nothing',
        `Move it into hosts or groups, or put what it says into ${FOR_ALL}.`,
      );
    }
  }
  const files = Object.entries(PARTS).flatMap(([part, kind]) =>
    (entries.includes(part) ? entriesOf(join(path, part), join(shown, part)) : []).flatMap((entry) => {
      const name = join(part, entry);
      if (isFolder(join(path, name))) refuse(name, 'is a folder', `Move its files into ${part} itself.`);
      else if (entry.endsWith('.yaml'))
        return [{ name, of: { kind, name: entry.slice(0, -'.yaml'.length) } }];
      else if (isYaml(entry)) refuse(name, 'is read by nothing', 'Let its name end in .yaml.');
      return [];
    }),
  );
  if (problems.length > 0) throw new CitadelError(problems);
  return files;
}

function entriesOf(folder: string, shown: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort(order);
  } catch (error) {
    throw unreadable(shown, error, 'Make it a folder that you can read.');
  }
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/** Inventories are a few KiB; more than this is another file by mistake. */
const MAX_BYTES = 4 * 1024 * 1024;

/** @throws CitadelError when the file cannot be read, or is no text */
export function readText(file: string, shown: string, fix: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw unreadable(shown, error, fix);
  }
  if (bytes.length > MAX_BYTES) {
    throw new CitadelError({ code: 'inventory.file', path: shown, got: 'is larger than 4 MiB', fix });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CitadelError(
      { code: 'inventory.file', path: shown, got: 'is not UTF-8 text', fix: 'Save it as UTF-8.' },
      { cause: error },
    );
  }
}

function unreadable(shown: string, error: unknown, fix: string): CitadelError {
  return new CitadelError(
    { code: 'inventory.file', path: shown, got: `cannot be read: ${reason(error)}`, fix },
    { cause: error },
  );
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of the path is not a directory',
  };
  return known[code] ?? errorMessage(error);
}

/** A path as messages have it: relative where it lies below the working directory. */
export function displayPath(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
}

/** The nearest folder from `from` upwards that is a project's. */
export function findProject(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'cdktf.json')) || existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return from;
  }
}
