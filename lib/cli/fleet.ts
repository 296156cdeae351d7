import type { HostPlan } from '../engine/model.js';
import { commitOf } from '../engine/repository.js';
import type { Transport } from '../engine/transport.js';
import { targetOf, type Inventory } from '../inventory/index.js';
import type { HostManifest, Target } from '../manifest/index.js';
import { chooseHosts } from './choose.js';
import type { EnginePort, ReadOptions } from './engine-port.js';
import { SshPool } from '../ssh/index.js';
import { inTurns } from './in-turns.js';
import { PlacedTransport } from './placed-transport.js';
import { withSshPlace } from './ssh-place.js';
import type { ChoiceOptions, CommonOptions, Shell } from './shell.js';

/** Hosts at a time where nothing is said. */
export const PARALLEL = 25;

/** How work on one host ended. */
export type Outcome<T> =
  { readonly host: string; readonly value: T } | { readonly host: string; readonly error: unknown };

/** The hosts of an inventory and the one connection that a command has to each. */
export class Fleet {
  private readonly transports = new Map<string, Promise<Transport>>();
  private readonly pool: SshPool;
  #commit: Promise<string | undefined> | undefined;
  private remarks: ReadonlyMap<string, readonly string[]> = new Map();

  private constructor(
    private readonly shell: Shell,
    readonly inventory: Inventory,
    readonly engine: EnginePort,
    private readonly parallel: number,
  ) {
    this.pool = new SshPool(parallel);
  }

  /** @param options `parallel`: how many hosts are logged in to, and worked on, at a time. Default: {@link PARALLEL} */
  static async of(
    shell: Shell,
    inventory: Inventory,
    { parallel = PARALLEL }: Pick<CommonOptions, 'parallel'> = {},
  ): Promise<Fleet> {
    return new Fleet(shell, inventory, await shell.engine(), parallel);
  }

  target(host: string): Target {
    return targetOf(this.inventory, host);
  }

  /** The connection to a host, made when it is first asked for. */
  transport(host: string): Promise<Transport> {
    const known = this.transports.get(host);
    if (known !== undefined) return known;
    const { secrets, source } = this.inventory;
    const options = { projectDir: source.projectDir, pool: this.pool };
    const target = this.target(host);
    const place = (error: unknown): unknown => withSshPlace(error, host, target, source);
    const opened = this.engine.open(host, target, this.shell.signal, secrets, options).then(
      (transport) => new PlacedTransport(transport, place),
      (error: unknown): never => {
        throw place(error);
      },
    );
    this.transports.set(host, opened);
    return opened;
  }

  /** Ends the connection to a host, so that the next one is new. */
  async forget(host: string): Promise<void> {
    const known = this.transports.get(host);
    this.transports.delete(host);
    await known?.then((transport) => transport.close()).catch(() => undefined);
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
    const plan = await this.engine
      .plan(transport, manifest, secrets, options)
      .catch((error: unknown): never => {
        throw withSshPlace(error, host, this.target(host), source);
      });
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

  /**
   * Works on the hosts, as many at a time as `parallel` says; the next begins when any one has ended. One that fails does
   * not stop the others.
   *
   * @param ended told of each as it ends
   * @returns in the order of `hosts`
   */
  async each<T>(
    hosts: readonly string[],
    work: (host: string) => Promise<T>,
    ended: (outcome: Outcome<T>) => void = () => undefined,
  ): Promise<Outcome<T>[]> {
    return inTurns(hosts, this.parallel, async (host): Promise<Outcome<T>> => {
      let outcome: Outcome<T>;
      try {
        outcome = { host, value: await work(host) };
      } catch (error) {
        outcome = { host, error };
      }
      ended(outcome);
      return outcome;
    });
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.transports.values());
    const open = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    await Promise.allSettled(open.map((transport) => transport.close()));
  }
}

/** @throws what the work on the host threw */
export function valueOf<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** The hosts that a command without manifests is about: those chosen, or all of the inventory. */
export function inventoryHosts(
  shell: Pick<Shell, 'env' | 'cwd'>,
  inventory: Inventory,
  names: readonly string[],
  options: ChoiceOptions,
): string[] {
  return chooseHosts(shell, inventory, Object.keys(inventory.hosts).sort(), names, options);
}
