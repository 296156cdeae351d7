import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeModels } from './doubles.js';
import { MODELS_LABEL, type DiskSpec, type HostLayout, type HostSpec } from './layout.js';
import { LabError, must, run } from './process.js';

/** Where the base's `make-disks` looks, relative to the host's root. */
const TABLE = 'usr/local/lib/citadel-lab/disks.tab';

/** Size of each data disk in MiB: `CITADEL_LAB_DISK_MIB`, default 256. Images are sparse: they cost what is written to them. */
export function diskSizeMib(environment: Environment): number {
  return sizeOf(environment, 'CITADEL_LAB_DISK_MIB', 256);
}

/** Size of a host's own disk in MiB: `CITADEL_LAB_ROOT_MIB`, default 4096. */
export function rootSizeMib(environment: Environment): number {
  return sizeOf(environment, 'CITADEL_LAB_ROOT_MIB', 4096);
}

type Environment = Readonly<Record<string, string | undefined>>;

function sizeOf(environment: Environment, name: string, usual: number): number {
  const text = environment[name] ?? String(usual);
  const size = Number(text);
  if (!Number.isInteger(size) || size < 16 || size > 65_536) {
    throw new LabError(`${name} is "${text}".`, 'Give whole MiB from 16 to 65536.');
  }
  return size;
}

export function imageOf(layout: HostLayout, disk: DiskSpec): string {
  return join(layout.disks, `${disk.label}.img`);
}

/** Makes missing images (ext4 with the guide's labels), attaches them and tells the host's root their numbers. */
export async function ensureDisks(layout: HostLayout, spec: HostSpec, sizeMib: number): Promise<void> {
  if (spec.disks.length === 0) return;
  await mkdir(layout.disks, { recursive: true });
  const lines: string[] = [];
  for (const disk of spec.disks) {
    const image = imageOf(layout, disk);
    if (!existsSync(image)) await makeDisk(image, disk.label, sizeMib);
    const loop = await attach(image);
    const numbers = (await must(['stat', '-c', '%Hr %Lr', loop])).trim();
    const uuid = (await must(['blkid', '-p', '-s', 'UUID', '-o', 'value', image])).trim();
    lines.push(`${disk.device} ${numbers} ${disk.label} ${uuid}`);
  }
  await writeFile(join(layout.root, TABLE), `${lines.join('\n')}\n`);
}

/** Makes disks empty file systems again, all but those with these labels; they lose what was on them, as a stolen machine does. */
export async function wipeDisks(
  layout: HostLayout,
  spec: HostSpec,
  keep: readonly string[],
  sizeMib: number,
): Promise<void> {
  for (const disk of spec.disks.filter(({ label }) => !keep.includes(label))) {
    const image = imageOf(layout, disk);
    for (const loop of await loopsOf(image)) await must(['losetup', '--detach', loop]);
    await makeFilesystem(image, sizeMib, disk.label);
  }
}

/** Detaches and deletes every image of the host. */
export async function removeDisks(layout: HostLayout, spec: HostSpec): Promise<void> {
  for (const disk of spec.disks) {
    for (const loop of await loopsOf(imageOf(layout, disk))) await must(['losetup', '--detach', loop]);
  }
  await rm(layout.disks, { recursive: true, force: true });
}

/** The models disk comes with the models that someone downloaded by hand; the others are empty. */
async function makeDisk(image: string, label: string, sizeMib: number): Promise<void> {
  if (label !== MODELS_LABEL) {
    await makeFilesystem(image, sizeMib, label);
    return;
  }
  const content = `${image}.content.${process.pid}`;
  await rm(content, { recursive: true, force: true });
  await writeModels(content);
  await makeFilesystem(image, sizeMib, label, content);
  await rm(content, { recursive: true, force: true });
}

/** A sparse file with an ext4 filesystem, empty or with a copy of `content`; the label is at most 16 characters. */
export async function makeFilesystem(
  image: string,
  sizeMib: number,
  label: string,
  content?: string,
): Promise<void> {
  const partial = `${image}.${process.pid}`;
  const handle = await open(partial, 'w');
  await handle.truncate(sizeMib * 1024 * 1024);
  await handle.close();
  const copy = content === undefined ? [] : ['-d', content];
  await must([
    'mkfs.ext4',
    '-q',
    '-m',
    '0',
    '-L',
    label,
    '-E',
    'lazy_itable_init=1,nodiscard',
    ...copy,
    partial,
  ]);
  await rename(partial, image);
}

async function attach(image: string): Promise<string> {
  const [present] = await loopsOf(image);
  return present ?? (await must(['losetup', '--find', '--show', image])).trim();
}

async function loopsOf(image: string): Promise<string[]> {
  const { stdout } = await run([
    'losetup',
    '--list',
    '--noheadings',
    '--output',
    'NAME',
    '--associated',
    image,
  ]);
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
