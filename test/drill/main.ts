import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { HOST_NAMES, LabError, requireLab, type HostName, type Lab } from '../lab/api.js';
import { inspect, prepare, rebuildHost, type Report } from './drill.js';
import { everything } from './everything.js';
import { DrillSite } from './site.js';

/** `npm run drill`: destroys hosts of the lab, rebuilds them, and says how long it took. Production is never touched. */

interface Options {
  readonly everything?: boolean;
  readonly show?: boolean;
}

const say = (text: string): void => {
  process.stderr.write(`drill: ${text}\n`);
};

const program = new Command('drill')
  .description('Destroys the lab’s AI node (its backup disk stays), rebuilds it, and prints the times.')
  .option(
    '--everything',
    'both hosts with all disks and the operator’s folder: what stays is the repository, the secrets’ identity and the off-site store',
  )
  .option('--show', 'of the AI node alone: print what a person sees, instead of the times')
  .action(drill);

async function drill(options: Options): Promise<void> {
  const gate = requireLab();
  if (!gate.available)
    throw new LabError(`There is no lab here: ${gate.reason}.`, 'Run it as root on Linux.');
  const { lab } = gate;
  say('bringing up the lab');
  await lab.up({ hosts: HOST_NAMES });
  if (options.everything === true) {
    await Promise.all(HOST_NAMES.map((host) => lab.reset(host)));
    const folder = await mkdtemp(join(tmpdir(), 'citadel-elsewhere-'));
    for (const { name, host, report } of await everything(lab, folder, say))
      print(`${host}, ${name}`, report);
    say(
      'models are bit for bit what they were, samples, silence and Grafana’s database are there, and diff finds nothing',
    );
    say('of the damaged store came back what is sound, and what is not was said');
    return;
  }
  await lab.reset('ai-node');
  say('deploying, and making backups');
  await withSite(await DrillSite.open(lab), async (site) => {
    const before = await prepare(site, ['ai-node']);
    say('destroying ai-node; what stays is the backup disk');
    await site.destroy('ai-node');
    say('rebuilding ai-node');
    if (options.show === true) await show(lab, site, 'ai-node');
    const report = await rebuildHost(site, 'ai-node');
    await inspect(site, ['ai-node'], [report], before);
    print('ai-node', report);
    say('diff finds nothing to change, and all models are bit for bit what they were');
  });
}

async function withSite<T>(site: DrillSite, work: (site: DrillSite) => Promise<T>): Promise<T> {
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}

/** The same as a person types it: first without a key, then with the one from the console. */
async function show(lab: Lab, site: DrillSite, host: HostName): Promise<void> {
  await attached(lab, site, ['rebuild', host]);
  await attached(lab, site, ['rebuild', host, '--host-key', await site.consoleKey(host), '--yes']);
}

async function attached(lab: Lab, site: DrillSite, args: readonly string[]): Promise<void> {
  process.stdout.write(`$ citadel-iac ${args.join(' ')}\n`);
  const [file = '', ...rest] = lab.operator.argv(site.argv(...args));
  await new Promise((done) => {
    spawn(file, rest, {
      stdio: ['ignore', 'inherit', 'inherit'],
      cwd: site.project,
      env: site.environment(),
    }).on('close', done);
  });
}

function print(title: string, report: Report): void {
  process.stdout.write(`${title}: ${report.outcome}\n`);
  for (const { name, outcome, seconds } of report.steps)
    process.stdout.write(`  ${name.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s  ${outcome}\n`);
  process.stdout.write(`  ${'together'.padEnd(14)} ${report.seconds.toFixed(1).padStart(7)} s\n`);
  const { recoveryPoint } = report;
  if (recoveryPoint !== null)
    process.stdout.write(
      `  ${'recovery point'.padEnd(14)} ${String(recoveryPoint.ageSec).padStart(7)} s  ${recoveryPoint.of}\n`,
    );
}

process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`drill: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
