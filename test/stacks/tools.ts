import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Exit status and all output of a real tool. Bounded; never goes through a shell. */
export function tool(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): { readonly status: number; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  return { status: status ?? -1, output: stdout + stderr };
}

/** Whether `command` can be run. Where CI requires the lab, it requires every tool as well. */
export function hasTool(command: string): boolean {
  if (process.env['CITADEL_LAB'] === 'required') return true;
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
