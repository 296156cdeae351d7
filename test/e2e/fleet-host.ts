import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { validateManifest, type HostManifest } from '../../lib/manifest/index.js';
import type { Finished, HostName } from '../lab/api.js';
import type { Workbench } from './harness.js';
import { service } from './manifests.js';

const root = { owner: 'root', group: 'root', mode: '0644' } as const;

/**
 * A host of many: a file, and a service with its health check.
 *
 * @param program what the service runs; one that ends makes an apply fail, and be undone
 */
export function fleetManifest(host: string, text: string, program = '/usr/bin/sleep infinity'): HostManifest {
  const unit = '/etc/systemd/system/fleet.service';
  return validateManifest({
    version: 1,
    host,
    files: {
      '/etc/fleet.conf': { content: `${text}\n`, ...root },
      [unit]: { content: service('One of many', program), ...root, validate: 'systemd-unit' },
    },
    units: {
      'fleet.service': {
        enabled: true,
        state: 'running',
        restartOn: [unit, '/etc/fleet.conf'],
        reloadOn: [],
        wave: 0,
      },
    },
    checks: { fleet: { kind: 'unit', unit: 'fleet.service', timeoutSec: 10, wave: 0 } },
  });
}

/** The documents of a fleet in one file. */
export async function writeFleet(workbench: Workbench, documents: readonly HostManifest[]): Promise<string> {
  const file = join(workbench.folder, 'fleet.json');
  const hosts = Object.fromEntries(documents.map((each) => [each.host, each]));
  await writeFile(file, JSON.stringify({ hosts }));
  return file;
}

/** A line of `--json-lines`. */
export interface Line {
  readonly host: HostName;
  readonly error?: string;
  readonly outcome?: string;
  readonly notBegun?: boolean;
  readonly changes?: readonly unknown[];
}

/** A command with `--json-lines` that runs: a test looks at it while it does. */
export class LineRun {
  readonly lines: Line[] = [];
  readonly ended: Promise<number | null>;
  #rest = '';
  #stderr = '';
  #wake: () => void = () => undefined;

  constructor(workbench: Workbench, args: readonly string[], inventory = workbench.inventory) {
    const child = workbench.lab.operator.spawn(
      ['node', 'bin/citadel-iac.mjs', ...args, '--json-lines', '--inventory', inventory],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = `${this.#rest}${text}`.split('\n');
      this.#rest = parts.pop() ?? '';
      this.lines.push(...parts.map((line) => JSON.parse(line) as Line));
      this.#wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = new Promise((resolve) => child.once('close', resolve));
    void this.ended.then(() => this.#wake());
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves as soon as there is a line about each of these hosts; an end before that is an error. */
  async tells(hosts: readonly HostName[]): Promise<void> {
    const over = this.ended.then(() => true);
    for (;;) {
      const told = new Set(this.lines.map(({ host }) => host));
      const left = hosts.filter((host) => !told.has(host));
      if (left.length === 0) return;
      const line = new Promise<false>((resolve) => (this.#wake = () => resolve(false)));
      if (await Promise.race([line, over]))
        throw new Error(`ended without a word about ${left.join(', ')}:\n${this.#stderr}`);
    }
  }
}

/** What an apply says of its waves, in order. */
export function wavesOf({ stderr }: Pick<Finished, 'stderr'>): string[] {
  return stderr.match(/^Wave .*$/gm) ?? [];
}
