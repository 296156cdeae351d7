import { appendFileSync } from 'node:fs';
import { TestRunner, type RunnerTestCase } from 'vitest';

/** What Stryker's instrumented files share with whoever runs them. */
interface Stryker {
  activeMutant?: string;
  currentTestId?: string;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: {
    readonly static: Record<string, number>;
    readonly perTest: Record<string, Record<string, number>>;
  };
}

const stryker = ((globalThis as { __stryker__?: Stryker }).__stryker__ ??= {});
const OUT = process.env['CITADEL_MUTANTS_OUT'] ?? '/dev/null';
/** A mutant whose place is passed this many times as often as without it is one that never ends. */
const HITS = 100;
const PATIENCE_MS = 5_000;

/**
 * Runs each test once as it is, and then once more for every mutant that it passed and that no test has noticed yet. All
 * in one process: a run of its own for each mutant takes a hundred times as long, nearly all of it to load modules.
 */
export default class MutantRunner extends TestRunner {
  readonly #killed = new Set<string>();
  readonly #passed = new Set<string>();

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    const fixed = Object.keys(stryker.mutantCoverage?.static ?? {}).filter(
      (mutant) => !this.#passed.has(mutant),
    );
    appendFileSync(OUT, fixed.map((mutant) => `${mutant} fixed\n`).join(''));
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    const run = TestRunner.getTestFn(test) as () => unknown;
    stryker.currentTestId = test.id;
    await run();
    delete stryker.currentTestId;
    const passed = stryker.mutantCoverage?.perTest[test.id] ?? {};
    for (const [mutant, hits] of Object.entries(passed)) {
      this.#passed.add(mutant);
      if (this.#killed.has(mutant)) continue;
      const isNoticed = await fails(run, mutant, hits);
      if (isNoticed) this.#killed.add(mutant);
      appendFileSync(OUT, `${mutant} ${isNoticed ? 'killed' : 'passed'}\n`);
    }
    // What the mutants left behind must not be the reason.
    await run();
  }
}

async function fails(run: () => unknown, mutant: string, hits: number): Promise<boolean> {
  stryker.activeMutant = mutant;
  stryker.hitCount = 0;
  stryker.hitLimit = HITS * hits + 1000;
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, true);
  });
  try {
    const runs = Promise.resolve(run()).then(
      () => false,
      () => true,
    );
    return await Promise.race([runs, hangs]);
  } catch {
    return true;
  } finally {
    clearTimeout(timer);
    delete stryker.activeMutant;
    delete stryker.hitCount;
  }
}
