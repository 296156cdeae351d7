import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Replaces a file, or makes it, in one step: whoever reads it meanwhile has the old text or the new one. Keeps its mode, or gives it one. */
export function replaceFile(path: string, text: string, mode?: number): void {
  const real = realOf(path);
  const draft = join(dirname(real), `.${basename(real)}.${process.pid}`);
  try {
    const file = openSync(draft, 'wx', mode ?? modeOf(real));
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, real);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function modeOf(path: string): number {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return 0o644;
  }
}
