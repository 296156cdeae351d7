import { readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { scratch, writeTree } from '../stacks/scratch.js';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** The `ts` blocks of a page, in order: name of a file → text. Each is a program of its own, in the project's root. */
export function blocksOf(page: string): Record<string, string> {
  const blocks = readFileSync(join(PROJECT, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm);
  return Object.fromEntries(
    [...blocks].map(([, text = ''], index) => [`${basename(page, '.md')}-${index + 1}.ts`, text]),
  );
}

/** A folder that looks like the project's root to the examples. */
export function exampleProject(files: Readonly<Record<string, string>>): string {
  const root = scratch();
  for (const name of ['bin', 'lib', 'templates', 'node_modules', 'package.json', 'tsconfig.json'])
    symlinkSync(join(PROJECT, name), join(root, name));
  writeTree(root, files);
  return root;
}

/** What the compiler says about files of such a folder. */
export function typeProblems(root: string, files: readonly string[]): string[] {
  const config: unknown = ts.readConfigFile(join(PROJECT, 'tsconfig.json'), (path) =>
    ts.sys.readFile(path),
  ).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, PROJECT);
  const names = files.map((name) => join(root, name));
  const program = ts.createProgram(names, { ...options, noEmit: true });
  return names
    .flatMap((name) => {
      const source = program.getSourceFile(name);
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    })
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
