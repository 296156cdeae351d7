import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RenderError } from './error.js';
import type { Template } from './template.js';

/** The project's `templates/`: files as they will stand on the hosts, mirrored by path. */
const TEMPLATES = fileURLToPath(new URL('../../templates', import.meta.url));

/**
 * Reads one file of `templates/` (`dev-ops/etc/prometheus/rules/models.yml`, or with `.ejs` one that has values in it).
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
