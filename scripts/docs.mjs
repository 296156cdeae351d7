/**
 * `npm run docs`: the site of docs/, with a page for every public construct, in docs/.vitepress/dist. Its packages are its own
 * (docs/package.json), so that nothing else waits for them. A dead link fails it.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT, ensureDocsPackages, ensureNodePackages, prepareEnvironment } from './bootstrap.mjs';

const docs = join(PROJECT, 'docs');

function run(...command) {
  const { status } = spawnSync(command[0], command.slice(1), { cwd: docs, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

prepareEnvironment();
ensureNodePackages();
ensureDocsPackages();
rmSync(join(docs, 'api'), { recursive: true, force: true });
run('npx', '--no-install', 'typedoc', '--options', 'typedoc.json');
const { status, output } = spawnSync('npx', ['--no-install', 'vitepress', 'build', '.'], {
  cwd: docs,
  encoding: 'utf8',
});
console.log(output.join(''));
// A page that cannot be rendered is left empty, and the build goes on.
if (status !== 0 || /^\w*Error\b/m.test(output.join(''))) process.exit(1);
console.log(`\nThe site is in ${join(docs, '.vitepress/dist')}; "npx vitepress preview docs" shows it.`);
