import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CitadelError } from '../../manifest/index.js';
import type { LockedSource, LockResult, ModelLock } from '../../site/index.js';
import { sizeText } from '../../text/size.js';
import { suggest } from '../../text/suggest.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { lockWorld } from '../models/world.js';
import { readWritten } from '../read-inventory.js';
import { replaceFile } from '../secrets/replace-file.js';
import type { CommonOptions, Shell } from '../shell.js';
import { jsonText } from '../text/plan-json.js';
import { plural, visible } from '../text/style.js';

/** `citadel-iac models lock [model…]`: writes down what the sources of weights have now, and shows what changed. */
export async function lockModels(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions,
): Promise<ExitCode> {
  const { inventory, folder } = await readWritten(shell, options);
  const { roles = [] } = await shell.app();
  const known = roles.flatMap(({ modelLock }) =>
    modelLock === undefined ? [] : [{ modelLock, models: modelLock.models(inventory) }],
  );
  const all = known.flatMap(({ models }) => models);
  refuse(names, all, inventory.source.file);
  const results: LockResult[] = [];
  for (const { modelLock, models } of known) {
    const chosen = models.filter((model) => names.length === 0 || names.includes(model));
    if (chosen.length === 0) continue;
    const result = await modelLock.lock(inventory, chosen, lockWorld(shell, inventory));
    results.push(result);
    const file = join(folder, modelLock.file);
    const written = write(file, result.text);
    if (options.json !== true) show(shell, result, relative(shell.cwd, file), written);
  }
  if (options.json === true) {
    const [sources, undeclared] = [
      results.flatMap((each) => each.sources),
      results.flatMap((each) => each.undeclared),
    ];
    shell.out.write(jsonText({ sources, undeclared }));
  }
  return EXIT.ok;
}

function refuse(names: readonly string[], all: ReturnType<ModelLock['models']>, path: string): void {
  if (all.length === 0)
    throw new CitadelError({
      code: 'cli.models.none',
      path,
      got: 'no model says where its weights come from',
      fix: 'Give one "weights: { from: … }".',
    });
  const problems = names
    .filter((name) => !all.includes(name))
    .map((name) => {
      const near = suggest(name, all);
      return {
        code: 'cli.models.unknown',
        path,
        got: `no model with "weights" is called "${name}"`,
        fix: near === undefined ? `Use one of: ${all.join(', ')}.` : `Did you mean "${near}"?`,
      };
    });
  if (problems.length > 0) throw new CitadelError(problems);
}

/** @returns whether that was another text than before */
function write(file: string, text: string): boolean {
  try {
    if (readFileSync(file, 'utf8') === text) return false;
  } catch {
    // Not there yet; what else is wrong with it, writing says.
  }
  try {
    replaceFile(file, text);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    const fix = 'Let yourself write there.';
    throw new CitadelError(
      { code: 'cli.models.write', path: file, got: `cannot be written: ${reason}`, fix },
      { cause: error },
    );
  }
  return true;
}

function show(shell: Shell, { sources, undeclared }: LockResult, file: string, written: boolean): void {
  const lines = [
    ...sources.flatMap(sourceLines),
    ...undeclared.map(
      (from) => `${from}: kept, although no model of this inventory has it; another inventory may`,
    ),
    written ? `${file} was written. Commit it.` : `${file} is as it was.`,
  ];
  shell.out.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

function sourceLines({ models, from, revision, before, files, bytes, changes }: LockedSource): string[] {
  const commit = revision === undefined ? '' : ` at ${revision.slice(0, 12)}`;
  const moved = before === undefined || before === revision ? '' : ` (was ${before.slice(0, 12)})`;
  const sum = `${plural(files, 'file')}, ${sizeText(bytes)}`;
  return [
    `${models.join(', ')}: ${from}${commit}${moved}: ${sum}${changes.length === 0 ? ', unchanged' : ''}`,
    ...changes.map(({ path, before: was, after: is }) => {
      if (was === undefined) return `  + ${path}  ${sizeText(is ?? 0)}`;
      if (is === undefined) return `  - ${path}  ${sizeText(was)}`;
      return `  ~ ${path}  ${was === is ? `${sizeText(is)}, other bytes` : `${sizeText(was)} → ${sizeText(is)}`}`;
    }),
  ];
}
