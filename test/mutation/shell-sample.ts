/**
 * `npm run check:long mutation`, second part: a fixed sample of small faults in the host's programs, each held against the
 * tests that reach its line on an offline root. As root, because faulty programs run in namespaces of their own in which
 * nothing but a scratch folder can be written to.
 *
 * `tsx test/mutation/shell-sample.ts [FILE.sh[:LINE]…]`: those of the sample alone.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT, WORK, copyRepository } from './copy.js';
import { PROGRAMS, REACHED } from './layout.js';
import { marked, mutantsOf, mutated, sampleOf, type Mutant } from './shell-edits.js';

const SIZE = 100;
/** Of all that an offline root reaches, in percent. */
const THRESHOLD = 80;
const ROOM = join(WORK, 'shell');
const COPY = join(ROOM, 'copy');
/** What each test reaches; kept, because finding it takes as long as all the tests. */
const REACH = join(ROOM, 'reach.jsonl');
/** How much longer than in the reach run the same tests may take before the mutant counts as one that hangs. */
const PATIENCE = 5;

/** A test of the reach run. */
interface Reach {
  readonly file: string;
  readonly name: string;
  readonly millis: number;
  readonly marks: readonly string[];
  /** Digest of the test file and of the programs. */
  readonly key?: string;
}

type Verdict = 'killed' | 'survived' | 'not reached';

function main(): void {
  const wanted = process.argv.slice(2);
  if (process.getuid?.() !== 0) throw new Error('It runs faulty programs in namespaces: run it as root.');
  const texts = new Map(
    readdirSync(join(PROJECT, PROGRAMS))
      .filter((name) => name.endsWith('.sh'))
      .sort()
      .map((name) => [name, readFileSync(join(PROJECT, PROGRAMS, name), 'utf8')]),
  );
  const textOf = (file: string): string => texts.get(file) ?? '';
  const sample = sampleOf(
    [...texts].flatMap(([file, text]) => mutantsOf(file, text)),
    SIZE,
    (mutant) => canBeRead(mutated(textOf(mutant.file), mutant)),
  );
  copyRepository(COPY);
  const reached = reach(sample, textOf);
  const count: Record<Verdict, number> = { killed: 0, survived: 0, 'not reached': 0 };
  for (const [number, mutant] of sample.entries()) {
    const { file, line } = mutant;
    if (wanted.length > 0 && !wanted.includes(file) && !wanted.includes(`${file}:${String(line)}`)) continue;
    const tests = reached.filter(({ marks }) => marks.includes(String(number)));
    writeFileSync(join(COPY, PROGRAMS, file), mutated(textOf(file), mutant));
    const verdict = verdictOf(tests);
    writeFileSync(join(COPY, PROGRAMS, file), textOf(file));
    count[verdict] += 1;
    console.log(
      `${verdict}: ${PROGRAMS}/${file}:${String(line)} (${mutant.edit}), ${String(tests.length)} tests`,
    );
    if (verdict === 'survived') console.log(`  - ${mutant.before.trim()}\n  + ${mutant.after.trim()}`);
  }
  const percent = (100 * count.killed) / (count.killed + count.survived);
  console.log(
    `programs: ${percent.toFixed(1)} % (${String(count.killed)} killed, ${String(count.survived)} survived, ` +
      `${String(count['not reached'])} not reached on an offline root)`,
  );
  if (wanted.length === 0 && percent < THRESHOLD) {
    console.log(`Fewer than ${String(THRESHOLD)} % are killed.`);
    process.exitCode = 1;
  }
}

function canBeRead(text: string): boolean {
  return spawnSync('/bin/sh', ['-n'], { input: text }).status === 0;
}

/** Runs every test once on programs that write down which lines of the sample they come to. */
function reach(sample: readonly Mutant[], textOf: (file: string) => string): Reach[] {
  const files = [...new Set(sample.map(({ file }) => file))];
  for (const file of files) {
    const marks = new Map(
      sample.flatMap((each, number) => (each.file === file ? [[number, each.line]] : [])),
    );
    const text = marked(textOf(file), marks, REACHED);
    if (!canBeRead(text)) throw new Error(`${file} with marks is no program`);
    writeFileSync(join(COPY, PROGRAMS, file), text);
  }
  const key = (test: string): string =>
    createHash('sha256')
      .update(files.map((file) => readFileSync(join(COPY, PROGRAMS, file), 'utf8')).join('\0'))
      .update(readFileSync(join(COPY, test), 'utf8'))
      .digest('hex');
  const known = kept().filter(({ file, key: last }) => last === key(file));
  const wanted = testFiles().filter((test) => !known.some(({ file }) => file === test));
  rmSync(REACH, { force: true });
  const { status, stdout } =
    wanted.length === 0 ? { status: 0, stdout: '' } : runTests(wanted, { CITADEL_REACH: REACH });
  if (status !== 0) throw new Error(`The tests do not pass as they are:\n${stdout.slice(-8000)}`);
  const all = [...known, ...kept().map((test) => ({ ...test, key: key(test.file) }))];
  writeFileSync(REACH, all.map((test) => `${JSON.stringify(test)}\n`).join(''));
  for (const file of files) writeFileSync(join(COPY, PROGRAMS, file), textOf(file));
  return all.sort((one, other) => one.marks.length - other.marks.length || one.millis - other.millis);
}

function kept(): Reach[] {
  if (!existsSync(REACH)) return [];
  const lines = readFileSync(REACH, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Reach);
}

/** Those that run the programs on an offline root. */
function testFiles(): string[] {
  return ['remote', 'observe', 'recovery'].flatMap((folder) =>
    readdirSync(join(COPY, 'test/engine', folder))
      .filter((name) => name.endsWith('.test.ts') && !NOT_TESTS.test(name))
      .map((name) => join('test/engine', folder, name))
      .sort(),
  );
}

/** Random ones take minutes and show of a mutant what others show sooner; the other two read the programs only. */
const NOT_TESTS = /^(random-.*|scripts|programs|parse)\.test\.ts$/;

function verdictOf(tests: readonly Reach[]): Verdict {
  if (tests.length === 0) return 'not reached';
  return fails(tests) ? 'killed' : 'survived';
}

function fails(tests: readonly Reach[]): boolean {
  const names = tests.map(({ name }) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const files = [...new Set(tests.map(({ file }) => file))];
  const millis = tests.reduce((sum, test) => sum + test.millis, 0);
  const { status } = runTests(
    ['--bail', '1', '-t', `^(${names.join('|')})$`, ...files],
    {},
    PATIENCE * millis + 120_000,
  );
  return status !== 0;
}

/** `/` can be read only, `/tmp` is the scratch folder's, nothing outlives the run. */
const NAMESPACES = ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child', '--mount-proc'];
const SETUP = `
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$1/tmp" /tmp
cut -d ' ' -f 2 /proc/self/mounts | sort -u | while read -r point; do
  case $point in "$1" | /tmp | /dev | /dev/* | /proc) continue ;; esac
  mount -o remount,bind,ro "$point" 2>/dev/null || :
done
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
if true 2>/dev/null >/etc/citadel-can-write; then echo 'the root can be written to' >&2; exit 1; fi
ip link set lo up
cd "$1/copy"
shift
exec "$@"`;

function runTests(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  timeout?: number,
): { readonly status: number | null; readonly stdout: string } {
  rmSync(join(ROOM, 'tmp'), { recursive: true, force: true });
  mkdirSync(join(ROOM, 'tmp'), { mode: 0o1777 });
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--configLoader', 'runner'];
  const command = [process.execPath, ...vitest, '--config', 'test/mutation/shell.config.ts', ...words];
  return spawnSync('unshare', [...NAMESPACES, 'sh', '-c', SETUP, 'sh', ROOM, ...command], {
    encoding: 'utf8',
    env: { ...process.env, ...environment, NO_COLOR: '1' },
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout,
    killSignal: 'SIGKILL',
  });
}

main();
