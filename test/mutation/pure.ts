/**
 * `npm run check:long mutation`, first part: how many small faults in the pure cores the unit tests notice. The faults are
 * those that StrykerJS makes, but for its changes of texts: a text that decides something is noticed by other mutants.
 *
 * `tsx test/mutation/pure.ts [PATH…]`: of the files whose paths begin so, every mutant that survives.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstrumenter } from '@stryker-mutator/instrumenter';
import { PROJECT, WORK, copyRepository } from './copy.js';

/** Of all mutants, in percent. */
const THRESHOLD = 88;
const COPY = join(WORK, 'pure');
const RESULTS = join(WORK, 'pure-results');
/** Data in, data out: what decides what a document may say, and what a host has to do. */
const CORES: readonly RegExp[] = [
  /^lib\/manifest\/rules\/(?!known-accounts)/,
  /^lib\/manifest\/(expand|shape|target|validate|canonical)\.ts$/,
  /^lib\/engine\/(diff|plan)\//,
  /^lib\/engine\/observe\/parse/,
  /^lib\/engine\/apply\/(payload|path-operations|validations|records|concerned-checks|[a-z]+-records)\.ts$/,
];

type Instrumenter = ReturnType<typeof createInstrumenter>;
type Mutant = Awaited<ReturnType<Instrumenter['instrument']>>['mutants'][number];

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const names = readdirSync(join(PROJECT, 'lib'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('lib', name))
    .filter((name) => name.endsWith('.ts') && CORES.some((core) => core.test(name)))
    .filter((name) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)))
    .sort();
  copyRepository(COPY);
  const { files, mutants: all } = await instrumenter().instrument(
    names.map((name) => ({ name, mutate: true, content: readFileSync(join(PROJECT, name), 'utf8') })),
    { plugins: null, ignorers: [], excludedMutations: ['StringLiteral'] },
  );
  for (const { name, content } of files) writeFileSync(join(COPY, name), content);
  const { killed, fixed } = runTests();
  // Of what is made as a module is loaded, and of texts, there is nothing to switch on and off.
  const mutants = all.filter(({ id, status }) => status !== 'Ignored' && !fixed.has(id));
  report(names, mutants, killed, wanted.length > 0);
  const percent = share(mutants, killed);
  console.log(
    `pure cores: ${percent.toFixed(1)} % of ${String(mutants.length)} mutants in ${String(names.length)} files`,
  );
  if (wanted.length === 0 && percent < THRESHOLD) {
    console.log(`Fewer than ${String(THRESHOLD)} % are noticed.`);
    process.exitCode = 1;
  }
}

/** Stryker's own container of dependencies is not needed for the one class. */
function instrumenter(): Instrumenter {
  const none = (): void => undefined;
  const logger = { debug: none, info: none, warn: none, isDebugEnabled: () => false };
  const injector = {
    provideValue: () => injector,
    injectClass: (Class: new (log: unknown) => Instrumenter) => new Class(logger),
  };
  return createInstrumenter(injector as unknown as Parameters<typeof createInstrumenter>[0]);
}

/** @returns the mutants that a test noticed, and those that no test can switch on */
function runTests(): Record<'killed' | 'fixed', ReadonlySet<string>> {
  rmSync(RESULTS, { force: true });
  const vitest = join(COPY, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--configLoader', 'runner', '--config', 'test/mutation/pure.config.ts'],
    {
      cwd: COPY,
      env: { ...process.env, CITADEL_MUTANTS_OUT: RESULTS, NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (status !== 0) throw new Error('The tests do not pass as they are.');
  const lines = readFileSync(RESULTS, 'utf8').split('\n');
  const those = (word: string): ReadonlySet<string> =>
    new Set(lines.filter((line) => line.endsWith(` ${word}`)).map((line) => line.split(' ')[0] ?? ''));
  return { killed: those('killed'), fixed: those('fixed') };
}

function share(mutants: readonly Mutant[], killed: ReadonlySet<string>): number {
  return (100 * mutants.filter(({ id }) => killed.has(id)).length) / Math.max(mutants.length, 1);
}

function report(
  names: readonly string[],
  mutants: readonly Mutant[],
  killed: ReadonlySet<string>,
  all: boolean,
): void {
  for (const name of names) {
    const own = mutants.filter(({ fileName }) => fileName === name);
    console.log(`${share(own, killed).toFixed(1).padStart(5)} %  ${name} (${String(own.length)})`);
    if (!all) continue;
    const lines = readFileSync(join(PROJECT, name), 'utf8').split('\n');
    for (const { id, location, mutatorName, replacement } of own) {
      if (killed.has(id)) continue;
      const { line, column } = location.start;
      console.log(
        `    ${String(line + 1)}:${String(column + 1)} ${mutatorName}: ${(lines[line] ?? '').trim()}`,
      );
      console.log(`      → ${replacement.replaceAll(/\s+/g, ' ').slice(0, 160)}`);
    }
  }
}

await main();
