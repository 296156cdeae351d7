import { spawnSync } from 'node:child_process';
import type { LabHost } from '../lab/api.js';

/** Puts the node's programs where a deployment would: library and commands, owned by root. */
export async function installNodePrograms(host: LabHost): Promise<void> {
  const tar = spawnSync(
    'tar',
    [
      '-C',
      'templates/ai-node',
      '--owner=0',
      '--group=0',
      '--exclude=__pycache__',
      '-cf',
      '-',
      'opt/citadel/lib',
      'usr/local/bin',
      '-C',
      '../base',
      'usr/local/bin',
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  if (tar.status !== 0) throw new Error(tar.stderr.toString('utf8'));
  await host.mustExec('base64 -d | tar -C / -xpf -', { input: tar.stdout.toString('base64') });
}
