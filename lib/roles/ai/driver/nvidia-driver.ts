import { Construct } from 'constructs';
import { AptPin, KernelModule } from '../../../constructs/debian/index.js';
import {
  addRule,
  AptPackage,
  AptRepository,
  Host,
  HostFile,
  SystemdUnit,
  type HostOs,
  type PathLike,
} from '../../../constructs/host/index.js';
import { HARDENED } from '../../../constructs/operations/index.js';
import { Duration } from '../../../constructs/units.js';
import { exec, loadTemplate } from '../../../render/index.js';
import type { DriverInventory } from '../schema/driver.js';
import { branchOf, driverProblems } from './problems.js';

export interface NvidiaDriverProps {
  /** What the inventory says of it. */
  readonly driver: DriverInventory;
  /** Text of the key that the inventory names. @default - there is none */
  readonly key?: string;
  /** What PyTorch is pinned in, and the name of that file for messages. @default - nothing is known of it */
  readonly requirements?: { readonly file: string; readonly text: string };
  /** @default 0 */
  readonly wave?: number;
}

const SCRIPT = 'opt/citadel/scripts/check-driver';
const STATE = '/run/citadel-driver';
/** Where unattended upgrades leave it alone: whole names are matched from their beginning. */
const PATTERNS = ['^nvidia-', '^libnvidia-', '^libcuda1$', '^firmware-nvidia-', '^cuda-drivers'];
/** What of it has a version of the driver. */
const PINNED = ['nvidia-*', 'libnvidia-*', 'libcuda1', 'libcudadebugger1', 'libnvcuvid1', 'libnvoptix1', 'firmware-nvidia-*', 'cuda-drivers*']; // prettier-ignore
const CODENAMES: Readonly<Record<HostOs, string>> = { 'debian-12': 'bookworm', 'debian-13': 'trixie' };

/**
 * The driver of the GPUs: its packages from one source, held at one version, built for the host's kernels by DKMS;
 * `nvidia-persistenced`, and the fabric manager where it is asked for.
 *
 * What cannot work before a reboot (a first driver that nouveau keeps out, a newer one than is loaded) fails no apply:
 * `citadel-driver.service` says so, and whatever needs the driver has `ConditionPathExists=` with {@link NvidiaDriver.READY}.
 */
export class NvidiaDriver extends Construct {
  static readonly UNIT = 'citadel-driver.service';
  /** There while the driver that is installed is the one that is loaded. */
  static readonly READY = `${STATE}/ready`;

  static readonly SCRIPT = `/${SCRIPT}`;

  readonly unitName = NvidiaDriver.UNIT;
  readonly script: HostFile;

  constructor(scope: Construct, id: string, props: NvidiaDriverProps) {
    super(scope, id);
    const { driver, wave = 0 } = props;
    const { os } = Host.of(this);
    const branch = branchOf(driver, os);
    addRule(this, () => driverProblems(driver, os, props.requirements));
    this.addSource(props, os);
    const version = driver.version ?? (branch === undefined ? undefined : `${branch}.*`);
    const pin = `/etc/apt/preferences.d/citadel-nvidia-driver`;
    if (version !== undefined)
      new AptPin(this, 'pin', { name: 'citadel-nvidia-driver', packages: PINNED, version });
    new HostFile(this, 'upgrades', {
      // After UnattendedUpgrades' own list, which begins with nothing.
      path: '/etc/apt/apt.conf.d/52citadel-nvidia-driver',
      lines: ['Unattended-Upgrade::Package-Blacklist {', ...PATTERNS.map((each) => `    "${each}";`), '};'],
      validate: { command: ['apt-config', 'dump'] },
    });
    for (const name of packagesOf(driver, branch)) new AptPackage(this, name);
    new KernelModule(this, 'nouveau', { state: 'blocked' });
    this.script = new HostFile(this, 'script', {
      path: NvidiaDriver.SCRIPT,
      content: loadTemplate(`ai-node/${SCRIPT}`).text,
      mode: '0755',
    });
    this.addUnit([this.script, ...(version === undefined ? [] : [pin])], wave);
    if (driver.persistenced) this.addDaemon('nvidia-persistenced', wave);
    if (driver.fabricManager) this.addDaemon('nvidia-fabricmanager', wave);
  }

  private addSource({ driver, key }: NvidiaDriverProps, os: HostOs | undefined): void {
    // Both are refused above where it is missing.
    if (os === undefined) return;
    if (driver.from === 'debian') {
      new HostFile(this, 'source', {
        // Read after the host's own, which may say nothing of the key for the same address.
        path: '/etc/apt/sources.list.d/nvidia-driver.sources',
        lines: [
          'Types: deb',
          `URIs: ${driver.mirror ?? 'https://deb.debian.org/debian'}`,
          `Suites: ${CODENAMES[os]} ${CODENAMES[os]}-updates`,
          'Components: contrib non-free non-free-firmware',
          'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
        ],
      });
    } else if (key !== undefined) {
      new AptRepository(this, 'source', {
        name: 'nvidia-driver',
        url:
          driver.mirror ??
          `https://developer.download.nvidia.com/compute/cuda/repos/${os.replace('-', '')}/x86_64/`,
        suite: '/',
        architectures: ['amd64'],
        key,
      });
    }
  }

  private addUnit(restartOn: readonly PathLike[], wave: number): void {
    new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: 'Whether the driver of the GPUs can work',
        After: 'systemd-modules-load.service',
      },
      service: {
        ...HARDENED,
        Type: 'oneshot',
        RemainAfterExit: true,
        ExecStart: exec([this.script.path, STATE]),
        TimeoutStartSec: Duration.minutes(3),
        RuntimeDirectory: STATE.slice('/run/'.length),
        // Everybody may read why.
        RuntimeDirectoryMode: '0755',
        UMask: '0022',
        // It loads modules, and says in /run that a reboot is due.
        CapabilityBoundingSet: 'CAP_SYS_MODULE',
        ProtectKernelModules: false,
        SystemCallFilter: '@system-service @module',
        ProtectSystem: 'full',
        PrivateDevices: false,
      },
      install: { WantedBy: 'multi-user.target' },
      restartOn,
      wave,
    });
  }

  private addDaemon(name: string, wave: number): void {
    SystemdUnit.fromPackage(this, `${name}-unit`, {
      name: `${name}.service`,
      dropIns: {
        citadel: {
          unit: { Wants: this.unitName, After: this.unitName, ConditionPathExists: NvidiaDriver.READY },
        },
      },
      wave,
    });
  }
}

/** Debian packages of a driver for a host without a screen. */
function packagesOf(
  { from, modules, headers, persistenced, fabricManager }: DriverInventory,
  branch = 0,
): string[] {
  const open = modules === 'open';
  return [
    headers,
    'dkms',
    'nvidia-modprobe',
    ...(persistenced ? ['nvidia-persistenced'] : []),
    ...(from === 'debian'
      ? [
          open ? 'nvidia-open-kernel-dkms' : 'nvidia-kernel-dkms',
          'libcuda1',
          'libnvidia-cfg1',
          'libnvidia-nvvm4',
          'nvidia-smi',
        ]
      : ['nvidia-driver-cuda', open ? 'nvidia-kernel-open-dkms' : 'nvidia-kernel-dkms']),
    // Until 575 its package has the branch in its name.
    ...(fabricManager ? [branch >= 580 ? 'nvidia-fabricmanager' : `nvidia-fabricmanager-${branch}`] : []),
  ];
}
