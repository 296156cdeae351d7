import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { type Finished, type HostName, type Lab } from '../lab/api.js';
import { repository } from '../lab/layout.js';

const REQUIREMENTS = 'test/doubles/vllm-requirements.txt';
export const NODES = ['ai-node', 'ai-node-2'] as const satisfies readonly HostName[];
export const DOORS = ['door-1', 'door-2'] as const satisfies readonly HostName[];
export const FLEET: readonly HostName[] = [...NODES, ...DOORS, 'dev-ops'];
export const MODEL = 'phi3';
export const MODEL_PORT = 11403;
/** The address that both gateways have, one at a time. */
export const SHARED = '192.168.10.40';
export const KEYS = { chat: 'key-of-chat', few: 'key-of-few', node: 'key-of-the-nodes' };

/** What a test changes between two deployments. */
export interface FleetChange {
  readonly maxModelLen?: number;
  readonly requestsPerMinute?: number;
  readonly fewKey?: string;
}

/** Two AI nodes that serve one model, two gateways before them, and a server that watches all, as an operator deploys them. */
export class GatewayFleet {
  private constructor(
    private readonly lab: Lab,
    private readonly folder: string,
  ) {}

  static async open(lab: Lab): Promise<GatewayFleet> {
    const fleet = new GatewayFleet(lab, await mkdtemp(join(tmpdir(), 'citadel-gateway-')));
    await mkdir(dirname(join(fleet.folder, REQUIREMENTS)), { recursive: true });
    await copyFile(join(repository, REQUIREMENTS), join(fleet.folder, REQUIREMENTS));
    await fleet.declare({});
    return fleet;
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private get inventory(): string {
    return join(this.folder, 'inventory.yaml');
  }

  async declare(change: FleetChange): Promise<void> {
    await writeFile(this.inventory, stringify(document(this.lab, change)));
  }

  cli(...args: string[]): Promise<Finished> {
    return this.lab.operator.exec(['node', 'bin/citadel-iac.mjs', ...args], {
      env: {
        ...(process.env as Record<string, string>),
        CITADEL_INVENTORY: this.inventory,
        CITADEL_TARGETS: this.lab.layout.inventory,
      },
      timeoutMs: 900_000,
    });
  }

  /** Applies and expects success. */
  async apply(...args: string[]): Promise<Finished> {
    const run = await this.cli('apply', ...args, '--yes');
    if (run.code === 0) return run;
    throw new Error(
      `apply ended with ${String(run.code)}:\n${run.stdout.slice(-4000)}\n${run.stderr.slice(-4000)}`,
    );
  }
}

function document(lab: Lab, change: FleetChange): object {
  const { maxModelLen = 16_384, requestsPerMinute = 3, fewKey = KEYS.few } = change;
  const address = (name: HostName) => ({ address: lab.host(name).address });
  const node = (name: HostName) => ({
    ...address(name),
    mounts: {
      '/mnt/citadel-models': { device: '/dev/nvme1n1p1', type: 'ext4', sizeGiB: 0.22 },
      '/mnt/citadel-backup': { device: '/dev/sda1', type: 'ext4', sizeGiB: 0.22 },
    },
    backup: { directory: '/mnt/citadel-backup/models' },
    ai: {
      account: 'agent0',
      gpus: [{ memoryGiB: 80 }, { memoryGiB: 80 }],
      vllm: { requirements: REQUIREMENTS, wheels: '/var/lib/citadel-lab/wheels' },
      modelsDirectory: '/mnt/citadel-models/active',
      firstModel: MODEL,
      lan: { keys: { gateway: 'node_key' } },
      models: {
        [MODEL]: {
          port: MODEL_PORT,
          directory: 'Phi-3-mini-128k-instruct',
          weightsGiB: 0.001,
          gpus: [0],
          gpuMemoryUtilization: 0.19,
          maxModelLen,
        },
      },
    },
  });
  const door = (name: HostName) => ({
    ...address(name),
    gateway: {
      upstreamKey: 'node_key',
      keys: { chat: { secret: 'chat_key' }, few: { secret: 'few_key', requestsPerMinute } },
      shared: { address: SHARED, interface: 'eth0' },
    },
  });
  return {
    hosts: {
      ...Object.fromEntries(NODES.map((name) => [name, node(name)])),
      ...Object.fromEntries(DOORS.map((name) => [name, door(name)])),
      'dev-ops': { ...address('dev-ops'), monitoring: {} },
    },
    operator: { addresses: ['192.168.10.1'] },
    secrets: {
      node_key: { command: ['echo', KEYS.node] },
      chat_key: { command: ['echo', KEYS.chat] },
      few_key: { command: ['echo', fewKey] },
    },
  };
}
