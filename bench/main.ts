import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { Workbench } from '../test/e2e/harness.js';
import { Lab, requireLab } from '../test/lab/api.js';
import { Bench, type Case } from './bench.js';
import { backup } from './cases/backup.js';
import { exporter } from './cases/exporter.js';
import { firstApply } from './cases/first-apply.js';
import { fleet } from './cases/fleet.js';
import { growth } from './cases/growth.js';
import { manyFiles } from './cases/many-files.js';
import { peers } from './cases/peers.js';
import { providerStart } from './cases/provider-start.js';
import { synthesis } from './cases/synthesis.js';
import { sshClients } from './cases/ssh-clients.js';
import { unchangedDiff } from './cases/unchanged-diff.js';
import { readOptions, usage, type Options } from './options.js';
import { table, type Figure } from './report.js';

const CASES: readonly Case[] = [
  providerStart,
  growth,
  synthesis,
  unchangedDiff,
  sshClients,
  firstApply,
  manyFiles,
  peers,
  fleet,
  exporter,
  backup,
];

const options = readOptions(process.argv.slice(2), CASES);
if (options === 'help') process.stdout.write(usage(CASES));
else if (typeof options === 'string') {
  process.stderr.write(`${options}\n\n${usage(CASES)}`);
  process.exitCode = 1;
} else {
  process.exitCode = await measureAll(options);
}

/** Returns the exit status: 0 when everything was measured, whatever the figures are. */
async function measureAll({ cases, rounds, minutes, keepLab, json }: Options): Promise<number> {
  const gate = requireLab();
  const wantLab = cases.some((each) => each.lab !== false);
  if (wantLab && !gate.available) say(`no lab here, because ${gate.reason}: its benchmarks are left out`);
  const lab = wantLab && gate.available ? Lab.named(process.env['CITADEL_LAB_NAME'] ?? 'bench') : undefined;
  const figures: Figure[] = [];
  const work = async (): Promise<void> => {
    await lab?.up({ progress: say });
    const there = lab === undefined ? undefined : { lab, workbench: await Workbench.open(lab) };
    const bench = new Bench(there, rounds, say);
    for (const each of cases.filter((one) => one.lab === false || lab !== undefined)) {
      say(`${each.name}: ${each.about} (load ${loadavg()[0]?.toFixed(1) ?? '?'})`);
      figures.push(...(await each.run(bench)));
    }
    await there?.workbench.close();
  };
  const over = setTimeoutAsync(minutes * 60_000, 'over', { ref: false });
  let inTime = true;
  try {
    inTime = (await Promise.race([work(), over])) !== 'over';
    if (!inTime) say('the time is over (--minutes); this is what was measured until now');
  } finally {
    if (!keepLab) await lab?.down();
  }
  process.stdout.write(`${machine()}\n\n${table(figures)}`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, null, 2)}\n`);
  // What still runs when the time is over ends with this process.
  return inTime ? 0 : process.exit(1);
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
