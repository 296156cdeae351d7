import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RenderError } from './error.js';
import type { Template } from './template.js';

/** The project's `templates/`: files as they will stand on the hosts, mirrored by path. */
const TEMPLATES = fileURLToPath(new URL('../../templates', import.meta.url));

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

/** What tools leave beside sources. */
const LEFTOVERS = /(^|\/)(__pycache__|\.[a-z]+_cache)(\/|$)|\.(pyc|orig|swp)$|~$/;

/**
 * The files below a folder of `templates/`, as paths below that folder, sorted: `opt/citadel/scripts/backup_models.py`.
 * Templates with values in them (`.ejs`) are left out: they are filled by who knows the values.
 *
 * @throws RenderError when there is no such folder
 */
export function listTemplates(folder: string, directory = TEMPLATES): string[] {
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
  return names.filter((name) => !LEFTOVERS.test(name) && !name.endsWith('.ejs')).sort();
}
