import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { Change } from '../../lib/engine/model.js';
import type { Finished, HostName, Lab, LabHost } from '../lab/api.js';

/** What one run of the CLI did. */
export interface CliRun extends Finished {
  /** Standard output as JSON. */
  json(): unknown;
}

/**
 * The product as its user has it: `citadel-iac` in the operator's namespace, an inventory of the lab's hosts and
 * manifests in files.
 */
export class Workbench {
  private constructor(
    readonly lab: Lab,
    readonly folder: string,
    readonly inventory: string,
  ) {}

  static async open(lab: Lab): Promise<Workbench> {
    const folder = await mkdtemp(join(tmpdir(), 'citadel-e2e-'));
    const bench = new Workbench(lab, folder, join(folder, 'inventory.yaml'));
    await bench.writeInventory({});
    return bench;
  }

  /** Writes the inventory; `changes` replace parts of each host's ssh entry. */
  async writeInventory(changes: Partial<Record<HostName, object>>, path = this.inventory): Promise<string> {
    const hosts: Record<string, object> = {};
    for (const [name, entry] of Object.entries(await this.lab.inventory())) {
      const { address, settleSec, ...ssh } = { ...entry, ...changes[name as HostName] };
      const timeouts = { settleSec, ...('timeouts' in ssh ? (ssh.timeouts as object) : {}) };
      hosts[name] = { address, ssh: { ...ssh, timeouts } };
    }
    await writeFile(path, stringify({ hosts, operator: { addresses: ['192.168.10.1'] } }));
    return path;
  }

  async writeManifest(manifest: HostManifest): Promise<string> {
    const path = join(this.folder, `${manifest.host}.json`);
    await writeFile(path, JSON.stringify(manifest));
    return path;
  }

  /** Runs `citadel-iac ARGS --inventory …` from the operator's side. */
  async cli(
    args: readonly string[],
    options: { readonly inventory?: string; readonly timeoutMs?: number } = {},
  ): Promise<CliRun> {
    const finished = await this.lab.operator.exec(
      ['node', 'bin/citadel-iac.mjs', ...args, '--inventory', options.inventory ?? this.inventory],
      { timeoutMs: options.timeoutMs ?? 120_000 },
    );
    return { ...finished, json: (): unknown => JSON.parse(finished.stdout) };
  }

  /** Applies a manifest and expects success. */
  async apply(manifest: HostManifest): Promise<CliRun> {
    const run = await this.cli(['apply', '--yes', '--manifest', await this.writeManifest(manifest)]);
    if (run.code !== 0)
      throw new Error(`apply ended with ${String(run.code)}:\n${run.stdout}\n${run.stderr}`);
    return run;
  }

  /** The changes that `diff --json` finds for a manifest. */
  async diff(
    manifest: HostManifest,
  ): Promise<{ readonly code: number; readonly changes: readonly Change[] }> {
    const run = await this.cli(['diff', '--json', '--manifest', await this.writeManifest(manifest)]);
    if (run.code !== 0 && run.code !== 2)
      throw new Error(`diff ended with ${String(run.code)}:\n${run.stderr}`);
    const { hosts } = run.json() as { hosts: Record<string, { changes: Change[] }> };
    return { code: run.code, changes: hosts[manifest.host]?.changes ?? [] };
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Everything under the paths that matter, as text: type, mode, owner, size, digest, link target. Two hosts in the same
 * state give the same fingerprint; `mtimes` adds when each path was last written. Logs are left out: they live.
 */
export function fingerprint(
  host: LabHost,
  options: { readonly mtimes?: boolean; readonly record?: boolean } = {},
): Promise<string> {
  const time = options.mtimes === true ? ' %T@' : '';
  const roots = options.record === true ? '/etc /opt /srv /var/lib/citadel-iac' : '/etc /opt /srv';
  return host.mustExec(
    `for d in ${roots}; do [ ! -d $d ] || find $d -xdev \\( -path /etc/.pwd.lock -o -path /opt/citadel/logs -o -path '/etc/*-' -o -path /var/lib/citadel-iac/lock \\) -prune -o -printf '%y %m %U:%G %p -> %l${time}\\n'; done | sort
     find /etc /opt /srv -xdev -type f ! -path '/etc/*-' ! -path '/opt/citadel/logs/*' -exec sha256sum {} + | sort -k 2`,
  );
}

/** How often the manager was told to read its units again since a moment (journalctl's `--since`). */
export async function daemonReloads(host: LabHost, since: string): Promise<number> {
  const lines = await host.mustExec(
    `journalctl _PID=1 --since "${since}" -o cat --no-pager | grep -c '^Reloading\\( requested\\|\\.\\.\\.\\|$\\)' || true`,
  );
  return Number(lines.trim());
}

export async function mainPid(host: LabHost, unit: string): Promise<string> {
  return (await host.mustExec(['systemctl', 'show', '-p', 'MainPID', '--value', unit])).trim();
}
