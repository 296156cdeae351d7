import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { ensureBase } from './base/build.js';
import { diskSizeMib, ensureDisks, removeDisks, wipeDisks } from './disks.js';
import { installDoubles, installGrafanaPackage } from './doubles.js';
import { fillDisk, type FilledDisk } from './faults.js';
import { ensureIdentity, fingerprintsOf, forgetIdentity, seed } from './identity.js';
import {
  addressOf,
  hostLayoutOf,
  type HostLayout,
  type HostName,
  type HostSpec,
  type Layout,
  specOf,
} from './layout.js';
import { makeSmall } from './small.js';
import * as machine from './machine.js';
import { LabError, must, run, type Finished, type RunOptions } from './process.js';

export interface HostExecOptions extends RunOptions {
  /** Account to run as, with its login environment; default root. */
  readonly user?: string;
}

export interface HostStatus {
  readonly host: HostName;
  readonly state: 'absent' | 'off' | 'booting' | 'up';
  readonly suite?: string;
  readonly address: string;
  /** PID 1 of the host, as this machine counts. */
  readonly pid1?: number;
}

/** One real Debian host with systemd as PID 1, on a disk of its own. */
export class LabHost {
  readonly name: HostName;
  readonly address: string;
  /** Where things stand on this machine. */
  readonly layout: HostLayout;
  readonly #lab: Layout;
  readonly #spec: HostSpec;

  constructor(lab: Layout, name: HostName) {
    this.name = name;
    this.#lab = lab;
    this.#spec = specOf(name);
    this.address = addressOf(lab.addresses, this.#spec);
    this.layout = hostLayoutOf(lab, name);
  }

  /** SSH host keys that it has, the preferred one first. */
  get keyTypes(): readonly string[] {
    return this.#spec.keyTypes;
  }

  /** The host's PID 1 as this machine counts; undefined while the host is off. */
  get pid1(): number | undefined {
    return machine.leaderOf(this.layout);
  }

  /** The host's root filesystem as a folder of this machine; also there while the host is off. */
  get root(): string {
    return this.layout.root;
  }

  /** SSH host key fingerprints (`SHA256:…`), ed25519 first. They outlive a reset. */
  hostKeyFingerprints(): Promise<string[]> {
    return fingerprintsOf(this.layout, this.#spec);
  }

  /** Runs a program (argument vector) or a sh script (text) inside the host; default deadline 60 s. */
  exec(command: readonly string[] | string, options: HostExecOptions = {}): Promise<Finished> {
    return run(this.argv(command, options.user), options);
  }

  /** {@link exec}; a non-zero exit status is an error with the program's words. */
  mustExec(command: readonly string[] | string, options: HostExecOptions = {}): Promise<string> {
    return must(this.argv(command, options.user), options);
  }

  /** What {@link exec} runs on this machine, for tests that need the process itself. */
  argv(command: readonly string[] | string, user?: string): string[] {
    const leader = this.pid1;
    if (leader === undefined)
      throw new LabError(`${this.layout.machine} is off.`, 'Start it: npm run lab -- up');
    const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
    return machine.enter(
      leader,
      user === undefined ? argv : ['runuser', '--login', user, '--', ...loginArguments(argv)],
    );
  }

  async readFile(path: string): Promise<Buffer> {
    const text = await this.mustExec(['base64', '--wrap=0', '--', path]);
    return Buffer.from(text, 'base64');
  }

  /** Writes in place, as a person's editor would; a new file belongs to root with mode 0644 (umask 022). */
  async writeFile(path: string, content: string | Uint8Array): Promise<void> {
    await this.mustExec(['sh', '-c', 'umask 022 && cat >"$1"', 'write', path], { input: content });
  }

  /** Makes the host if it is not there, and boots it if it is off. */
  async up(suite: string | undefined, progress: (line: string) => void): Promise<void> {
    if (this.pid1 !== undefined) {
      await this.#requireSuite(suite);
      await machine.waitForBoot(this.layout);
      return;
    }
    if ((await this.#requireSuite(suite)) === undefined)
      await this.#create(suite ?? this.#spec.suite, progress);
    await this.start();
  }

  /** Boots the host with the disk it has. */
  async start(): Promise<void> {
    await this.#existing();
    if (this.pid1 === undefined) {
      // The base it was made from, also when the recipe has changed since.
      await machine.mountRoot(this.layout, (await readFile(this.layout.base, 'utf8')).trim());
      await ensureDisks(this.layout, this.#spec, diskSizeMib(process.env));
    }
    await machine.bootMachine(this.#lab, this.layout, this.#spec);
  }

  /** Powers the host off in order. */
  stop(): Promise<void> {
    return machine.powerOff(this.#lab.bridgeNetns, this.layout);
  }

  /** Reboots as `systemctl reboot` inside the host does, and waits until it is up again. */
  async reboot(): Promise<void> {
    const before = this.pid1;
    await this.exec(['systemctl', 'reboot'], { timeoutMs: 10_000 });
    await machine.waitForBoot(this.layout, before);
  }

  /** Waits until the host is up with a PID 1 other than `before`, for reboots that something else asks for. */
  waitForReboot(before: number | undefined): Promise<void> {
    return machine.waitForBoot(this.layout, before);
  }

  /** Power failure: PID 1 is killed, nothing is said to anybody. The disk stays as it is; {@link start} boots it. */
  kill(): Promise<void> {
    return machine.pullPlug(this.#lab.bridgeNetns, this.layout);
  }

  /** Pulls the network cable: packets are lost in silence, connections stay open on both sides. */
  async unplug(): Promise<void> {
    await must(machine.unplug(this.#lab.bridgeNetns, this.layout));
  }

  /** Plugs the network cable in again. */
  async plug(): Promise<void> {
    await must(machine.plug(this.#lab.bridgeNetns, this.layout));
  }

  /** Fills the filesystem that holds a folder of the host, all but `leaveBytes`. */
  fillDisk(folder: string, leaveBytes: number): Promise<FilledDisk> {
    return fillDisk(this, folder, leaveBytes);
  }

  /**
   * {@link kill}, then boot again with the disk as it was. With `loseUnwritten`, the root disk (not the data disks)
   * loses what had not been written to it, as in a real power failure: only what was synced is sure to be there.
   */
  async crash(options: { readonly loseUnwritten?: boolean } = {}): Promise<void> {
    await this.kill();
    if (options.loseUnwritten === true) await machine.loseUnwritten(this.layout);
    await this.start();
  }

  /** A bare host again, with the same keys and machine id. */
  async reset(): Promise<void> {
    const suite = await this.#existing();
    await this.#create(suite, () => undefined);
    await this.start();
  }

  /**
   * The machine is lost and another is in its place: a bare Debian with sshd, which lets root in with the operator's key,
   * without the account, without sudo, with other host keys and machine id. Disks are empty but for those to keep. The
   * lab's files (targets, known_hosts) go on naming the old keys, as files of a person do; `up` writes them again.
   */
  async lose(options: { readonly keepDisks?: readonly string[] } = {}): Promise<void> {
    const suite = await this.#existing();
    await machine.pullPlug(this.#lab.bridgeNetns, this.layout);
    await rm(this.layout.suite, { force: true });
    await wipeDisks(this.layout, this.#spec, options.keepDisks ?? [], diskSizeMib(process.env));
    await machine.discardRoot(this.layout);
    await forgetIdentity(this.layout);
    await this.#furnish(suite, () => undefined);
    await this.start();
    // Packages are not there, but can be installed: a lab host has a repository inside.
    await this.mustExec(
      `userdel --remove --force agent0 2>/dev/null; getent passwd agent0 && exit 1
       rm -f /etc/sudoers.d/90-agent0
       SUDO_FORCE_REMOVE=yes DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge sudo >/dev/null`,
      { timeoutMs: 120_000 },
    );
  }

  /** Ends the host and everything it has on this machine outside the lab's state folder. */
  async remove(): Promise<void> {
    if (!existsSync(this.layout.folder)) return;
    await this.#discard();
    await machine.removeTraces(this.#lab, this.layout);
  }

  async status(): Promise<HostStatus> {
    const suite = await this.suite();
    const pid1 = this.pid1;
    const booting = pid1 === undefined ? machine.isSupervised(this.layout) : false;
    return {
      host: this.name,
      state: suite === undefined ? 'absent' : pid1 !== undefined ? 'up' : booting ? 'booting' : 'off',
      address: this.address,
      ...(suite === undefined ? {} : { suite }),
      ...(pid1 === undefined ? {} : { pid1 }),
    };
  }

  /** Debian suite of the host as it was made; undefined if there is none. */
  async suite(): Promise<string | undefined> {
    const file = this.layout.suite;
    return existsSync(file) ? (await readFile(file, 'utf8')).trim() : undefined;
  }

  async #existing(): Promise<string> {
    const suite = await this.suite();
    if (suite !== undefined) return suite;
    throw new LabError(`${this.layout.machine} does not exist.`, 'Make it: npm run lab -- up');
  }

  async #create(suite: string, progress: (line: string) => void): Promise<void> {
    // What an interrupted attempt may have left; nothing, usually.
    await this.#discard();
    await this.#furnish(suite, progress);
  }

  /** A fresh root, and whatever is missing next to it. */
  async #furnish(suite: string, progress: (line: string) => void): Promise<void> {
    const base = await ensureBase(suite, progress);
    await mkdir(this.layout.folder, { recursive: true });
    await writeFile(this.layout.base, `${base}\n`);
    await ensureIdentity(this.layout, this.#spec);
    await machine.mountRoot(this.layout, base);
    await seed(this.#lab, this.layout, this.#spec);
    if (this.#spec.ai) await installDoubles(this.layout.root);
    else if (this.#spec.small) await makeSmall(this.layout.root);
    else await installGrafanaPackage(this.layout.root);
    await ensureDisks(this.layout, this.#spec, diskSizeMib(process.env));
    // Written last: a host that has a suite is complete.
    await writeFile(this.layout.suite, `${suite}\n`);
  }

  async #discard(): Promise<void> {
    await machine.pullPlug(this.#lab.bridgeNetns, this.layout);
    await rm(this.layout.suite, { force: true });
    await removeDisks(this.layout, this.#spec);
    await machine.discardRoot(this.layout);
  }

  async #requireSuite(wanted: string | undefined): Promise<string | undefined> {
    const present = await this.suite();
    if (present !== undefined && wanted !== undefined && present !== wanted) {
      throw new LabError(
        `${this.layout.machine} runs ${present}, not ${wanted}.`,
        'First: npm run lab -- down',
      );
    }
    return present;
  }
}

/** runuser --login runs one shell command line; the words of the vector reach it quoted. */
function loginArguments(argv: readonly string[]): string[] {
  return ['-c', argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')];
}
