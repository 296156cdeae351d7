import { existsSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CitadelError } from '../../manifest/index.js';
import { by } from '../../text/order.js';
import { errorMessage } from '../../text/error-message.js';
import type { Sources } from './model.js';
import { gitPatch, type ChangedFile } from './patch.js';

/** A file of the project with the text that was read and the one that it should have. */
export interface ProjectFile {
  /** Absolute. */
  readonly file: string;
  /** Absolute path of the repository, or of the project where it is in none. */
  readonly root: string;
  readonly before: string;
  readonly after: string;
}

/**
 * The files that differ between two states of the project's texts, sorted.
 *
 * @param templates the project's own folder of them, absolute
 */
export function changedFiles(
  before: Sources,
  after: Sources,
  templates: string,
  readTemplate: (name: string) => string,
): ProjectFile[] {
  const inventory = [...after.inventory].map(([file, text]) => ({
    file,
    before: before.inventory.get(file) ?? '',
    after: text,
  }));
  const files = [...after.templates].map(([name, text]) => ({
    file: join(templates, name),
    before: readTemplate(name),
    after: text,
  }));
  return [...inventory, ...files]
    .filter((file) => file.before !== file.after)
    .map((file) => ({ ...file, root: rootOf(file.file) }))
    .sort(by(({ file }) => file));
}

/** As a message names it: relative to its repository. */
export function shownName({ file, root }: Pick<ProjectFile, 'file' | 'root'>): string {
  return relative(root, file);
}

/** One patch for each repository; usually there is one. */
export function patchesOf(files: readonly ProjectFile[]): { root: string; text: string }[] {
  return [...new Set(files.map(({ root }) => root))].map((root) => ({
    root,
    text: gitPatch(
      files
        .filter((file) => file.root === root)
        .map(({ file, before, after }): ChangedFile => ({ path: relative(root, file), before, after })),
    ),
  }));
}

/**
 * Writes the files, each at once or not at all, and none when one of them is no longer what was read.
 *
 * @throws CitadelError
 */
export function writeFiles(files: readonly ProjectFile[]): void {
  const moved = files.filter(({ file, before }) => !stillIs(file, before));
  if (moved.length > 0) {
    throw new CitadelError(
      moved.map((file) => ({
        code: 'cli.adopt.moved',
        path: shownName(file),
        got: 'was changed while you looked at the patch; nothing was written',
        fix: 'Run the command again.',
      })),
    );
  }
  for (const { file, after } of files) replace(realpathSync(file), after);
}

function stillIs(file: string, text: string): boolean {
  try {
    return readFileSync(file).equals(Buffer.from(text));
  } catch {
    return false;
  }
}

function replace(file: string, text: string): void {
  const temporary = join(dirname(file), `.citadel-adopt-${process.pid}`);
  try {
    writeFileSync(temporary, text, { mode: statSync(file).mode & 0o777 });
    renameSync(temporary, file);
  } catch (error) {
    throw new CitadelError(
      {
        code: 'cli.adopt.write',
        path: file,
        got: `cannot be written: ${errorMessage(error)}`,
        fix: 'Make its folder writable, or pipe the patch to "git apply" where you may write.',
      },
      { cause: error },
    );
  }
}

/** The folder above a file that has `.git`; without one, that of the project. */
function rootOf(file: string): string {
  return above(file, ['.git']) ?? above(file, ['cdktf.json', 'package.json']) ?? dirname(file);
}

function above(file: string, marks: readonly string[]): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (marks.some((mark) => existsSync(join(folder, mark)))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}
