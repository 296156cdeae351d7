import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A control socket's path has room for about 100 bytes (`sun_path`), and OpenSSH makes it under a name that is 17 longer.
 */
const MOST_BYTES = 70;
const PREFIX = 'citadel-ctl-';
/** Long enough that no log-in which still needs its folder is that old. */
const STALE_MS = 60 * 60 * 1000;

/** A private, short folder for one connection: the control socket, the log, the pins. */
export function makeFolder(): string {
  const base = places()[0] ?? '/tmp';
  sweep(base);
  return mkdtempSync(join(base, `${PREFIX}${String(process.pid)}-`));
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The next one sweeps it.
  }
}

function places(): string[] {
  const wanted = [process.env['XDG_RUNTIME_DIR'], tmpdir(), '/tmp'];
  return wanted.filter((path): path is string => {
    if (path === undefined || !/^\/[^\n]*$/.test(path)) return false;
    if (Buffer.byteLength(join(path, `${PREFIX}4194304-XXXXXX`)) > MOST_BYTES) return false;
    try {
      return statSync(path).isDirectory();
    } catch {
      return false;
    }
  });
}

/** Removes what a run that was killed has left. Others may write in the folder: nothing of theirs, and no link, is followed. */
function sweep(base: string): void {
  for (const name of namesIn(base)) {
    const pid = /^citadel-ctl-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(base, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    const own = stat?.isDirectory() === true && stat.uid === process.getuid?.();
    if (own && Date.now() - stat.mtimeMs > STALE_MS) removeFolder(path);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
