import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Scratch } from './keys.js';

const SSH = '/usr/bin/ssh';
const { PATH } = process.env;

/** Has every OpenSSH that is started from now on read this configuration, as it reads ~/.ssh/config. */
export async function useSshConfig(scratch: Scratch, text: string): Promise<void> {
  const config = await scratch.file('ssh_config', text);
  const folder = join(scratch.path, 'bin');
  mkdirSync(folder, { recursive: true });
  const program = await scratch.file('bin/ssh', `#!/bin/sh\nexec ${SSH} -F ${config} "$@"\n`);
  chmodSync(program, 0o755);
  process.env['PATH'] = `${folder}:${PATH ?? ''}`;
}

/** Has OpenSSH read what it always reads. */
export function useNoSshConfig(): void {
  process.env['PATH'] = PATH;
}
