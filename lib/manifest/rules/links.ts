import { dirname, resolve } from 'node:path/posix';
import type { Rule } from './context.js';

/** A link leads somewhere: not to itself, nor by other links of the manifest back to itself. */
export const linkRules: Rule = (context) => {
  const links = context.manifest.symlinks ?? {};
  for (const path of Object.keys(links)) {
    const way: string[] = [];
    let at = path;
    for (let link = links[at]; link !== undefined && !way.includes(at); link = links[at]) {
      way.push(at);
      at = resolve(dirname(at), link.target);
    }
    if (at !== path || way.length === 0) continue;
    context.report('symlinks', path, {
      code: 'manifest.link.loop',
      got: way.length === 1 ? `${path} leads to itself` : [...way, path].join(' leads to '),
      fix: 'Give it the path of what it stands for as its target',
    });
  }
};
