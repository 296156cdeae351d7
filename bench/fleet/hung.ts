import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../test/lab/api.js';
import { smallHosts } from '../../test/lab/api.js';

const ROUNDS = 5;

/**
 * How much later the last of the others is read when one host accepts connections and says nothing: runs by turns, the least of each.
 * The hosts and files are those of {@link contendersIn}'s last run of ours.
 */
export async function delayOfTheRest(
  lab: Lab,
  folder: string,
): Promise<{
  readonly what: string;
  readonly measured: string;
  readonly baseline: string;
  readonly ms: number;
}> {
  const documents = JSON.parse(await readFile(join(folder, 'documents.json'), 'utf8')) as { hosts: object };
  const count = Object.keys(documents.hosts).length;
  const hung = lab.host(smallHosts(count).at(-1) ?? 'h01');
  const sshd = (await hung.mustExec(['cat', '/run/sshd.pid'])).trim();
  const [free, held]: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const well = await untilRead(lab, folder, hung.name, count - 1);
    await hung.mustExec(['kill', '-STOP', sshd]);
    let hanging: number;
    try {
      hanging = await untilRead(lab, folder, hung.name, count - 1);
    } finally {
      await hung.mustExec(['kill', '-CONT', sshd]);
    }
    // The first round warms up.
    if (round === 0) continue;
    free.push(well);
    held.push(hanging);
  }
  const [best, worst] = [Math.min(...free), Math.min(...held)];
  return {
    what: `${String(count)} hosts: all but one read, when that one hangs`,
    measured: `${(worst - best).toFixed(0)} ms later`,
    baseline: `${best.toFixed(0)} ms without it, ${worst.toFixed(0)} ms with it; least of ${String(ROUNDS)}`,
    ms: worst - best,
  };
}

/** Milliseconds from the start of `diff` until so many others than `hung` have been read. */
function untilRead(lab: Lab, folder: string, hung: string, others: number): Promise<number> {
  const words = ['--inventory', join(folder, 'inventory.yaml'), '--manifest', join(folder, 'documents.json')];
  const [program = '', ...args] = lab.operator.argv([
    'node',
    'bin/citadel-iac.mjs',
    'diff',
    '--json-lines',
    ...words,
  ]);
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let rest = '';
    let left = others;
    let ms = NaN;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { host, error } = JSON.parse(line) as { host: string; error?: string };
        if (host === hung) continue;
        if (error !== undefined) reject(new Error(`${host}: ${error}`));
        left -= 1;
        if (left === 0) ms = performance.now() - start;
      }
    });
    child.on('error', reject);
    child.on('close', () => resolve(ms));
  });
}
