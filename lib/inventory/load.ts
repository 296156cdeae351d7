import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { CitadelError, type Problem } from '../manifest/index.js';
import { byKey } from '../text/order.js';
import { errorMessage } from '../text/error-message.js';
import { DEFAULT_INVENTORY, type Inventory } from './inventory.js';
import { mergeTargets } from './merge-targets.js';
import { parseInventory, parseTargets } from './parse.js';
import type { InventoryRole } from './role.js';
import type { InventoryDocument } from './schema/inventory.js';

export interface LoadEnvironment {
  /** Inventory file, when the caller names none. */
  readonly CITADEL_INVENTORY?: string | undefined;
  /** Targets file, instead of the inventory's own `targetsFile`; empty: none at all. */
  readonly CITADEL_TARGETS?: string | undefined;
  /** The lab that `.citadel/lab.json` stands for, where it is not the one with the usual name. */
  readonly CITADEL_LAB_NAME?: string | undefined;
}

/** The targets file that the lab writes; one of another name writes `.citadel/lab-NAME.json`. */
const LAB_TARGETS = '.citadel/lab.json';
const USUAL_LAB = 'citadel';

/**
 * Reads an inventory and the targets file that it names.
 *
 * @param roles whose keys may stand in it
 * @param path the file; absent: `CITADEL_INVENTORY`, then {@link DEFAULT_INVENTORY}
 * @param cwd folder that relative paths start from
 * @param instead what the file would say: read in its place, to see what would come of it
 * @throws CitadelError with every problem of the files, and nothing else
 */
export function loadInventory(
  roles: readonly InventoryRole[],
  path: string | undefined,
  env: LoadEnvironment,
  cwd: string = process.cwd(),
  instead?: string,
): Inventory {
  const file = inventoryFile(path, env, cwd);
  const shown = displayPath(file, cwd);
  const document = parseInventory(roles, instead ?? readInventoryText(file, cwd), basename(file));
  const projectDir = findProject(dirname(file));
  const hosts = Object.fromEntries(
    Object.entries(document.hosts).map(([name, host]) => [
      name,
      host.root === undefined ? host : { ...host, root: resolve(projectDir, host.root) },
    ]),
  );
  const inventory = { ...document, hosts, texts: readTexts(roles, document, projectDir, cwd) };
  const named = env.CITADEL_TARGETS ?? ofNamedLab(document.targetsFile, env.CITADEL_LAB_NAME);
  if (named === undefined || named === '') return { ...inventory, source: { file: shown, projectDir } };

  const targetsPath = resolve(env.CITADEL_TARGETS === undefined ? projectDir : cwd, named);
  const targetsFile = { path: displayPath(targetsPath, cwd), found: existsSync(targetsPath) };
  const source = { file: shown, projectDir, targetsFile };
  if (!targetsFile.found) return { ...inventory, source };
  const text = readText(
    targetsPath,
    targetsFile.path,
    'Make the targets file readable, or take "targetsFile" out.',
  );
  const targets = parseTargets(text, basename(targetsPath));
  return {
    ...inventory,
    ...mergeTargets(inventory, targets, (to) => resolve(dirname(targetsPath), to)),
    source,
  };
}

/** Absolute path of the file that {@link loadInventory} reads. */
export function inventoryFile(path: string | undefined, env: LoadEnvironment, cwd: string): string {
  return resolve(cwd, firstOf(path, env.CITADEL_INVENTORY) ?? DEFAULT_INVENTORY);
}

/** @throws CitadelError when the file cannot be read, or is no text */
export function readInventoryText(file: string, cwd: string): string {
  return readText(
    file,
    displayPath(file, cwd),
    `Give a file with --inventory or CITADEL_INVENTORY (default: ${DEFAULT_INVENTORY}).`,
  );
}

/** @throws CitadelError with every file that cannot be read */
function readTexts(
  roles: readonly InventoryRole[],
  document: InventoryDocument,
  projectDir: string,
  cwd: string,
): Record<string, string> {
  const names = Object.values(document.hosts).flatMap((host) =>
    roles.flatMap(({ files }) => files?.(host) ?? []),
  );
  const problems: Problem[] = [];
  const fixes = new Map(names.map(({ name, fix }) => [name, fix]));
  const texts = [...fixes].sort(byKey).flatMap(([name, fix]): [string, string][] => {
    const file = resolve(projectDir, name);
    try {
      return [[name, readText(file, displayPath(file, cwd), fix)]];
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new CitadelError(problems);
  return Object.fromEntries(texts);
}

function firstOf(...candidates: readonly (string | undefined)[]): string | undefined {
  return candidates.find((candidate) => candidate !== undefined && candidate !== '');
}

/** Inventories are a few KiB; more than this is another file by mistake. */
const MAX_BYTES = 4 * 1024 * 1024;

function readText(file: string, shown: string, fix: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new CitadelError(
      { code: 'inventory.file', path: shown, got: `cannot be read: ${reason(error)}`, fix },
      { cause: error },
    );
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

function displayPath(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
}

function findProject(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'cdktf.json')) || existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return from;
  }
}

function ofNamedLab(targetsFile: string | undefined, lab: string | undefined): string | undefined {
  if (lab === undefined || lab === '' || lab === USUAL_LAB) return targetsFile;
  return targetsFile === LAB_TARGETS ? `.citadel/lab-${lab}.json` : targetsFile;
}
