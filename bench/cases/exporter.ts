import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { installMonitoring, metric, misbehave } from '../../test/e2e/node-monitoring-host.js';
import { mainPid } from '../../test/e2e/harness.js';
import { waitFor, type LabHost } from '../../test/lab/api.js';
import type { Case } from '../bench.js';

const SCRAPES = 1000;
const MINUTES = 10;

const LOGS = '/opt/citadel/logs/monitoring';

/** Fills metrics.json with as many entries as are kept, every fifteen seconds until now: what it has after half a day. */
const FULL = `
import json, sys, time
path = sys.argv[1]
last = json.load(open(path))[-1]
times = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 15 * n)) for n in range(2880, 0, -1))
lines = [json.dumps({**last, "time": at}) for at in times]
open(path, "w").write("[\\n" + ",\\n".join(lines) + "\\n]\\n")
`;

interface Times {
  readonly count: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The node's monitoring while things hang: seven models of which one is wedged, and an nvidia-smi that never ends. */
export const exporter: Case = {
  name: 'exporter',
  about: `scrapes of the AI node with a wedged model and a stuck nvidia-smi, and memory after ${MINUTES} minutes`,
  async run(bench) {
    const host = bench.lab.host('ai-node');
    await host.reset();
    // No restarts, so that the wedged model stays wedged.
    await installMonitoring(host, {
      probeIntervalSec: 30,
      intervalSec: 15,
      restartAfterFailures: 3,
      restartsPerHour: 0,
    });
    await host.writeFile('/tmp/fill.py', FULL);
    await host.mustExec(
      `systemctl stop citadel-monitor.service && python3 /tmp/fill.py ${LOGS}/metrics.json && systemctl start citadel-monitor.service`,
    );
    const began = performance.now();
    await host.writeFile('/tmp/scrape.py', await readFile('bench/programs/scrape.py'));
    const well = await scrape(host, 8000, '/metrics', SCRAPES, 0);
    await misbehave(host, 'phi3', { wedged: true });
    await host.writeFile('/run/citadel-lab/nvidia-smi.json', JSON.stringify({ hangSec: 3600 }));
    await waitFor('both faults in the metrics', 120_000, async () =>
      (await metric(host, 'citadel_gpu_query_success')) === 0 &&
      (await metric(host, 'citadel_model_probe_success{model="phi3"}')) === 0
        ? true
        : undefined,
    );
    const stuck = await scrape(host, 8000, '/metrics', SCRAPES, 0);
    const nothing = await scrape(host, 8001, '/health', SCRAPES, 0);
    bench.say(`scraping every second until ${MINUTES} minutes are over`);
    const left = MINUTES * 60 - (performance.now() - began) / 1000;
    if (left > 0) await scrape(host, 8000, '/metrics', Math.ceil(left), 1);
    await sleep(1000);
    const suite = (await host.suite()) ?? '?';
    const health = `/health alone: p50 ${ms(nothing.p50)}, p99 ${ms(nothing.p99)}`;
    const memory = async (unit: string): Promise<number> => residentMib(host, await mainPid(host, unit));
    const resident = {
      exporter: await memory('citadel-metrics-exporter.service'),
      monitor: await memory('citadel-monitor.service'),
    };
    return [
      {
        what: `${SCRAPES} scrapes of /metrics, seven models, all well (${suite})`,
        measured: words(well),
        baseline: health,
        wanted: 'p99 under 50 ms',
        met: well.p99 < 50,
      },
      {
        what: 'the same, one model wedged, nvidia-smi stuck',
        measured: words(stuck),
        baseline: health,
        wanted: 'p99 under 50 ms',
        met: stuck.p99 < 50,
      },
      {
        what: `resident memory of the exporter after ${MINUTES} minutes`,
        measured: `${resident.exporter.toFixed(1)} MiB`,
        baseline: '',
        wanted: 'under 60 MiB',
        met: resident.exporter < 60,
      },
      {
        what: `resident memory of the monitor after ${MINUTES} minutes, its files full`,
        measured: `${resident.monitor.toFixed(1)} MiB`,
        baseline: '',
        wanted: 'under 40 MiB',
        met: resident.monitor < 40,
      },
    ];
  },
};

async function scrape(
  host: LabHost,
  port: number,
  path: string,
  count: number,
  pauseSec: number,
): Promise<Times> {
  const argv = [
    'python3',
    '/tmp/scrape.py',
    '127.0.0.1',
    String(port),
    path,
    String(count),
    String(pauseSec),
  ];
  const text = await host.mustExec(argv, { timeoutMs: 180_000 + count * pauseSec * 1500 });
  return JSON.parse(text) as Times;
}

async function residentMib(host: LabHost, pid: string): Promise<number> {
  const line = await host.mustExec(`grep VmRSS: /proc/${pid}/status`);
  return Number(/\d+/.exec(line)?.[0]) / 1024;
}

function words({ p50, p99, max, bytes }: Times): string {
  return `p50 ${ms(p50)}, p99 ${ms(p99)}, most ${ms(max)}; ${(bytes / 1024).toFixed(1)} KiB`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
