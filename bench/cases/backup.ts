import {
  ACTIVE,
  BACKUP,
  DISK_MIB,
  makeLargeModel,
  MODEL,
  prepareHost,
  seconds,
} from '../../test/e2e/backup-host.js';
import type { Case } from '../bench.js';
import { time } from '../report.js';

const BACK_UP = '/opt/citadel/scripts/backup_models.py --type daily --model mixtral';
/** With the priorities of a backup, to the end of writing: what the program has to keep up with. */
const PLAIN = `nice -n 10 ionice -c3 bash -o pipefail -c 'tar c -C ${ACTIVE} ${MODEL} | zstd -q -T0 -3 >${BACKUP}/temp/plain && sync ${BACKUP}/temp/plain'`;
const ROUNDS = 5;
const RUNS = 9;

/** Backups of a model of 2 GiB on a lab host: a changed one against tar and zstd, an unchanged one against the first. */
export const backup: Case = {
  name: 'backup',
  about: 'backups of a 2 GiB model: changed, next to tar and zstd; and unchanged',
  async run(bench) {
    process.env['CITADEL_LAB_DISK_MIB'] = String(DISK_MIB);
    const host = bench.lab.host('ai-node');
    await host.reset();
    await prepareHost(host);
    await makeLargeModel(host);
    await host.mustExec(`install -d -o agent0 -g agent0 ${BACKUP}/temp`);

    const plain: number[] = [];
    const ours: number[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      bench.say(`round ${round} of ${ROUNDS}`);
      await host.mustExec(`date +%N >${ACTIVE}/${MODEL}/revision && rm -rf ${BACKUP}/models && sync`);
      plain.push(await seconds(host, PLAIN));
      await host.mustExec(`rm ${BACKUP}/temp/plain && sync`);
      ours.push(await seconds(host, BACK_UP));
    }
    const again: number[] = [];
    for (let run = 0; run < RUNS; run += 1) again.push(await seconds(host, BACK_UP));

    const ratios = plain.map((reference, round) => reference / (ours[round] ?? Infinity));
    const unchanged = median(again) / median(ours);
    const suite = (await host.suite()) ?? '?';
    return [
      {
        what: `a changed model of 2 GiB, throughput against tar and zstd, median of ${ROUNDS} rounds (${suite})`,
        measured: `${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`,
        baseline: `tar c | zstd -T0 -3: ${time(median(plain) * 1000)}`,
        wanted: 'at least 0.9',
        met: median(ratios) >= 0.9,
      },
      {
        what: `the same model unchanged, median of ${RUNS}`,
        measured: `${(100 * unchanged).toFixed(2)} % (${time(median(again) * 1000)})`,
        baseline: `changed: ${time(median(ours) * 1000)}`,
        wanted: 'under 2 %',
        met: unchanged < 0.02,
      },
    ];
  },
};

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
