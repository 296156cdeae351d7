import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { CitadelError, type Problem } from '../manifest/index.js';
import { byKey } from '../text/order.js';
import { checkRuleFile } from './check-rule-file.js';
import { DEFAULT_INVENTORY, type Inventory } from './inventory.js';
import { mergeTargets } from './merge-targets.js';
import { parseInventoryFiles, parseTargetsFile } from './parse.js';
import { type Files, placeOf } from './place-of.js';
import type { Source } from './raw.js';
import { displayPath, findProject, readInventoryTexts, readText } from './read-texts.js';
import type { InventoryRole } from './role.js';
import type { InventoryDocument } from './schema/inventory.js';
import type { Written } from './written.js';

export interface LoadEnvironment {
  /** Inventory file or folder, when the caller names none. */
  readonly CITADEL_INVENTORY?: string | undefined;
  /** Targets file, instead of the inventory's own `targetsFile`; empty: none at all. */
  readonly CITADEL_TARGETS?: string | undefined;
  /** The lab that `.citadel/lab.json` stands for, where it is not the one with the usual name. */
  readonly CITADEL_LAB_NAME?: string | undefined;
}

/** The targets file that the lab writes; one of another name writes `.citadel/lab-NAME.json`. */
const LAB_TARGETS = '.citadel/lab.json';
const USUAL_LAB = 'citadel';

/** An inventory, and where its values are written. */
export interface LoadedInventory {
  readonly inventory: Inventory;
  /** As its own files say it. */
  readonly written: Written;
  /** Absolute folder that names of files in {@link written} start from. */
  readonly folder: string;
  /** The targets file, where there is one. */
  readonly targets?: Pick<Source, 'value' | 'locate'>;
}

/**
 * Reads an inventory and the targets file that it names.
 *
 * @param roles whose keys may stand in it
 * @param path the file or folder; absent: `CITADEL_INVENTORY`, then {@link DEFAULT_INVENTORY}
 * @param cwd folder that relative paths start from
 * @param instead what files would say, by absolute path: read in their place, to see what would come of it
 * @throws CitadelError with every problem of the files, and nothing else
 */
export function loadInventory(
  roles: readonly InventoryRole[],
  path: string | undefined,
  env: LoadEnvironment,
  cwd: string = process.cwd(),
  instead?: ReadonlyMap<string, string>,
): Inventory {
  return loadWritten(roles, path, env, cwd, instead).inventory;
}

/** The same as {@link loadInventory}, with where each value is written. */
export function loadWritten(
  roles: readonly InventoryRole[],
  path: string | undefined,
  env: LoadEnvironment,
  cwd: string,
  instead?: ReadonlyMap<string, string>,
): LoadedInventory {
  const file = inventoryFile(path, env, cwd);
  const shown = displayPath(file, cwd);
  const { folder, texts } = readInventoryTexts(file, cwd, instead);
  const { document, written } = parseInventoryFiles(roles, texts);
  const projectDir = findProject(folder);
  const hosts = Object.fromEntries(
    Object.entries(document.hosts).map(([name, host]) => [
      name,
      host.root === undefined ? host : { ...host, root: resolve(projectDir, host.root) },
    ]),
  );
  const inventory = {
    ...document,
    hosts,
    texts: readTexts(roles, document, { project: projectDir, inventory: folder }, cwd),
  };
  const named = env.CITADEL_TARGETS ?? ofNamedLab(document.targetsFile, env.CITADEL_LAB_NAME);
  if (named === undefined || named === '') {
    const locate = locator({ written });
    return { inventory: { ...inventory, source: { file: shown, projectDir, locate } }, written, folder };
  }
  const targetsPath = resolve(env.CITADEL_TARGETS === undefined ? projectDir : cwd, named);
  const targetsFile = { path: displayPath(targetsPath, cwd), found: existsSync(targetsPath) };
  const source = { file: shown, projectDir, targetsFile };
  if (!targetsFile.found) {
    const locate = locator({ written });
    return { inventory: { ...inventory, source: { ...source, locate } }, written, folder };
  }
  const text = readText(
    targetsPath,
    targetsFile.path,
    'Make the targets file readable, or take "targetsFile" out.',
  );
  const { targets, source: targetsSource } = parseTargetsFile(text, basename(targetsPath));
  const merged = mergeTargets(inventory, targets, (to) => resolve(dirname(targetsPath), to));
  const locate = locator({ written, targets: targetsSource });
  return {
    inventory: { ...inventory, ...merged, source: { ...source, locate } },
    written,
    folder,
    targets: targetsSource,
  };
}

function locator(from: Files): (keys: readonly string[]) => string | undefined {
  return (keys) => placeOf(from, keys);
}

/** Absolute path of the file or folder that {@link loadInventory} reads. */
export function inventoryFile(path: string | undefined, env: LoadEnvironment, cwd: string): string {
  return resolve(cwd, firstOf(path, env.CITADEL_INVENTORY) ?? DEFAULT_INVENTORY);
}

/** @throws CitadelError with every file that cannot be read */
function readTexts(
  roles: readonly InventoryRole[],
  document: InventoryDocument,
  folders: Readonly<Record<'project' | 'inventory', string>>,
  cwd: string,
): Record<string, string> {
  const names = Object.values(document.hosts).flatMap((host) =>
    roles.flatMap(({ files }) => files?.(host) ?? []),
  );
  const problems: Problem[] = [];
  const byName = new Map(names.map((named) => [named.name, named]));
  const texts = [...byName]
    .sort(byKey)
    .flatMap(([name, { fix, check, beside, optional }]): [string, string][] => {
      const file = resolve(folders[beside ?? 'project'], name);
      if (optional === true && !existsSync(file)) return [];
      const shown = displayPath(file, cwd);
      try {
        const text = readText(file, shown, fix);
        if (check !== undefined) problems.push(...checkRuleFile(file, shown));
        return [[name, text]];
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

function ofNamedLab(targetsFile: string | undefined, lab: string | undefined): string | undefined {
  if (lab === undefined || lab === '' || lab === USUAL_LAB) return targetsFile;
  return targetsFile === LAB_TARGETS ? `.citadel/lab-${lab}.json` : targetsFile;
}
