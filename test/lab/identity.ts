import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import {
  AGENT_ID,
  HOST_NAMES,
  addressOf,
  specOf,
  type HostLayout,
  type HostSpec,
  type Layout,
} from './layout.js';
import { must } from './process.js';

/** The operator's key: one per lab, made at its first `up`. */
export async function ensureOperatorKey(layout: Layout): Promise<void> {
  await makeFolder(dirname(layout.operatorKey), async (folder) => {
    await keygen('ed25519', join(folder, basename(layout.operatorKey)), `operator of the lab ${layout.lab}`);
  });
}

/** Machine id and SSH host keys of a host: made once, so that pins outlive a reset. */
export async function ensureIdentity(layout: HostLayout, spec: HostSpec): Promise<void> {
  await makeFolder(layout.identity, async (folder) => {
    await Promise.all(
      spec.keyTypes.map((type) => keygen(type, join(folder, `ssh_host_${type}_key`), layout.machine)),
    );
    await writeFile(join(folder, 'machine-id'), `${randomBytes(16).toString('hex')}\n`);
  });
}

/** The next {@link ensureIdentity} makes another machine of it: a machine that is reinstalled has new host keys. */
export async function forgetIdentity(layout: HostLayout): Promise<void> {
  await rm(layout.identity, { recursive: true, force: true });
}

/** Fills a folder next to its place and renames it, so that it is there whole or not at all. */
async function makeFolder(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true, mode: 0o700 });
  await fill(partial);
  await rename(partial, folder);
}

export async function machineIdOf(layout: HostLayout): Promise<string> {
  return (await readFile(join(layout.identity, 'machine-id'), 'utf8')).trim();
}

/** Fingerprints as `ssh-keygen -lf` prints them, ed25519 first. */
export function fingerprintsOf(layout: HostLayout, spec: HostSpec): Promise<string[]> {
  return Promise.all(
    spec.keyTypes.map(async (type) => {
      const line = await must(['ssh-keygen', '-lf', join(layout.identity, `ssh_host_${type}_key.pub`)]);
      return line.split(' ')[1] ?? '';
    }),
  );
}

/** Writes what makes a copy of the base this host: names, keys, who may log in. */
export async function seed(lab: Layout, layout: HostLayout, spec: HostSpec): Promise<void> {
  const root = layout.root;
  await writeFile(join(root, 'etc/hostname'), `${spec.name}\n`);
  const named = [...HOST_NAMES.map(specOf), ...(spec.small ? [spec] : [])];
  const others = named.map((each) => `${addressOf(lab.addresses, each)} ${each.name}`).join('\n');
  await writeFile(join(root, 'etc/hosts'), `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${others}\n`);
  await writeFile(join(root, 'etc/machine-id'), `${await machineIdOf(layout)}\n`, { mode: 0o444 });
  for (const name of await readdir(layout.identity)) {
    if (!name.startsWith('ssh_host_')) continue;
    const target = join(root, 'etc/ssh', name);
    await copyFile(join(layout.identity, name), target);
    await chmod(target, name.endsWith('.pub') ? 0o644 : 0o600);
  }
  const operator = await readFile(`${lab.operatorKey}.pub`);
  await authorize(join(root, 'root'), operator, 0);
  await authorize(join(root, 'home/agent0'), operator, AGENT_ID);
}

async function authorize(home: string, key: Buffer, owner: number): Promise<void> {
  const folder = join(home, '.ssh');
  const file = join(folder, 'authorized_keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, key, { mode: 0o600 });
  await chown(folder, owner, owner);
  await chown(file, owner, owner);
}

async function keygen(type: string, file: string, comment: string): Promise<void> {
  await must(['ssh-keygen', '-q', '-t', type, '-N', '', '-C', comment, '-f', file]);
}
