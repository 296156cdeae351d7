import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from './process.js';

/** What stands where: names and addresses of hosts, folders and namespaces of one lab. Nothing here does I/O. */

/** The two hosts of the example. */
export type ExampleHost = 'ai-node' | 'dev-ops';
/** `h01`, `h02`, …: small hosts, for tests of many. */
export type SmallHost = `h${number}`;
/** Hosts with all that the base has. Those that are not of the example are there only when a test asks for them. */
export type WholeHost = ExampleHost | 'ai-node-2' | 'door-1' | 'door-2';
export type HostName = WholeHost | SmallHost;

export interface DiskSpec {
  /** Device node inside the host. */
  readonly device: string;
  readonly label: string;
}

export interface HostSpec {
  readonly name: HostName;
  /** The last part of its address. */
  readonly number: number;
  /** Fixed, so that no one's neighbour table is stale after a reboot. */
  readonly mac: string;
  readonly suite: string;
  readonly disks: readonly DiskSpec[];
  /** Whether it has GPUs and vLLM: doubles. */
  readonly ai: boolean;
  /** SSH host keys that it has; making one for RSA takes half a second. */
  readonly keyTypes: readonly string[];
  /** Runs systemd, journald and sshd, and nothing else. */
  readonly small: boolean;
}

const KEY_TYPES: readonly string[] = ['ed25519', 'ecdsa', 'rsa'];

/** Label of the disk that holds models; the only one that is not empty at first. */
export const MODELS_LABEL = 'citadel-models';
/** uid and gid of agent0, as base/customize.sh creates it. */
export const AGENT_ID = 1000;

/** The models disk comes with models, the other one empty. */
const AI_DISKS: readonly DiskSpec[] = [
  { device: '/dev/nvme1n1p1', label: MODELS_LABEL },
  { device: '/dev/sda1', label: 'citadel-backup' },
];

/** @param number of two digits: they stand in the hardware address as they are */
function whole(name: WholeHost, number: number, suite: string, ai: boolean): HostSpec {
  const mac = `02:c1:7a:de:10:${number}`;
  return { name, number, mac, suite, disks: ai ? AI_DISKS : [], ai, keyTypes: KEY_TYPES, small: false };
}

export const HOSTS: Readonly<Record<WholeHost, HostSpec>> = {
  'ai-node': whole('ai-node', 35, 'trixie', true),
  'dev-ops': whole('dev-ops', 36, 'bookworm', false),
  'ai-node-2': whole('ai-node-2', 37, 'bookworm', true),
  'door-1': whole('door-1', 38, 'trixie', false),
  'door-2': whole('door-2', 39, 'bookworm', false),
};

export const HOST_NAMES: readonly ExampleHost[] = ['ai-node', 'dev-ops'];
/** As many small hosts as have an address in the subnet. */
export const MOST_SMALL = 150;

/** The addresses of a lab's machines, all of one family. */
export interface Addresses {
  readonly family: 4 | 6;
  readonly subnet: string;
  readonly prefixLength: number;
  /** In front of a host's number. */
  readonly prefix: string;
  readonly operator: string;
}

export const ADDRESSES: Readonly<Record<4 | 6, Addresses>> = {
  4: {
    family: 4,
    subnet: '192.168.10.0/24',
    prefixLength: 24,
    prefix: '192.168.10.',
    operator: '192.168.10.1',
  },
  6: {
    family: 6,
    subnet: 'fdc1:7ade:10::/64',
    prefixLength: 64,
    prefix: 'fdc1:7ade:10::',
    operator: 'fdc1:7ade:10::1',
  },
};
/** A lab whose name ends so has IPv6 addresses and no others. */
export const IPV6_SUFFIX = '-v6';

export function addressOf({ prefix }: Addresses, { number }: HostSpec): string {
  return `${prefix}${number}`;
}

export const OPERATOR_MAC = '02:c1:7a:de:10:01';
export const DEFAULT_LAB = 'citadel';

export function isHostName(name: string): name is HostName {
  return isWholeHost(name) || isSmallHost(name);
}

function isWholeHost(name: string): name is WholeHost {
  return Object.hasOwn(HOSTS, name);
}

function isSmallHost(name: string): name is SmallHost {
  return smallHosts(MOST_SMALL).some((small) => small === name);
}

/** The first so many small hosts: `h01`, `h02`, … */
export function smallHosts(count: number): SmallHost[] {
  return Array.from(
    { length: count },
    (_, at): SmallHost => `h${String(at + 1).padStart(2, '0') as `${number}`}`,
  );
}

export function specOf(name: HostName): HostSpec {
  if (isWholeHost(name)) return HOSTS[name];
  const number = 100 + Number(name.slice(1));
  return {
    name,
    number,
    mac: `02:c1:7a:de:11:${number.toString(16).padStart(2, '0')}`,
    suite: 'trixie',
    disks: [],
    ai: false,
    keyTypes: ['ed25519'],
    small: true,
  };
}

/** Everything of one lab that has a name on this machine. */
export interface Layout {
  readonly lab: string;
  readonly addresses: Addresses;
  /** Holds all that `down` removes. */
  readonly state: string;
  readonly operatorKey: string;
  readonly knownHosts: string;
  readonly sshConfig: string;
  readonly inventory: string;
  readonly operatorNetns: string;
  readonly bridgeNetns: string;
  /** The link in the repository that inventories name (git ignores it). */
  readonly stableLink: string;
}

export const labFolder = fileURLToPath(new URL('.', import.meta.url));
export const repository = resolve(labFolder, '../..');
export const stateRoot = '/var/lib/citadel-lab';

/**
 * Test files that run side by side: most of them wait for hosts most of the time, whatever the machine has. With two, a quarter to
 * nearly half of two cores was idle.
 */
export const TEST_WORKERS = 3;

/** The lab of one of the test runner's workers, which are numbered from 1. */
export function workerLab(usual: string, worker: number): string {
  return worker === 1 ? usual : `${usual}-${worker}`;
}

/** `CITADEL_LAB_NAME` or `citadel`: short, because network namespaces and machine names carry it. */
export function layoutOf(lab: string): Layout {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(lab)) {
    throw new LabError(
      `"${lab}" cannot name a lab.`,
      'Use up to 20 of a-z, 0-9 and -, starting with a letter.',
    );
  }
  const state = join(stateRoot, lab);
  return {
    lab,
    addresses: ADDRESSES[lab.endsWith(IPV6_SUFFIX) ? 6 : 4],
    state,
    operatorKey: join(state, 'keys/operator'),
    knownHosts: join(state, 'known_hosts'),
    sshConfig: join(state, 'ssh_config'),
    inventory: join(state, 'inventory-hosts.json'),
    operatorNetns: `${lab}-operator`,
    bridgeNetns: `${lab}-bridge`,
    stableLink: join(repository, '.citadel', lab === DEFAULT_LAB ? 'lab.json' : `lab-${lab}.json`),
  };
}

/** Folders and names of one host of a lab. */
export interface HostLayout {
  readonly machine: string;
  readonly netns: string;
  /** End of the host's cable in the bridge's namespace. */
  readonly port: string;
  readonly folder: string;
  readonly root: string;
  /** Where the image of the host's root disk is mounted, and the image. */
  readonly disk: string;
  readonly diskImage: string;
  /** Files that say which suite the host has, and which cached base it was made from. */
  readonly suite: string;
  readonly base: string;
  /** Machine id and SSH host keys: they outlive a reset, so that pins stay true. */
  readonly identity: string;
  readonly disks: string;
  readonly console: string;
  readonly supervisorPid: string;
  readonly nspawnPid: string;
  /** `up` or `down`: whether the supervisor boots the host again after a reboot. */
  readonly wanted: string;
}

export function hostLayoutOf(layout: Layout, host: HostName): HostLayout {
  const folder = join(layout.state, 'hosts', host);
  return {
    machine: `${layout.lab}-${host}`,
    netns: `${layout.lab}-${host}`,
    port: `p-${host}`,
    folder,
    root: join(folder, 'root'),
    disk: join(folder, 'disk'),
    diskImage: join(folder, 'disk.img'),
    suite: join(folder, 'suite'),
    base: join(folder, 'base'),
    identity: join(folder, 'identity'),
    disks: join(folder, 'disks'),
    console: join(folder, 'console.log'),
    supervisorPid: join(folder, 'supervisor.pid'),
    nspawnPid: join(folder, 'nspawn.pid'),
    wanted: join(folder, 'wanted'),
  };
}

/** Where finished root filesystems are kept, outside the repository: `~/.cache/citadel-iac/lab`. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'citadel-iac/lab');
}
