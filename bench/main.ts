import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { Workbench } from '../test/e2e/harness.js';
import { Lab, requireLab } from '../test/lab/api.js';
import { Bench, type Case } from './bench.js';
import { firstApply } from './cases/first-apply.js';
import { manyFiles } from './cases/many-files.js';
import { peers } from './cases/peers.js';
import { providerStart } from './cases/provider-start.js';
import { unchangedDiff } from './cases/unchanged-diff.js';
import { readOptions, usage } from './options.js';
import { table, type Figure } from './report.js';

const CASES: readonly Case[] = [providerStart, unchangedDiff, firstApply, manyFiles, peers];

const options = readOptions(process.argv.slice(2), CASES);
if (options === 'help') process.stdout.write(usage(CASES));
else if (typeof options === 'string') {
  process.stderr.write(`${options}\n\n${usage(CASES)}`);
  process.exitCode = 1;
} else {
  const deadline = setTimeout(() => {
    say('the time is over (--minutes)');
    process.exit(1);
  }, options.minutes * 60_000);
  await measureAll(options.cases);
  clearTimeout(deadline);
}

async function measureAll(cases: readonly Case[]): Promise<void> {
  if (typeof options === 'string') return;
  const gate = requireLab();
  const wantLab = cases.some((each) => each.lab !== false);
  if (wantLab && !gate.available) say(`no lab here, because ${gate.reason}: its benchmarks are left out`);
  const lab = wantLab && gate.available ? Lab.named(process.env['CITADEL_LAB_NAME'] ?? 'bench') : undefined;
  const figures: Figure[] = [];
  try {
    await lab?.up({ progress: say });
    const there = lab === undefined ? undefined : { lab, workbench: await Workbench.open(lab) };
    const bench = new Bench(there, options.rounds, say);
    for (const each of cases.filter((one) => one.lab === false || lab !== undefined)) {
      say(`${each.name}: ${each.about} (load ${loadavg()[0]?.toFixed(1) ?? '?'})`);
      figures.push(...(await each.run(bench)));
    }
    await there?.workbench.close();
  } finally {
    if (!options.keepLab) await lab?.down();
  }
  process.stdout.write(`${machine()}\n\n${table(figures)}`);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`);
}

function machine(): string {
  const [cpu] = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const load = loadavg().map((value) => value.toFixed(1));
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length}× ${cpu?.model ?? '?'}, ${memory}, load ${load.join(' ')}`;
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}
