import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as faults from './faults.js';
import { ensureOperatorKey } from './identity.js';
import { LabHost, type HostStatus } from './host.js';
import { hostsIn } from './hosts-in.js';
import { DEFAULT_LAB, HOST_NAMES, layoutOf, stateRoot, type HostName, type Layout } from './layout.js';
import { raiseLimits } from './limits.js';
import { withLock } from './lock.js';
import { shareMountsBelow, unmount } from './mounts.js';
import {
  ensureNetwork,
  knowNeighbours,
  namespaceExists,
  openRootNamespace,
  removeNetwork,
} from './network.js';
import { Operator } from './operator.js';
import { ensurePrerequisites } from './prerequisites.js';

const COMMAND_TIMEOUT_MS = 15 * 60_000;

export interface UpOptions {
  /** Default: the two of the example. */
  readonly hosts?: readonly HostName[];
  /** Debian suite per host; default trixie for ai-node, bookworm for dev-ops. */
  readonly suites?: Partial<Record<HostName, string>>;
  /** Told what takes long. */
  readonly progress?: (line: string) => void;
}

export interface LabStatus {
  readonly lab: string;
  readonly state: string;
  readonly operator: { readonly netns: string; readonly address: string; readonly up: boolean };
  readonly hosts: readonly HostStatus[];
}

/** How an operator reaches one host: an entry of `inventory-hosts.json`, the same shape as an ssh target. */
export interface InventoryEntry {
  readonly address: string;
  readonly user: string;
  readonly hostKeys: readonly string[];
  readonly identityFile: string;
  /** Services of tests need not prove for long that they go on running. */
  readonly settleSec: number;
}

/** Real hosts, their cables and the operator's side. Everything it has carries its name. */
export class Lab {
  readonly layout: Layout;
  readonly operator: Operator;
  readonly #hosts = new Map<HostName, LabHost>();

  private constructor(layout: Layout) {
    this.layout = layout;
    this.operator = new Operator(layout);
  }

  /** A lab by its name; default `CITADEL_LAB_NAME` or `citadel`. Nothing is started. */
  static named(name: string = process.env['CITADEL_LAB_NAME'] ?? DEFAULT_LAB): Lab {
    return new Lab(layoutOf(name));
  }

  get name(): string {
    return this.layout.lab;
  }

  host(name: HostName): LabHost {
    const host = this.#hosts.get(name) ?? new LabHost(this.layout, name);
    this.#hosts.set(name, host);
    return host;
  }

  /** Brings the lab to life, whatever of it is there. Installs missing Debian packages. */
  async up(options: UpOptions = {}): Promise<this> {
    const progress = options.progress ?? ((): void => undefined);
    await ensurePrerequisites(progress);
    await raiseLimits();
    await this.#locked(async () => {
      await shareMountsBelow(this.layout.state);
      await ensureNetwork(this.layout);
      await ensureOperatorKey(this.layout);
      const hosts = (options.hosts ?? HOST_NAMES).map((name) => this.host(name));
      await knowNeighbours(
        this.layout,
        hosts.map(({ name }) => name),
      );
      await someAtATime(hosts, (host) => host.up(options.suites?.[host.name], progress));
      await this.#publish();
    });
    return this;
  }

  /** Bare hosts again: one, or all there are. */
  async reset(host?: HostName): Promise<void> {
    await this.#locked(async () => {
      const chosen = host === undefined ? await this.#present() : [this.host(host)];
      await Promise.all(chosen.map((one) => one.reset()));
    });
  }

  /** {@link LabHost.lose}. */
  async lose(host: HostName, options: { readonly keepDisks?: readonly string[] } = {}): Promise<void> {
    await this.#locked(() => this.host(host).lose(options));
  }

  /** Ends the lab and leaves nothing of it but the cached bases. */
  async down(): Promise<void> {
    if (!existsSync(this.layout.state) && !namespaceExists(this.layout.operatorNetns)) return;
    await this.#locked(async () => {
      await someAtATime(hostsIn(this.layout), (name) => this.host(name).remove());
      await removeNetwork(this.layout);
      await rm(this.layout.stableLink, { force: true });
      await unmount(this.layout.state);
      await rm(this.layout.state, { recursive: true, force: true });
    });
    await rm(this.#lockFile(), { force: true });
    await forgetMachine();
  }

  /** A proxy on the operator's loopback to a host's SSH port that adds a round trip; see faults.ts. */
  latencyProxy(
    host: HostName,
    roundTripMs: number,
    options: faults.ProxyOptions = {},
  ): Promise<faults.TcpProxy> {
    return faults.latencyProxy(this.operator, this.host(host), roundTripMs, options);
  }

  /** Destroys the operator's established connections to a host's port (22); returns how many. */
  cutConnections(host: HostName, port?: number): Promise<number> {
    return faults.cutConnections(this.operator, this.host(host), port);
  }

  /** Something on the operator's loopback that accepts connections and never answers. */
  silentListener(): Promise<faults.Endpoint> {
    return faults.silentListener(this.operator);
  }

  async status(): Promise<LabStatus> {
    const netns = this.layout.operatorNetns;
    return {
      lab: this.name,
      state: this.layout.state,
      operator: { netns, address: this.layout.addresses.operator, up: namespaceExists(netns) },
      hosts: await Promise.all(this.#named().map((name) => this.host(name).status())),
    };
  }

  /** How to reach the hosts there are, as written to `inventory-hosts.json`. */
  async inventory(): Promise<Record<string, InventoryEntry>> {
    const entries: Record<string, InventoryEntry> = {};
    for (const host of await this.#present()) {
      entries[host.name] = {
        address: host.address,
        user: 'agent0',
        hostKeys: await host.hostKeyFingerprints(),
        identityFile: this.layout.operatorKey,
        settleSec: 0.2,
      };
    }
    return entries;
  }

  /** Writes the files by which inventories and OpenSSH find the hosts. */
  async #publish(): Promise<void> {
    const { inventory, knownHosts, sshConfig, stableLink } = this.layout;
    await writeFile(inventory, `${JSON.stringify(await this.inventory(), null, 2)}\n`);
    const present = await this.#present();
    await writeFile(knownHosts, (await Promise.all(present.map(knownHostLines))).join(''));
    await writeFile(sshConfig, present.map((host) => sshConfigOf(host, this.layout)).join('\n'));
    await mkdir(dirname(stableLink), { recursive: true });
    await rm(stableLink, { force: true });
    await symlink(inventory, stableLink);
  }

  async #present(): Promise<LabHost[]> {
    const hosts = this.#named().map((name) => this.host(name));
    const suites = await Promise.all(hosts.map((host) => host.suite()));
    return hosts.filter((_, index) => suites[index] !== undefined);
  }

  /** The example's hosts, there or not, and what small ones there are. */
  #named(): HostName[] {
    return [...new Set<HostName>([...HOST_NAMES, ...hostsIn(this.layout)])];
  }

  #lockFile(): string {
    return `${this.layout.state}.lock`;
  }

  async #locked(body: () => Promise<void>): Promise<void> {
    await mkdir(this.layout.state, { recursive: true, mode: 0o755 });
    await withLock(this.#lockFile(), COMMAND_TIMEOUT_MS, body);
  }
}

/** Hosts that are made, booted or removed at a time: more wait for the processors and for each other. */
const AT_A_TIME = 4;

async function someAtATime<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
}

/** When the last lab of this machine has gone, what they shared goes, too. */
async function forgetMachine(): Promise<void> {
  const others = (await readdir(stateRoot)).filter((name) => name.endsWith('.lock'));
  if (others.length > 0) return;
  await openRootNamespace();
  // Another lab may have begun just now: then the folder is not empty, and stays.
  await rmdir(stateRoot).catch(() => undefined);
}

async function knownHostLines(host: LabHost): Promise<string> {
  const lines: string[] = [];
  for (const type of host.keyTypes) {
    const key = await readFile(join(host.layout.identity, `ssh_host_${type}_key.pub`), 'utf8');
    lines.push(`${host.address},${host.name} ${key.split(' ').slice(0, 2).join(' ')}\n`);
  }
  return lines.join('');
}

function sshConfigOf(host: LabHost, layout: Layout): string {
  return [
    `Host ${host.name}`,
    `  HostName ${host.address}`,
    '  User agent0',
    `  IdentityFile ${layout.operatorKey}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${layout.knownHosts}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
    '',
  ].join('\n');
}
