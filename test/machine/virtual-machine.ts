import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { must, run, sleep, waitFor, type Finished } from '../lab/process.js';
import type { Image } from './image.js';

/** The machine's disks by their file names in a folder: the system's, one for data and one for swap. */
const DISKS = ['root.qcow2', 'data.qcow2', 'swap.qcow2'] as const;
/** Under software emulation, next to whatever else the computer does. */
const BOOT_TIMEOUT_MS = 600_000;

/** A Debian with a kernel of its own, under software emulation, reached through a port of the loopback. */
export class VirtualMachine {
  private constructor(
    readonly port: number,
    private readonly image: Image,
    private readonly folder: string,
    private readonly qemu: ChildProcess,
    private readonly control: Socket,
  ) {}

  /** Makes the disks of a machine that was never booted. @param folder absolute, not there yet */
  static async create(image: Image, folder: string): Promise<void> {
    await mkdir(folder);
    const script = `
      truncate -s 64M data swap; mkdir files; echo planted >files/data
      mkfs.ext4 -q -L data -d files data; mkswap -q -L swap swap
      for disk in data swap; do qemu-img convert -O qcow2 "$disk" "$disk.qcow2"; rm "$disk"; done
      qemu-img create -q -f qcow2 -F raw -b "$0" root.qcow2`;
    await must(['/bin/sh', '-euc', script, image.disk], { cwd: folder });
  }

  /** Boots from the disks in `folder`, and waits for a login. */
  static async boot(image: Image, folder: string): Promise<VirtualMachine> {
    const port = await freePort();
    const socket = join(folder, 'control');
    const argv = [
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', '768', '-smp', '2'],
      ...['-kernel', image.kernel, '-initrd', image.initrd],
      ...['-append', 'root=LABEL=root rw console=ttyS0 quiet mitigations=off'],
      ...DISKS.flatMap((disk) => ['-drive', `file=${join(folder, disk)},format=qcow2,if=virtio`]),
      ...['-nic', `user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`],
      ...['-display', 'none', '-serial', `file:${join(folder, 'console')}`, '-no-reboot'],
      ...['-qmp', `unix:${socket},server=on,wait=off`],
    ];
    const qemu = spawn('qemu-system-x86_64', argv, { stdio: ['ignore', 'inherit', 'inherit'] });
    try {
      const control = await waitFor('the machine’s control socket', 60_000, () => connected(socket));
      const machine = new VirtualMachine(port, image, folder, qemu, control);
      await machine.command('qmp_capabilities');
      const login = async () => ((await machine.exec('true')).code === 0 ? true : undefined);
      await waitFor('a login', BOOT_TIMEOUT_MS, login, 1000);
      return machine;
    } catch (error) {
      qemu.kill('SIGKILL');
      throw error;
    }
  }

  /** Runs a shell script as root. */
  exec(script: string, timeoutMs = 120_000): Promise<Finished> {
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'ConnectTimeout=30'];
    const words = [
      ...options.flatMap((option) => ['-o', option]),
      ...['-q', '-i', this.image.key, '-p', String(this.port)],
    ];
    return run(['ssh', ...words, 'agent0@127.0.0.1', 'sudo sh -s'], { input: script, timeoutMs });
  }

  async mustExec(script: string): Promise<string> {
    const done = await this.exec(script);
    if (done.code !== 0) throw new Error(`exit status ${done.code}: ${done.stderr}${done.stdout}`);
    return done.stdout;
  }

  /** Copies the disks as they are at this moment: what a machine finds whose power fails now. */
  async copyDisks(folder: string): Promise<void> {
    await mkdir(folder);
    await this.command('stop');
    for (const disk of DISKS) await copyFile(join(this.folder, disk), join(folder, disk));
    await this.command('cont');
  }

  /** Pulls the plug. */
  async cutPower(): Promise<void> {
    this.control.destroy();
    if (this.qemu.exitCode !== null) return;
    this.qemu.kill('SIGKILL');
    await once(this.qemu, 'exit');
  }

  private async command(name: string): Promise<void> {
    const lines = createInterface({ input: this.control });
    this.control.write(`${JSON.stringify({ execute: name })}\n`);
    for await (const line of lines) {
      const answer = JSON.parse(line) as { return?: unknown; error?: unknown };
      if (answer.error !== undefined) throw new Error(`${name}: ${line}`);
      if (answer.return !== undefined) break;
    }
  }
}

async function connected(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    await sleep(100);
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
