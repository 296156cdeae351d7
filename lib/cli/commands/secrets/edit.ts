import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseValues, type AgeEntry } from '../../../engine/secrets/age/values.js';
import { CitadelError, type Problem } from '../../../manifest/index.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import { AgeProject, type AgeName } from '../../secrets/age-project.js';
import { confirmRecipients, showRecipients } from '../../secrets/confirm-recipients.js';
import { runEditor } from '../../secrets/editor.js';
import { memoryPlaces, withPrivateFile } from '../../secrets/private-file.js';
import type { CommonOptions, Shell } from '../../shell.js';
import { colourFor } from '../../text/colour.js';
import { jsonText } from '../../text/plan-json.js';
import { errorText } from '../../text/problems.js';
import { plural, visible } from '../../text/style.js';
import { readInventory } from '../../read-inventory.js';

/** `citadel-iac secrets edit [file]`: opens an age file in the editor, or begins one. Prints names and never values. */
export async function edit(
  shell: Shell,
  given: string | undefined,
  options: CommonOptions,
): Promise<ExitCode> {
  const project = new AgeProject(shell, await readInventory(shell, options));
  const file = project.one(given, shell.cwd);
  const names = project.names.get(file) ?? [];
  // Whatever would stop the text from being written is said before anybody types.
  await project.files.identity();
  const recipients = await project.files.recipients(file);
  const bytes = project.bytes(file);
  const old = bytes === undefined ? undefined : await project.files.text(file);
  const before = old?.text ?? template(names);
  if (old === undefined) showRecipients(shell, project, file, recipients);
  const others = old !== undefined && old.recipients?.join() !== recipients.join();
  if (others) {
    // Before anything is typed, which a no would lose.
    const change = { past: old.recipients, wanted: recipients };
    if (!(await confirmRecipients(shell, project, file, change, options))) throw notBegun(file);
  }
  const text = await edited(shell, file, before, options);
  if (text === undefined) {
    const hint = others ? ' Its recipients have changed: run "citadel-iac secrets rekey".' : '';
    report(shell, options, file, NOTHING, `was not changed.${hint}`);
    return EXIT.ok;
  }
  const readers = await project.write(file, text, bytes, recipients);
  const was = bytes === undefined ? new Map<string, string>() : valuesOf(before, file);
  const is = valuesOf(text, file);
  const changes = {
    added: [...is.keys()].filter((name) => !was.has(name)),
    changed: [...is]
      .filter(([name, value]) => was.has(name) && was.get(name) !== value)
      .map(([name]) => name),
    removed: [...was.keys()].filter((name) => !is.has(name)),
    missing: names.map(({ key }) => key).filter((key) => !is.has(key)),
  };
  const words = `was written, encrypted to ${plural(readers.length, 'recipient')}. Commit it.`;
  report(shell, options, file, changes, words);
  return EXIT.ok;
}

/** @returns `undefined` when the editor left everything as it was */
async function edited(
  shell: Shell,
  file: string,
  before: string,
  options: CommonOptions,
): Promise<string | undefined> {
  const name = `${basename(file, '.age')}.yaml`;
  const warn = (words: string): void => shell.err.write(`warning: ${words}\n`);
  return withPrivateFile(name, before, { places: memoryPlaces(shell.env), warn }, async (path) => {
    for (;;) {
      await runEditor(path, shell);
      const text = readBack(path, file);
      if (text === before) return undefined;
      const problems = problemsOf(text, file);
      if (problems.length === 0) return text;
      const error = new CitadelError(problems);
      if (!shell.interactive) throw error;
      shell.err.write(errorText(error, shell));
      const again = `${visible(file)} is as it was. Open the editor again?`;
      if (await shell.confirm(again, colourFor(shell.err, shell, options))) continue;
      throw leftAlone(file);
    }
  });
}

function notBegun(file: string): CitadelError {
  return new CitadelError({
    code: 'cli.secrets.left',
    path: file,
    got: 'was left as it was, and no editor was opened',
    fix: 'Put its recipients file right, or run "citadel-iac secrets rekey" once each of them is',
  });
}

function leftAlone(file: string): CitadelError {
  return new CitadelError({
    code: 'cli.secrets.left',
    path: file,
    got: 'was left as it was, and what you typed is gone',
    fix: 'Run the command again, from the start',
  });
}

function readBack(path: string, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    const got = 'the editor left no file of UTF-8 text: nothing was changed';
    const fix = 'Save the text where the editor found it, as UTF-8';
    throw new CitadelError({ code: 'cli.secrets.text', path: file, got, fix }, { cause: error });
  }
}

/** What would make the text useless. Lines, not names: a value may stand where a name belongs. */
function problemsOf(text: string, file: string): readonly Problem[] {
  let entries: AgeEntry[];
  try {
    entries = parseValues(text, file);
  } catch (error) {
    if (error instanceof CitadelError) return error.problems;
    throw error;
  }
  const code = 'cli.secrets.text';
  if (entries.length === 0) {
    return [{ code, path: file, got: 'gives no value to any name', fix: 'Write "name: value" lines' }];
  }
  return entries
    .filter(({ value }) => value === '')
    .map(({ line }) => ({
      code,
      path: `${file}:${line}`,
      got: 'gives a name no value',
      fix: 'Give it one, or take the name out',
    }));
}

/** Values of a text that may be one which never was right. */
function valuesOf(text: string, file: string): Map<string, string> {
  try {
    return new Map(parseValues(text, file).map(({ name, value }) => [name, value]));
  } catch {
    return new Map();
  }
}

function template(names: readonly AgeName[]): string {
  const wanted = names.map(({ key }) => `# ${JSON.stringify(key).slice(1, -1)}: \n`);
  return (
    '# "name: value", one a line. This is YAML: quote what has special characters; "|" begins a text of several lines.\n' +
    (wanted.length === 0 ? '' : `# The inventory takes these from here:\n${wanted.join('')}`)
  );
}

interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Names that the inventory takes from the file and that are not in it. */
  readonly missing: readonly string[];
}

const NOTHING: Changes = { added: [], changed: [], removed: [], missing: [] };

function report(shell: Shell, options: CommonOptions, file: string, changes: Changes, words: string): void {
  const { added, changed, removed, missing } = changes;
  if (options.json === true) {
    shell.out.write(jsonText({ file, ...changes }));
    return;
  }
  const lines = [
    ...added.map((name) => `+ ${visible(name)}\n`),
    ...changed.map((name) => `~ ${visible(name)}\n`),
    ...removed.map((name) => `- ${visible(name)}\n`),
  ];
  shell.out.write(`${lines.join('')}${visible(file)} ${words}\n`);
  if (missing.length > 0)
    shell.err.write(`Still missing for the inventory: ${missing.map(visible).join(', ')}\n`);
}
