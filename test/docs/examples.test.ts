import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tool } from '../stacks/tools.js';
import { blocksOf, exampleProject, PROJECT, typeProblems } from './pages.js';

const FOLDER = 'docs/constructs';

/** Each block of these pages calls what it makes `manifest`. */
function examplesOf(page: string): Record<string, string> {
  const blocks = Object.entries(blocksOf(join(FOLDER, page)));
  return Object.fromEntries(blocks.map(([name, text]) => [name, `${text}export { manifest };\n`]));
}

const PAGES = readdirSync(join(PROJECT, FOLDER))
  .filter((name) => name.endsWith('.md'))
  .sort();
const EXAMPLES = Object.assign({}, ...PAGES.map(examplesOf)) as Record<string, string>;

describe('the pages about constructs', () => {
  it.each(PAGES)('%s has an example', (page) => {
    expect(Object.keys(examplesOf(page))).not.toEqual([]);
  });

  it('have examples whose types are right', () => {
    expect(typeProblems(exampleProject(EXAMPLES), Object.keys(EXAMPLES))).toEqual([]);
  }, 120_000);

  it('have examples that each make a manifest', () => {
    const names = Object.keys(EXAMPLES).map((name) => basename(name, '.ts'));
    const lines = names.map((name, index) => `import { manifest as m${index} } from './${name}.js';\n`);
    const all = `{ ${names.map((name, index) => `${JSON.stringify(name)}: m${index}`).join(', ')} }`;
    const root = exampleProject({
      ...EXAMPLES,
      'main.ts': `${lines.join('')}process.stdout.write(JSON.stringify(${all}));\n`,
    });
    const { status, output } = tool(process.execPath, ['--import', 'tsx', 'main.ts'], { cwd: root });
    expect(status, output).toBe(0);
    const manifests = JSON.parse(output) as Record<string, unknown>;
    const version1 = { version: 1, host: expect.any(String) as string };
    expect(manifests).toMatchObject(Object.fromEntries(names.map((name) => [name, version1])));
  }, 60_000);
});
