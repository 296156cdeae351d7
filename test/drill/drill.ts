import type { Finished, HostName } from '../lab/api.js';
import type { DrillSite } from './site.js';
import { modelsFingerprint } from './site.js';

/** What `rebuild --json` prints (lib/cli/rebuild/report.ts). */
export interface Report {
  readonly outcome: string;
  readonly seconds: number;
  readonly objectiveSec: number;
  readonly steps: readonly { readonly name: string; readonly outcome: string; readonly seconds: number }[];
  readonly models: readonly {
    readonly model: string;
    readonly how: string;
    readonly source: string | null;
    readonly bytes: number;
    readonly ageSec: number | null;
    readonly skipped: readonly { readonly archive: string; readonly why: string }[];
  }[];
  readonly recoveryPoint: { readonly of: string; readonly ageSec: number } | null;
  readonly losses: readonly { readonly what: string }[];
  readonly lostModels: readonly { readonly what: string }[];
  readonly data: readonly { readonly path: string; readonly how: string; readonly ageSec: number | null }[];
  readonly lostData: readonly { readonly what: string }[];
  readonly todo: readonly string[];
}

/** A host that works, with a backup of each model; returns what its models are. */
export async function prepare(site: DrillSite, hosts: readonly HostName[]): Promise<string> {
  expectCode(await site.cli('apply', ...hosts, '--yes'), 0);
  if (!hosts.includes('ai-node')) return '';
  await site.lab.host('ai-node').mustExec('/opt/citadel/scripts/backup_manager.py create --type daily', {
    user: 'agent0',
    timeoutMs: 300_000,
  });
  return modelsFingerprint(site.lab);
}

/** One host, from another machine in its place to nothing left to do. */
export async function rebuildHost(site: DrillSite, host: HostName, code = 0): Promise<Report> {
  const key = await site.consoleKey(host);
  const report = parseReport(await site.cli('rebuild', host, '--host-key', key, '--yes', '--json'), code);
  await site.pin(host, key);
  return report;
}

/**
 * Without the secrets' identity a rebuild stops before anything is touched; with it, every secret can be read. Nothing to
 * do where the operator's folder is not lost.
 */
export async function bringIdentity(site: DrillSite, host: HostName): Promise<void> {
  if (site.lost === undefined) return;
  const key = await site.consoleKey(host);
  const run = await site.cli('rebuild', host, '--host-key', key, '--yes');
  if (run.code !== 1 || !run.stderr.includes('Your age identity file cannot be read'))
    throw new Error(`without an identity it ended with ${String(run.code)}:\n${run.stderr.slice(-6000)}`);
  const { code } = await site.lab.host(host).exec('getent passwd agent0');
  if (code === 0) throw new Error('the machine was changed before the secrets could be read');
  await site.fetchIdentity();
  expectCode(await site.cli('secrets', 'check'), 0);
}

export function parseReport(run: Finished, code = 0): Report {
  expectCode(run, code);
  return JSON.parse(run.stdout) as Report;
}

/** What a drill must find afterwards, whoever runs it. @throws Error that says what is wrong */
export async function inspect(
  site: DrillSite,
  hosts: readonly HostName[],
  reports: readonly Report[],
  before?: string,
): Promise<void> {
  for (const report of reports) {
    if (report.outcome !== 'rebuilt')
      throw new Error(`the outcome is ${report.outcome}: ${JSON.stringify(report)}`);
    if (report.seconds > report.objectiveSec) throw new Error(`${report.seconds} s are too long`);
  }
  expectCode(await site.cli('diff', ...hosts), 0);
  if (before !== undefined && (await modelsFingerprint(site.lab)) !== before)
    throw new Error('models are not what they were');
  for (const host of hosts) {
    const failed = await site.lab.host(host).mustExec('systemctl --failed --no-legend --plain');
    if (failed !== '') throw new Error(`${host}: ${failed}`);
  }
  for (const { host, path, value } of site.lost?.origin.secrets ?? []) {
    if (!hosts.includes(host)) continue;
    const held = await site.lab.host(host).mustExec(['cat', path]);
    if (held !== value) throw new Error(`${host}: ${path} does not hold the secret of the age file`);
  }
}

export function expectCode(run: Finished, code: number): void {
  if (run.code === code) return;
  throw new Error(`ended with ${String(run.code)}:\n${run.stdout.slice(-6000)}\n${run.stderr.slice(-6000)}`);
}
