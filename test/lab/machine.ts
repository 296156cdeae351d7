import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  HOST_NAMES,
  OPERATOR_MAC,
  addressOf,
  labFolder,
  type HostLayout,
  type HostSpec,
  type Layout,
} from './layout.js';
import { makeFilesystem, rootSizeMib } from './disks.js';
import { machineIdOf } from './identity.js';
import { isMounted, isStopped, unmount } from './mounts.js';
import { addressArguments, neighboursOf } from './network.js';
import { killProcess, LabError, must, run, waitFor } from './process.js';

/** The processes and mounts of one host. What a test calls is in host.ts. */

const BOOT_TIMEOUT_MS = 90_000;
const POWER_OFF_TIMEOUT_MS = 45_000;
/** SIGRTMIN+4, systemd's request to power off, as kill(1) takes it. */
const POWER_OFF_SIGNAL = '38';
const CLEAN_ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'USER=root',
  'LOGNAME=root',
  'LANG=C.UTF-8',
  'TERM=xterm',
];

/** The pid, on this machine, of the host's PID 1; undefined while the host is off. */
export function leaderOf(layout: HostLayout): number | undefined {
  const nspawn = livePid(layout.nspawnPid, `--machine=${layout.machine}`);
  if (nspawn === undefined) return undefined;
  const children = readText(`/proc/${nspawn}/task/${nspawn}/children`);
  return children
    .split(' ')
    .map(Number)
    .find((pid) => pid > 0 && /^NSpid:.*\t1$/m.test(readText(`/proc/${pid}/status`)));
}

export function isSupervised(layout: HostLayout): boolean {
  return livePid(layout.supervisorPid, layout.folder) !== undefined;
}

/**
 * Mounts the host's root: the base below, and above it what the host wrote, on a disk image of its own. So it fills up
 * alone, and a lab also runs where this machine's own root is an overlay.
 */
export async function mountRoot(layout: HostLayout, base: string): Promise<void> {
  if (isStopped(layout.disk)) await unmountRoot(layout);
  await mkdir(layout.root, { recursive: true });
  await mkdir(layout.disk, { recursive: true });
  if (!existsSync(layout.diskImage))
    await makeFilesystem(layout.diskImage, rootSizeMib(process.env), layout.machine.slice(0, 16));
  if (!isMounted(layout.disk)) await must(['mount', '-o', 'loop,noatime', layout.diskImage, layout.disk]);
  if (isMounted(layout.root)) return;
  const [upper, work] = [join(layout.disk, 'upper'), join(layout.disk, 'work')];
  for (const folder of [upper, work]) await mkdir(folder, { recursive: true });
  // redirect_dir and index make renamed folders and hard links behave as on a plain disk.
  const options = `lowerdir=${base},upperdir=${upper},workdir=${work},redirect_dir=on,index=on`;
  await must(['mount', '-t', 'overlay', `lab-${layout.machine}`, '-o', options, layout.root]);
}

async function unmountRoot(layout: HostLayout): Promise<void> {
  for (const folder of [layout.root, layout.disk]) await unmount(folder);
}

/** Forgets everything the host wrote. */
export async function discardRoot(layout: HostLayout): Promise<void> {
  await unmountRoot(layout);
  await rm(layout.diskImage, { force: true });
}

/**
 * What a power failure does to a disk: the root disk's filesystem stops at once, and what was not written yet is lost.
 * It is mounted again, and its journal replayed, at the next start. Only for a host that is off.
 */
export async function loseUnwritten(layout: HostLayout): Promise<void> {
  // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH; every Debian has this Perl.
  const shutdown =
    'open my $d, "<", $ARGV[0] or die $!; my $f = pack "L", 2; ioctl $d, 0x8004587d, $f or die $!';
  await must(['perl', '-e', shutdown, layout.disk]);
  await unmountRoot(layout);
}

/** Starts the supervisor and waits until systemd has finished booting. */
export async function bootMachine(lab: Layout, layout: HostLayout, spec: HostSpec): Promise<void> {
  if (!isSupervised(layout)) {
    await writeFile(layout.wanted, 'up\n');
    await launch(lab, layout, spec);
  }
  await waitForBoot(layout);
}

/** Waits until the host is up. With `not`: until a PID 1 other than that one is up. */
export async function waitForBoot(layout: HostLayout, not?: number): Promise<void> {
  await waitFor(`The boot of ${layout.machine} (${layout.console})`, BOOT_TIMEOUT_MS, async () => {
    const leader = leaderOf(layout);
    if (leader === undefined && !isSupervised(layout)) {
      throw new LabError(`${layout.machine} ended while it booted.`, `Read ${layout.console}.`);
    }
    if (leader === undefined || leader === not) return undefined;
    const state = await run(enter(leader, ['systemctl', 'is-system-running']), { timeoutMs: 10_000 });
    return /^(running|degraded)$/.test(state.stdout.trim()) ? true : undefined;
  });
}

/** Powers the host off as a person would; after 45 s it is unplugged. */
export async function powerOff(bridgeNetns: string, layout: HostLayout): Promise<void> {
  await writeFile(layout.wanted, 'down\n');
  const leader = leaderOf(layout);
  if (leader !== undefined) {
    await run(['kill', `-${POWER_OFF_SIGNAL}`, String(leader)]);
    if (await endsWithin(layout, POWER_OFF_TIMEOUT_MS)) return;
  }
  await pullPlug(bridgeNetns, layout);
}

/** Ends the host at once, in silence: the cable goes first, so that no one receives a farewell. */
export async function pullPlug(bridgeNetns: string, layout: HostLayout): Promise<void> {
  if (existsSync(layout.folder)) await writeFile(layout.wanted, 'down\n');
  await run(unplug(bridgeNetns, layout));
  const leader = leaderOf(layout);
  if (leader !== undefined) {
    // nspawn sees its child end, and ends.
    killProcess(leader);
    if (await endsWithin(layout, 5_000)) return;
  }
  const nspawn = livePid(layout.nspawnPid, `--machine=${layout.machine}`);
  if (nspawn !== undefined) killProcess(nspawn);
  await waitForEnd(layout, 15_000);
}

/** Takes the host's cable out of the bridge. The host's side keeps its carrier: packets are lost, no one is told. */
export function unplug(bridgeNetns: string, layout: HostLayout): string[] {
  return ['ip', '-n', bridgeNetns, 'link', 'set', layout.port, 'nomaster'];
}

export function plug(bridgeNetns: string, layout: HostLayout): string[] {
  return ['ip', '-n', bridgeNetns, 'link', 'set', layout.port, 'master', 'br0'];
}

/** Takes away what a host that is off has left on the machine, outside its folder. */
export async function removeTraces(lab: Layout, layout: HostLayout): Promise<void> {
  await run(['ip', '-n', lab.bridgeNetns, 'link', 'del', layout.port]);
  if (existsSync(`/run/netns/${layout.netns}`)) await must(['ip', 'netns', 'del', layout.netns]);
  for (const hierarchy of ['', 'systemd', 'unified', 'cpuacct']) {
    await removeGroups(join('/sys/fs/cgroup', hierarchy, `lab-${layout.machine}`));
  }
}

/** The argument vector that runs a program inside the host, in an environment like that of a fresh login. */
export function enter(leader: number, argv: readonly string[]): string[] {
  return [
    'nsenter',
    '-t',
    String(leader),
    '-a',
    '-r',
    '-w',
    '--',
    'env',
    '-i',
    ...CLEAN_ENVIRONMENT,
    ...argv,
  ];
}

async function launch(lab: Layout, layout: HostLayout, spec: HostSpec): Promise<void> {
  // Small hosts know the operator only: forty would be forty processes at each boot.
  const others = spec.small ? [] : HOST_NAMES.filter((name) => name !== spec.name);
  const neighbours = neighboursOf(lab.addresses, others);
  if (lab.addresses.family === 4) neighbours.unshift([lab.addresses.operator, OPERATOR_MAC]);
  const log = openSync(layout.console, 'a');
  const supervisor = spawn('sh', [join(labFolder, 'supervisor.sh'), layout.folder], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LAB_MACHINE: layout.machine,
      LAB_HOSTNAME: spec.name,
      LAB_ROOT: layout.root,
      LAB_FOLDER: layout.folder,
      LAB_NETNS: layout.netns,
      LAB_BRIDGE_NETNS: lab.bridgeNetns,
      LAB_PORT: layout.port,
      LAB_ADDRESS: addressArguments(lab.addresses, addressOf(lab.addresses, spec)).join(' '),
      LAB_MAC: spec.mac,
      LAB_NEIGHBOURS: neighbours.map(([address, mac]) => `${address}=${mac}`).join(' '),
      LAB_UUID: await machineIdOf(layout),
    },
  });
  closeSync(log);
  supervisor.unref();
  await waitFor(`The supervisor of ${layout.machine}`, 10_000, () => isSupervised(layout) || undefined);
}

async function endsWithin(layout: HostLayout, timeoutMs: number): Promise<boolean> {
  try {
    return await waitForEnd(layout, timeoutMs);
  } catch (error) {
    if (error instanceof LabError) return false;
    throw error;
  }
}

function waitForEnd(layout: HostLayout, timeoutMs: number): Promise<true> {
  return waitFor(`The end of ${layout.machine}`, timeoutMs, () => {
    const running =
      isSupervised(layout) || livePid(layout.nspawnPid, `--machine=${layout.machine}`) !== undefined;
    return running ? undefined : true;
  });
}

async function removeGroups(group: string): Promise<void> {
  if (!existsSync(group)) return;
  for (const entry of await readdir(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroups(join(group, entry.name));
  }
  // The kernel empties a group shortly after its last process has ended.
  await waitFor(`The removal of ${group}`, 10_000, async () => {
    try {
      await rmdir(group);
      return true;
    } catch {
      return existsSync(group) ? undefined : true;
    }
  });
}

/** The pid a file names, if that process still lives and is the one meant (`word` is one of its arguments). */
function livePid(file: string, word: string): number | undefined {
  const pid = Number(readText(file).trim());
  if (!(pid > 0)) return undefined;
  return readText(`/proc/${pid}/cmdline`).split('\0').includes(word) ? pid : undefined;
}

/** Content of a file that may not be there (yet, or any more). */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
