import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { loadInventory } from '../support/site.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { buildHosts } from '../../stacks/app.js';
import type { Finished, Lab } from '../lab/api.js';
import { repository } from '../lab/layout.js';

const INVENTORY = join(repository, 'stacks/inventory/lab.yaml');

/** The part of an inventory's document that tests change. */
export interface LabInventory {
  hosts: {
    'ai-node': {
      address: string;
      ai: { vllm: { requirements: string }; models: Record<string, Record<string, unknown>> };
    };
    'dev-ops': {
      address: string;
      gateway?: object;
      monitoring: Record<string, unknown>;
    };
  };
  operator: { addresses: string[] };
  secrets: Record<string, unknown>;
}

/** The monitoring server of the lab's inventory, as its operator deploys it and as a browser on it sees it. */
export class DevOpsHost {
  private constructor(
    private readonly lab: Lab,
    private readonly folder: string,
  ) {}

  static async open(lab: Lab): Promise<DevOpsHost> {
    return new DevOpsHost(lab, await mkdtemp(join(tmpdir(), 'citadel-dev-ops-')));
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The lab's inventory with changes, as a file. */
  async inventory(change: (document: LabInventory) => void): Promise<string> {
    const document = parse(await readFile(INVENTORY, 'utf8')) as LabInventory;
    // Paths are meant from where the inventory is.
    const { requirements } = document.hosts['ai-node'].ai.vllm;
    await mkdir(join(this.folder, dirname(requirements)), { recursive: true });
    await copyFile(join(repository, requirements), join(this.folder, requirements));
    change(document);
    const path = join(this.folder, 'inventory.yaml');
    await writeFile(path, stringify(document));
    return path;
  }

  cli(args: readonly string[], inventory = INVENTORY): Promise<Finished> {
    return this.lab.operator.exec(['node', 'bin/citadel-iac.mjs', ...args], {
      env: {
        ...(process.env as Record<string, string>),
        CITADEL_INVENTORY: inventory,
        CITADEL_TARGETS: this.lab.layout.inventory,
      },
      timeoutMs: 600_000,
    });
  }

  /** Applies and expects success. */
  async apply(args: readonly string[] = ['dev-ops'], inventory = INVENTORY): Promise<Finished> {
    const run = await this.cli(['apply', ...args, '--yes'], inventory);
    if (run.code === 0) return run;
    throw new Error(
      `apply ended with ${String(run.code)}:\n${run.stdout.slice(-4000)}\n${run.stderr.slice(-4000)}`,
    );
  }

  /** What the host is to be, for a test to change before it applies it. */
  manifest(inventory = INVENTORY): HostManifest {
    const found = buildHosts(loadInventory(inventory, { CITADEL_TARGETS: '' })).find(
      ({ host }) => host === 'dev-ops',
    );
    if (found === undefined) throw new Error('the inventory has no dev-ops');
    return found;
  }

  async writeManifest(manifest: HostManifest): Promise<string> {
    const path = join(this.folder, 'manifest.json');
    await writeFile(path, JSON.stringify(manifest));
    return path;
  }

  /** `data` of an answer of Prometheus or Alertmanager. */
  async api<T>(port: number, path: string): Promise<T> {
    const url = `http://127.0.0.1:${port}${path}`;
    const text = await this.lab.host('dev-ops').mustExec(['curl', '-fsS', '-m', '10', url]);
    const answer = JSON.parse(text) as { data?: T };
    return answer.data ?? (answer as T);
  }

  /** A metric without labels, as the daemon at that port says it. */
  async metric(port: number, name: string): Promise<number> {
    const url = `http://127.0.0.1:${port}/metrics`;
    const page = await this.lab.host('dev-ops').mustExec(['curl', '-fsS', '-m', '10', url]);
    const line = page.split('\n').find((each) => each.startsWith(`${name} `));
    if (line === undefined) throw new Error(`port ${port} has no metric ${name}`);
    return Number(line.slice(name.length + 1));
  }
}

/** A manifest with the text of one file changed. */
export function withFile(
  manifest: HostManifest,
  path: string,
  change: (content: string) => string,
): HostManifest {
  const file = manifest.files?.[path];
  if (file?.content === undefined) throw new Error(`no file ${path}`);
  return {
    ...manifest,
    files: { ...manifest.files, [path]: { ...file, content: change(file.content) } },
  };
}
