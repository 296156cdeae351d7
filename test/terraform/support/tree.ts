import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Records of one run in what the engine keeps: its id, when it was, who asked, and the host's own random key. */
const OF_ONE_RUN = /^\/var\/lib\/citadel-iac\/(key|lock|generations\/\d+\/(time|who))$/;
const META = /^\/var\/lib\/citadel-iac\/generations\/\d+\/meta$/;

const TOOL = /^\/var\/lib\/citadel-iac\/generations\/\d+\/tool$/;

/** Every path of an offline root → kind, owner, mode and bytes, but for what differs from run to run by design. */
export function treeOf(root: string): Record<string, string> {
  return Object.fromEntries(pathsOf(root, '').map((path) => [path, describe(root, path)]));
}

function pathsOf(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.flatMap((it) => {
    const path = `${folder}/${it.name}`;
    // Only the command line tells its version.
    if (TOOL.test(path)) return [];
    return it.isDirectory() ? [path, ...pathsOf(root, path)] : [path];
  });
}

function describe(root: string, path: string): string {
  const full = join(root, path);
  const { mode, uid, gid } = lstatSync(full);
  const about = `${mode.toString(8)} ${uid}:${gid}`;
  if ((mode & 0o170000) === 0o120000) return `${about} -> ${readlinkSync(full)}`;
  if ((mode & 0o170000) !== 0o100000) return about;
  if (OF_ONE_RUN.test(path)) return `${about} (of one run)`;
  const bytes = readFileSync(full, 'latin1');
  return `${about}\n${META.test(path) ? bytes.replace(/^(id|nonce|who)=.*$/gm, '$1=(of one run)') : bytes}`;
}
