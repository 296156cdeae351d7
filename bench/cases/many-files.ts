import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Case } from '../bench.js';
import { byTurns, medians } from '../measure.js';
import { time } from '../report.js';
import { filesManifest } from '../work.js';

const FILES = 2000;
const BYTES = 4096;
const WANTED_MS = 2000;
const WANTED_MIB = 250;

/** Whether time and memory grow sensibly with what a host has. */
export const manyFiles: Case = {
  name: 'many-files',
  about: `unchanged diff of ${FILES} files of ${BYTES / 1024} KiB: time and memory`,
  async run(bench) {
    await bench.forget('ai-node');
    const file = await bench.manifestFile(filesManifest('ai-node', FILES, BYTES), 'many');
    const first = await bench.apply([file]);
    const peaks: number[] = [];
    const peakFile = join(bench.workbench.folder, 'peak');
    const { node, diff } = medians(
      await byTurns(
        {
          node: async () => (await bench.node()).ms,
          diff: async () => {
            const run = await bench.cli(['diff', '--manifest', file], {
              env: {
                ...process.env,
                NODE_OPTIONS: `--require ${resolve('bench/programs/peak-memory.cjs')}`,
                BENCH_PEAK_FILE: peakFile,
              },
            });
            peaks.push(Number(await readFile(peakFile, 'utf8')));
            return run.ms;
          },
        },
        { rounds: bench.rounds },
      ),
    );
    const peak = Math.max(...peaks) / 1024;
    await bench.forget('ai-node');
    return [
      {
        what: `unchanged diff, ${FILES} files of ${BYTES / 1024} KiB`,
        measured: `${time(diff)}, at most ${peak.toFixed(0)} MiB`,
        baseline: `node -e 0 ${time(node)}; their first apply ${time(first.ms)}`,
        wanted: `less than ${WANTED_MS / 1000} s and ${WANTED_MIB} MiB`,
        met: diff < WANTED_MS && peak < WANTED_MIB,
      },
    ];
  },
};
