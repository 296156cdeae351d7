import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { targetOf } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import { newHostKey } from '../../ssh/index.js';
import { errorMessage } from '../../text/error-message.js';
import { desiredHosts } from '../desired.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { inventoryHosts } from '../fleet.js';
import { readInventory } from '../read-inventory.js';
import { firstBootText } from '../rebuild/first-boot.js';
import type { CommonOptions, Shell } from '../shell.js';

/**
 * `citadel-iac rebuild HOST --first-boot FILE`: writes user data for cloud-init, with which a new machine can be rebuilt without a
 * person at its console. No host is asked.
 */
export async function firstBoot(
  shell: Shell,
  host: string,
  file: string,
  options: CommonOptions,
): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  inventoryHosts(shell, inventory, [host], {});
  const target = targetOf(inventory, host);
  if ('root' in target)
    throw problem(
      host,
      `is a directory (${target.root}), and not a machine`,
      `Write it with "citadel-iac apply ${host}".`,
    );
  const [manifest] = await desiredHosts(shell, inventory, [host], options);
  const account = manifest?.users?.[target.user];
  const own = await (await (await shell.engine()).recovery()).authorizedKey(target, host);
  const keys = [...new Set([...(account?.authorizedKeys ?? []), ...(own === undefined ? [] : [own])])];
  if (keys.length === 0)
    throw problem(
      host,
      `no key is known that would let ${target.user} in: an agent holds them`,
      `Name its file (hosts.${host}.ssh.identityFile), or give the account authorizedKeys.`,
    );
  const hostKey = await newHostKey(host);
  const text = firstBootText({
    hostName: host,
    user: target.user,
    keys,
    hostKey,
    ...(account?.uid !== undefined && { uid: account.uid }),
  });
  writeNew(resolve(shell.cwd, file), text, file);
  shell.out.write(
    `${file} was written: user data for cloud-init, with the private host key of ${host}.\n` +
      `  1. Put ${hostKey.fingerprint} into hosts.${host}.ssh.hostKeys of ${inventory.source.file}, in place of the old host’s.\n` +
      '  2. Boot Debian’s cloud image with it, and delete the file.\n' +
      `  3. citadel-iac rebuild ${host}\n`,
  );
  return EXIT.ok;
}

/** Never in the place of another file: it may be the only copy of a key. */
function writeNew(path: string, text: string, name: string): void {
  try {
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw problem(
      name,
      `cannot be written: ${errorMessage(error)}`,
      'Name a file that is not there yet, in a folder that is.',
      error,
    );
  }
}

function problem(path: string, got: string, fix: string, cause?: unknown): CitadelError {
  return new CitadelError({ code: 'rebuild.first-boot', path, got, fix }, { cause });
}
