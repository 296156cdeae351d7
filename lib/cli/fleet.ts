import type { HostPlan } from '../engine/model.js';
import { commitOf } from '../engine/repository.js';
import type { Transport } from '../engine/transport.js';
import { targetOf, type Inventory } from '../inventory/index.js';
import { CitadelError, type HostManifest, type Target } from '../manifest/index.js';
import type { EnginePort, ReadOptions } from './engine-port.js';
import type { Shell } from './shell.js';

/** How work on one host ended. */
export type Outcome<T> =
  { readonly host: string; readonly value: T } | { readonly host: string; readonly error: unknown };

/** The hosts of an inventory and the one connection that a command has to each. */
export class Fleet {
  private readonly transports = new Map<string, Promise<Transport>>();
  #commit: Promise<string | undefined> | undefined;
  private remarks: ReadonlyMap<string, readonly string[]> = new Map();

  private constructor(
    private readonly shell: Shell,
    readonly inventory: Inventory,
    readonly engine: EnginePort,
  ) {}

  static async of(shell: Shell, inventory: Inventory): Promise<Fleet> {
    return new Fleet(shell, inventory, await shell.engine());
  }

  target(host: string): Target {
    return targetOf(this.inventory, host);
  }

  /** The connection to a host, made when it is first asked for. */
  transport(host: string): Promise<Transport> {
    const known = this.transports.get(host);
    if (known !== undefined) return known;
    const opened = this.engine.open(host, this.target(host), this.shell.signal);
    this.transports.set(host, opened);
    return opened;
  }

  /** Of the repository that the project is in; asked for once. */
  commit(): Promise<string | undefined> {
    return (this.#commit ??= commitOf(this.inventory.source.projectDir));
  }

  /** Starts to connect, so that the network's time passes while manifests are made. Failures show when it is used. */
  expect(hosts: readonly string[]): void {
    for (const host of hosts) {
      try {
        this.transport(host).catch(() => undefined);
      } catch {
        // `transport` will say so again, to someone who listens.
      }
    }
  }

  /** What every plan of a host begins its notes with, also when the host is looked at again. */
  remark(remarks: ReadonlyMap<string, readonly string[]>): void {
    this.remarks = remarks;
  }

  async plan(manifest: HostManifest): Promise<HostPlan> {
    const { host } = manifest;
    const transport = this.transport(host);
    const { secrets, source } = this.inventory;
    const options = { ...this.readOptions(host), projectDir: source.projectDir };
    const plan = await this.engine.plan(transport, manifest, secrets, options);
    const remarks = this.remarks.get(host) ?? [];
    return remarks.length === 0 ? plan : { ...plan, notes: [...remarks, ...plan.notes] };
  }

  /** For every step that reads a host: its own deadline, and Ctrl-C. */
  readOptions(host: string): ReadOptions {
    const target = this.target(host);
    return {
      signal: this.shell.signal,
      ...('readTimeoutSec' in target && { deadlineSec: target.readTimeoutSec }),
    };
  }

  /** Works on all hosts at the same time; one that fails does not stop the others. */
  async each<T>(hosts: readonly string[], work: (host: string) => Promise<T>): Promise<Outcome<T>[]> {
    return Promise.all(
      hosts.map(async (host): Promise<Outcome<T>> => {
        try {
          return { host, value: await work(host) };
        } catch (error) {
          return { host, error };
        }
      }),
    );
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.transports.values());
    const open = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    await Promise.allSettled(open.map((transport) => transport.close()));
  }
}

/** The hosts that a command without manifests is about: those named, or all of the inventory. */
export function inventoryHosts(inventory: Inventory, names: readonly string[]): string[] {
  const known = Object.keys(inventory.hosts).sort();
  if (names.length === 0) return known;
  // `targetOf` has the words for a host that is not there.
  const problems = names.flatMap((name) => {
    if (known.includes(name)) return [];
    try {
      targetOf(inventory, name);
      return [];
    } catch (error) {
      if (error instanceof CitadelError) return error.problems;
      throw error;
    }
  });
  if (problems.length > 0) throw new CitadelError(problems);
  return known.filter((name) => names.includes(name));
}
