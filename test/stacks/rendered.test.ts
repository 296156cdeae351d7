import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { check } from 'prettier';
import { expect, it } from 'vitest';
import { staleFiles } from '../../lib/cli/rendered/folder.js';
import { renderedFiles } from '../../lib/cli/rendered/host-files.js';
import { loadInventory } from '../support/site.js';
import { buildHosts } from '../../stacks/app.js';

it('rendered/ is what the code makes of citadel.yaml; when it is not: npx citadel-iac render', () => {
  const hosts = buildHosts(loadInventory(join('stacks/inventory/citadel.yaml'), {}, process.cwd()));
  const wanted = new Map(hosts.flatMap((host) => [...renderedFiles(host)]));
  expect(wanted.size).toBeGreaterThan(50);
  expect(staleFiles(resolve('rendered'), wanted, 'all')).toEqual([]);
});

it('YAML of the rendering stays as it is when prettier formats it', async () => {
  const files = readdirSync('rendered', { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.ya?ml$/.test(name),
  );
  expect(files.filter((name) => !name.includes('/')).sort()).toEqual(['ai-node.yaml', 'dev-ops.yaml']);
  const changed = [];
  for (const name of files) {
    if (!(await check(readFileSync(join('rendered', name), 'utf8'), { parser: 'yaml' }))) changed.push(name);
  }
  expect(changed).toEqual([]);
});
