import { spawn } from 'node:child_process';
import { Command } from 'commander';
import { HOST_NAMES, LabError, requireLab, type HostName, type Lab } from '../lab/api.js';
import { bringIdentity, inspect, prepare, rebuildHost, type Report } from './drill.js';
import { DrillSite } from './site.js';

/** `npm run drill`: destroys hosts of the lab, rebuilds them, and says how long it took. Production is never touched. */

interface Options {
  readonly both?: boolean;
  readonly operator?: boolean;
  readonly show?: boolean;
}

const say = (text: string): void => {
  process.stderr.write(`drill: ${text}\n`);
};

const program = new Command('drill')
  .description('Destroys the lab’s AI node (its backup disk stays), rebuilds it, and prints the times.')
  .option('--both', 'the dev-ops server as well')
  .option(
    '--operator',
    'the operator’s folder is lost, too: all is done from a fresh clone and the secrets’ identity',
  )
  .option('--show', 'print what a person sees, instead of the times alone')
  .action(drill);

async function drill(options: Options): Promise<void> {
  const gate = requireLab();
  if (!gate.available)
    throw new LabError(`There is no lab here: ${gate.reason}.`, 'Run it as root on Linux.');
  const { lab } = gate;
  const hosts: readonly HostName[] = options.both === true ? HOST_NAMES : ['ai-node'];
  say('bringing up the lab, deploying, making backups');
  await lab.up({ hosts: HOST_NAMES });
  await Promise.all(hosts.map((host) => lab.reset(host)));
  const before = await withSite(await DrillSite.open(lab), (site) => prepare(site, hosts));

  say(`destroying ${hosts.join(' and ')}; what stays is the backup disk`);
  const site = options.operator === true ? await DrillSite.cloned(lab) : await DrillSite.open(lab);
  await withSite(site, async () => {
    for (const host of hosts) await site.destroy(host);
    for (const host of hosts.slice(0, 1)) await bringIdentity(site, host);
    const began = Date.now();
    const reports: Report[] = [];
    for (const host of hosts) {
      say(`rebuilding ${host}${options.operator === true ? ' from a fresh clone' : ''}`);
      if (options.show === true) await show(lab, site, host);
      reports.push(await rebuildHost(site, host));
    }
    await inspect(site, hosts, reports, before);
    for (const [at, host] of hosts.entries()) print(host, reports[at]);
    process.stdout.write(`all of it: ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
    say('diff finds nothing to change, and all models are bit for bit what they were');
    if (site.lost !== undefined) say('secrets on the hosts are those of the age file in the clone');
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

function print(host: HostName, report: Report | undefined): void {
  process.stdout.write(`${host}: ${report?.outcome ?? ''}\n`);
  for (const { name, outcome, seconds } of report?.steps ?? [])
    process.stdout.write(`  ${name.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s  ${outcome}\n`);
  process.stdout.write(`  ${'together'.padEnd(14)} ${(report?.seconds ?? 0).toFixed(1).padStart(7)} s\n`);
}

process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`drill: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
