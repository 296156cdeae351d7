import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workbench } from '../test/e2e/harness.js';
import type { HostName, Lab, TcpProxy } from '../test/lab/api.js';
import type { HostManifest } from '../lib/manifest/index.js';
import { timed, type Timed, type TimedOptions } from './measure.js';
import type { Figure } from './report.js';
import { emptyManifest } from './work.js';

/** A benchmark: what it needs comes from the {@link Bench}; what it left on the hosts is gone before the next one. */
export interface Case {
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** False: no lab is needed. Default true. */
  readonly lab?: boolean;
  run(bench: Bench): Promise<readonly Figure[]>;
}

/** What benchmarks share: the lab, the product as its user has it, and how often to measure. */
export class Bench {
  constructor(
    private readonly maybe: { readonly lab: Lab; readonly workbench: Workbench } | undefined,
    /** Runs that count, of what takes less than a second; slower things take fewer. */
    readonly rounds: number,
    readonly say: (line: string) => void,
  ) {}

  get lab(): Lab {
    return this.#there().lab;
  }

  get workbench(): Workbench {
    return this.#there().workbench;
  }

  #there(): { readonly lab: Lab; readonly workbench: Workbench } {
    if (this.maybe === undefined) throw new Error('this benchmark said that it needs no lab');
    return this.maybe;
  }

  /** A program on the operator's side, timed. */
  operator(argv: readonly string[], options: TimedOptions = {}): Promise<Timed> {
    return timed(this.lab.operator.argv(argv), { cwd: process.cwd(), ...options });
  }

  /** `citadel-iac ARGS` on the operator's side, timed; `inventory` defaults to the direct way. */
  cli(args: readonly string[], options: TimedOptions & { readonly inventory?: string } = {}): Promise<Timed> {
    const inventory = options.inventory ?? this.workbench.inventory;
    return this.operator(['node', 'bin/citadel-iac.mjs', ...args, '--inventory', inventory], options);
  }

  node(): Promise<Timed> {
    return this.operator(['node', '-e', '0']);
  }

  /** OpenSSH as Debian configures it, with a pinned host key and one key to try. */
  ssh(host: HostName, ...options: readonly string[]): Promise<Timed> {
    return this.operator(['ssh', '-F', this.lab.operator.sshConfig, ...options, host, 'true']);
  }

  /** Applies and says how long it took. */
  apply(manifestFiles: readonly string[], inventory?: string): Promise<Timed> {
    return this.cli(['apply', '--yes', ...manifestFiles.flatMap((file) => ['--manifest', file])], {
      timeoutMs: 300_000,
      ...(inventory === undefined ? {} : { inventory }),
    });
  }

  /** A manifest in a file. */
  async manifestFile(manifest: HostManifest, name = 'manifest'): Promise<string> {
    const file = join(this.workbench.folder, `${manifest.host}-${name}.json`);
    await writeFile(file, JSON.stringify(manifest));
    return file;
  }

  /** An inventory in which a host is reached through a proxy. */
  viaProxy(host: HostName, proxy: TcpProxy, name: string): Promise<string> {
    return this.workbench.writeInventory(
      { [host]: { address: proxy.address, port: proxy.port } },
      `${this.workbench.folder}/${name}.yaml`,
    );
  }

  /** Makes a host as if nothing had ever been applied: what is managed goes, and all memory of it. */
  async forget(host: HostName): Promise<void> {
    await this.apply([await this.manifestFile(emptyManifest(host), 'empty')]);
    await this.lab.host(host).mustExec(['rm', '-rf', '/var/lib/citadel-iac']);
  }
}
