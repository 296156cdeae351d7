import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Finished, HostName, InventoryEntry, Lab } from '../lab/api.js';
import { repository } from '../lab/layout.js';
import { must } from '../lab/process.js';
import { withLabels } from './labels.js';
import { INVENTORY, type Origin } from './origin.js';

/** Of the disks of the AI node, the one that outlives it. */
export const KEPT_DISK = 'citadel-backup';
const CLI_TIMEOUT_MS = 900_000;

/**
 * The operator's folder and what a drill does from it. Its targets file is its own, and is changed as a person would
 * change it: by writing down the host key that was read on a console.
 */
export class DrillSite {
  private constructor(
    readonly lab: Lab,
    private readonly scratch: string,
    readonly project: string,
    private readonly targets: Record<string, InventoryEntry>,
    /** Where the operator's folder was lost: what is left of it, and the home of a person with a new machine. */
    readonly lost?: { readonly origin: Origin; readonly home: string },
  ) {}

  /** The repository's own folder. */
  static async open(lab: Lab): Promise<DrillSite> {
    const scratch = await mkdtemp(join(tmpdir(), 'citadel-drill-'));
    const site = new DrillSite(lab, scratch, repository, await lab.inventory());
    await site.writeInventory();
    await site.writeTargets();
    return site;
  }

  /**
   * What a person has whose folder is lost: a fresh clone, a home with nothing in it but the key to log in with, consoles
   * to read host keys on and, once it is fetched from the safe, the identity that opens the secrets. The npm packages are
   * those installed here; a person has "npm ci".
   */
  static async cloned(lab: Lab, origin: Origin): Promise<DrillSite> {
    const scratch = await mkdtemp(join(tmpdir(), 'citadel-drill-'));
    const [project, home] = [join(scratch, 'clone'), join(scratch, 'home')];
    await must(['git', 'clone', '--quiet', '--branch', origin.branch, origin.url, project]);
    await symlink(join(repository, 'node_modules'), join(project, 'node_modules'));
    const identityFile = join(home, '.ssh/id_ed25519');
    await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    await must(['install', '-m', '600', lab.operator.identityFile, identityFile]);
    const targets = Object.fromEntries(
      Object.entries(await lab.inventory()).map(([host, entry]) => [host, { ...entry, identityFile }]),
    );
    const site = new DrillSite(lab, scratch, project, targets, { origin, home });
    await site.writeTargets();
    return site;
  }

  /** As docs/secrets.md has it, "When everything is gone". */
  async fetchIdentity(): Promise<void> {
    if (this.lost === undefined) return;
    const { origin, home } = this.lost;
    const place = join(home, '.config/citadel-iac/identity.txt');
    await must(['install', '-D', '-m', '600', origin.identity, place]);
  }

  cli(...args: string[]): Promise<Finished> {
    return this.lab.operator.exec(this.argv(...args), {
      cwd: this.project,
      env: this.environment(),
      timeoutMs: CLI_TIMEOUT_MS,
    });
  }

  argv(...args: string[]): string[] {
    return ['node', join(this.project, 'bin/citadel-iac.mjs'), ...args];
  }

  environment(): Record<string, string> {
    // Nothing of this machine's operator reaches a person whose folder is lost: no home, agent or variable.
    const own =
      this.lost === undefined
        ? (process.env as Record<string, string>)
        : { PATH: process.env['PATH'] ?? '', HOME: this.lost.home };
    return {
      ...own,
      CITADEL_INVENTORY: this.inventoryFile,
      CITADEL_TARGETS: join(this.scratch, 'targets.json'),
    };
  }

  /** Another machine in the host's place; of its disks, those to keep are the old ones. */
  async destroy(host: HostName, keepDisks: readonly string[] = [KEPT_DISK]): Promise<void> {
    await this.lab.lose(host, { keepDisks });
  }

  /** What stands on the console of the machine that is there now. */
  async consoleKey(host: HostName): Promise<string> {
    const line = await this.lab.host(host).mustExec('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
    return line.split(' ')[1] ?? '';
  }

  /** Writes down the key of the machine that is there now. */
  async pin(host: HostName, key: string): Promise<void> {
    const entry = this.targets[host];
    if (entry !== undefined) this.targets[host] = { ...entry, hostKeys: [key] };
    await this.writeTargets();
  }

  async close(): Promise<void> {
    await rm(this.scratch, { recursive: true, force: true });
    await rm(this.inventoryFile, { force: true });
    // The lab's own files know the new keys from here on.
    await this.lab.up();
  }

  /** Within the project, from where its paths are counted. Next to the repository's own: git passes over it. */
  private get inventoryFile(): string {
    const own = this.lost === undefined ? `.citadel/${basename(this.scratch)}.yaml` : INVENTORY;
    return join(this.project, own);
  }

  private async writeInventory(): Promise<void> {
    await mkdir(dirname(this.inventoryFile), { recursive: true });
    await writeFile(this.inventoryFile, withLabels(await readFile(join(this.project, INVENTORY), 'utf8')));
  }

  private async writeTargets(): Promise<void> {
    await writeFile(join(this.scratch, 'targets.json'), JSON.stringify(this.targets, null, 2));
  }
}

/** Names, modes, owners and contents of all models. */
/** Names and digests of the files of all models: what is fetched has the owner and modes of a service. */
export async function modelContents(lab: Lab): Promise<string> {
  return (await modelsFingerprint(lab))
    .split('\n')
    .filter((line) => /^[0-9a-f]{64} /.test(line))
    .join('\n');
}

export function modelsFingerprint(lab: Lab): Promise<string> {
  return lab
    .host('ai-node')
    .mustExec(
      `cd /mnt/citadel-models/active && find . ! -name . -printf '%p %y %m %U:%G %l\\n' | sort && find . -type f -exec sha256sum {} + | sort -k 2`,
      { timeoutMs: 300_000 },
    );
}
