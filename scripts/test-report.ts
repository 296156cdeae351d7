import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

export interface Failure {
  /** File and names of suites and test. */
  readonly test: string;
  /** One line, at most {@link CAUSE_CHARS} characters. */
  readonly cause: string;
}

/** What a test run came to. */
export interface TestResult {
  readonly passed: number;
  /** Tests that failed or never ran, and files, suites and processes that broke without a failed test to show for it. */
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  /** Tests that passed after they had failed, and what the first try met. */
  readonly secondTry: readonly Failure[];
}

/** The parts of an error that a report prints. */
interface Shown {
  message: string;
  diff?: string;
  cause?: unknown;
}

const CAUSE_CHARS = 1200;
/** Of a long text, what is kept of its beginning: tools say at the end what went wrong. */
const CAUSE_START = 200;
const HEAD_LINES = 40;
const TAIL_LINES = 20;
const LINE_CHARS = 1000;

/**
 * Keeps what a failure prints to a size that someone reads, and writes down the result of the run as {@link TestResult}.
 * Must stand before the reporters that print: they are given the same errors.
 */
export class TestReport implements Reporter {
  /** @param file where the result goes as JSON; absent: nowhere */
  constructor(private readonly file?: string) {}

  onTestCaseResult(test: TestCase): void {
    shortenAll(test.result().errors ?? []);
  }

  onTestSuiteResult(suite: TestSuite): void {
    shortenAll(suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    shortenAll(module.errors());
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly Shown[]): void {
    shortenAll(unhandled);
    if (this.file !== undefined) writeFileSync(this.file, JSON.stringify(resultOf(modules, unhandled)));
  }
}

function resultOf(modules: readonly TestModule[], unhandled: readonly Shown[]): TestResult {
  const failures: Failure[] = [];
  const secondTry: Failure[] = [];
  let passed = 0;
  let skipped = 0;
  for (const module of modules) {
    const file = module.relativeModuleId;
    for (const error of module.errors()) failures.push({ test: file, cause: causeOf(error) });
    for (const suite of module.children.allSuites())
      for (const error of suite.errors())
        failures.push({ test: `${file} > ${suite.fullName}`, cause: causeOf(error) });
    for (const test of module.children.allTests()) {
      const name = `${file} > ${test.fullName}`;
      const { state, errors = [] } = test.result();
      const cause = errors[0] === undefined ? 'no error was reported' : causeOf(errors[0]);
      if (state === 'skipped') skipped += 1;
      else if (state === 'failed') failures.push({ test: name, cause });
      else if (state === 'pending') failures.push({ test: name, cause: 'did not run to its end' });
      else {
        passed += 1;
        if ((test.diagnostic()?.retryCount ?? 0) > 0) secondTry.push({ test: name, cause });
      }
    }
  }
  for (const error of unhandled) failures.push({ test: 'outside of any test', cause: causeOf(error) });
  return { passed, failed: failures.length, skipped, failures, secondTry };
}

/** What an error says, as one line; of a long text the beginning and the end, where tools say what went wrong. */
export function causeOf({ message }: Pick<Shown, 'message'>): string {
  const words = stripVTControlCharacters(message).replace(/\s+/g, ' ').trim();
  if (words.length <= CAUSE_CHARS) return words;
  return `${words.slice(0, CAUSE_START)}…${words.slice(1 + CAUSE_START - CAUSE_CHARS)}`;
}

function shortenAll(errors: readonly Shown[]): void {
  for (const error of errors) {
    error.message = shortened(error.message);
    if (error.diff !== undefined) error.diff = shortened(error.diff);
    if (isShown(error.cause)) shortenAll([error.cause]);
  }
}

function isShown(value: unknown): value is Shown {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}

/** Beginning and end of a long text, whose long lines lose their ends. */
export function shortened(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => (line.length <= LINE_CHARS ? line : `${line.slice(0, LINE_CHARS)}…`));
  const left = lines.length - HEAD_LINES - TAIL_LINES;
  if (left <= 1) return lines.join('\n');
  return [
    ...lines.slice(0, HEAD_LINES),
    `[… ${left} lines are not shown …]`,
    ...lines.slice(-TAIL_LINES),
  ].join('\n');
}
