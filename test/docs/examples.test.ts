import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { scratch, writeTree } from '../stacks/scratch.js';
import { tool } from '../stacks/tools.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(PROJECT, 'docs/constructs');

/**
 * The `ts` blocks of a page: name of a file → text. Each is a program of its own, in the project's root, which calls what it
 * makes `manifest`.
 */
function examplesOf(page: string): Record<string, string> {
  const blocks = readFileSync(join(FOLDER, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm);
  return Object.fromEntries(
    [...blocks].map(([, text = ''], index) => [
      `${basename(page, '.md')}-${index + 1}.ts`,
      `${text}export { manifest };\n`,
    ]),
  );
}

const PAGES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.md'))
  .sort();
const EXAMPLES = Object.assign({}, ...PAGES.map(examplesOf)) as Record<string, string>;

/** A folder that looks like the project's root to the examples. */
function project(files: Readonly<Record<string, string>>): string {
  const root = scratch();
  for (const name of ['lib', 'templates', 'node_modules', 'package.json'])
    symlinkSync(join(PROJECT, name), join(root, name));
  writeTree(root, files);
  return root;
}

describe('the pages about constructs', () => {
  it.each(PAGES)('%s has an example', (page) => {
    expect(Object.keys(examplesOf(page))).not.toEqual([]);
  });

  it('have examples whose types are right', () => {
    const root = project(EXAMPLES);
    const config: unknown = ts.readConfigFile(join(PROJECT, 'tsconfig.json'), (path) =>
      ts.sys.readFile(path),
    ).config;
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, PROJECT);
    const names = Object.keys(EXAMPLES).map((name) => join(root, name));
    const program = ts.createProgram(names, { ...options, noEmit: true });
    const found = names.flatMap((name) => {
      const source = program.getSourceFile(name);
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    });
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  }, 120_000);

  it('have examples that each make a manifest', () => {
    const names = Object.keys(EXAMPLES).map((name) => basename(name, '.ts'));
    const lines = names.map((name, index) => `import { manifest as m${index} } from './${name}.js';\n`);
    const all = `{ ${names.map((name, index) => `${JSON.stringify(name)}: m${index}`).join(', ')} }`;
    const root = project({
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
