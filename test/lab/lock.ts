import { spawn } from 'node:child_process';
import { LabError } from './process.js';

/**
 * Runs one of several processes at a time. flock(1) holds the lock for as long as we hold its standard input,
 * so that it is free again however we end.
 */
export async function withLock<T>(file: string, timeoutMs: number, body: () => Promise<T>): Promise<T> {
  const seconds = String(Math.ceil(timeoutMs / 1000));
  const holder = spawn('flock', ['--wait', seconds, file, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  holder.stdin.on('error', () => undefined);
  const held = await new Promise<boolean>((resolve) => {
    holder.stdout.once('data', () => {
      resolve(true);
    });
    holder.once('error', () => {
      resolve(false);
    });
    holder.once('exit', () => {
      resolve(false);
    });
  });
  if (!held)
    throw new LabError(`${file} is locked by another lab command.`, `It was not free within ${seconds} s.`);
  try {
    return await body();
  } finally {
    holder.stdin.end();
  }
}
