import { chmodSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Scratch } from './keys.js';

const SSH = '/usr/bin/ssh';
const { PATH } = process.env;

/** Has every OpenSSH that is started from now on read this configuration, as it reads ~/.ssh/config. */
export async function useSshConfig(scratch: Scratch, text: string): Promise<void> {
  const config = await scratch.file('ssh_config', text);
  await useInstead(scratch, `exec ${SSH} -F ${config} "$@"`);
}

/** Has every OpenSSH that is started from now on find this folder as its user's `.ssh`; only root can. */
export async function useSshOf(scratch: Scratch, folder: string): Promise<void> {
  const home = userInfo().homedir;
  const inside = `mkdir -p ${home}/.ssh && mount --bind ${folder} ${home}/.ssh && exec ${SSH} "$@"`;
  await useInstead(scratch, `exec unshare -m sh -c '${inside}' ssh "$@"`);
}

async function useInstead(scratch: Scratch, command: string): Promise<void> {
  const folder = join(scratch.path, 'bin');
  mkdirSync(folder, { recursive: true });
  const program = await scratch.file('bin/ssh', `#!/bin/sh\n${command}\n`);
  chmodSync(program, 0o755);
  process.env['PATH'] = `${folder}:${PATH ?? ''}`;
}

/** Has OpenSSH read what it always reads. */
export function useNoSshConfig(): void {
  process.env['PATH'] = PATH;
}
