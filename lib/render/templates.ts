import { AsyncLocalStorage } from 'node:async_hooks';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { asset } from '../text/assets.js';
import { RenderError } from './error.js';
import type { Template } from './template.js';

/** The project's `templates/`: files as they will stand on the hosts, mirrored by path. */
export const TEMPLATES = asset('templates');

/** Texts that stand in the place of files of `templates/` while someone tries what they would make. */
const proposed = new AsyncLocalStorage<ReadonlyMap<string, string>>();

/** Runs `work`, and all that it waits for, as if these templates had these texts already. Nothing is written. */
export function withTemplates<T>(texts: ReadonlyMap<string, string>, work: () => T): T {
  return proposed.run(texts, work);
}

/**
 * Reads one file of `templates/` (`ai-node/opt/citadel/scripts/wait-for-health`, or with `.ejs` one that has values in it).
 *
 * @throws RenderError when there is no such file
 */
export function loadTemplate(name: string, directory = TEMPLATES): Template {
  if (name.split('/').some((part) => part === '..' || part === '' || part === '.')) {
    throw new RenderError(
      'render.template.name',
      name,
      'the name is not a path below templates/',
      'Correct the name',
    );
  }
  const proposal = directory === TEMPLATES ? proposed.getStore()?.get(name) : undefined;
  if (proposal !== undefined) return { name, text: proposal };
  try {
    return { name, text: readFileSync(join(directory, name), 'utf8') };
  } catch (cause) {
    throw new RenderError(
      'render.template.missing',
      name,
      'there is no such template',
      'Add it, or correct the name',
      { cause },
    );
  }
}

/** What tools leave next to sources. */
const LEFTOVERS = /(^|\/)(__pycache__|\.[a-z]+_cache)(\/|$)|\.(pyc|orig|swp)$|~$/;

/**
 * The files below a folder of `templates/`, as paths below that folder, sorted: `opt/citadel/scripts/backup_models.py`.
 * Templates with values in them (`.ejs`) are left out: they are filled by who knows the values.
 *
 * @throws RenderError when there is no such folder
 */
export function listTemplates(folder: string, directory = TEMPLATES): string[] {
  return allTemplates(folder, directory).filter((name) => !name.endsWith('.ejs'));
}

/** As {@link listTemplates}, with those that have values in them. */
export function allTemplates(folder: string, directory = TEMPLATES): string[] {
  let names: string[];
  try {
    names = readdirSync(join(directory, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(join(directory, folder), join(entry.parentPath, entry.name)));
  } catch (cause) {
    throw new RenderError(
      'render.template.folder',
      folder,
      'there is no such folder of templates',
      'Add it, or correct the name',
      { cause },
    );
  }
  return names.filter((name) => !LEFTOVERS.test(name)).sort();
}
