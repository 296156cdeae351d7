import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the text of a host's program from a file, as hosts do: one argument of a command can have 128 KiB at most. */
export function runText(script: string, args: readonly string[], input = ''): SpawnSyncReturns<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'citadel-text-'));
  try {
    const file = join(folder, 'program.sh');
    writeFileSync(file, script);
    return spawnSync('/bin/sh', [file, ...args], { input });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
