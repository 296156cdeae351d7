import { allTemplates, loadTemplate, renderTemplate } from '../../render/index.js';

/**
 * The files of a new site, path → text.
 *
 * @param folder its name; the package is named after it
 * @param version of this package, whose successors until the next minor version the site takes
 */
export function siteFiles(folder: string, version: string): ReadonlyMap<string, string> {
  const values = { name: packageName(folder), version: `^${version}` };
  return new Map(
    allTemplates('site').map((path) => {
      const template = loadTemplate(`site/${path}`);
      const text = path.endsWith('.ejs') ? renderTemplate(template, values) : template.text;
      return [targetOf(path), text];
    }),
  );
}

/** A file called `.gitignore` would hide others from the package that these templates are in. */
function targetOf(path: string): string {
  return path === 'gitignore' ? '.gitignore' : path.replace(/\.ejs$/, '');
}

/** What npm takes as a name: lower-case letters, digits, `-`, `_` and `.`, not at the beginning. */
function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  return name === '' ? 'site' : name;
}
