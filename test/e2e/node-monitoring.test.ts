import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { waitFor } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { mainPid } from './harness.js';
import { alerts, installMonitoring, metric, misbehave, MODELS } from './node-monitoring-host.js';

const LOGS = '/opt/citadel/logs/monitoring';
const PER_HOUR = 2;

interface Baseline {
  readonly time: string;
  readonly compared_with: string | null;
  readonly disks: readonly { readonly write_mib_per_sec: number }[];
  readonly models: readonly { readonly tokens_per_sec: number }[];
}

describeLab('monitoring on the node', (lab) => {
  const host = lab.host('ai-node');
  const restarts = (model: string): Promise<number | undefined> =>
    metric(host, `citadel_monitor_model_restarts_total{model="${model}"}`);
  const probe = (model: string): Promise<number | undefined> =>
    metric(host, `citadel_model_probe_success{model="${model}"}`);
  /** `seconds` on a machine that has nothing else to do; a loaded one gets three times that. */
  const until = (what: string, seconds: number, condition: () => Promise<boolean>): Promise<unknown> =>
    waitFor(what, 3 * seconds * 1000, async () => ((await condition()) ? true : undefined));

  beforeAll(async () => {
    await host.reset();
    await installMonitoring(host, {
      probeIntervalSec: 3,
      intervalSec: 1,
      restartAfterFailures: 2,
      restartsPerHour: PER_HOUR,
    });
  });

  it('answers the lines of the guide, typed as agent0', async () => {
    const run = (line: string): Promise<string> => host.mustExec(line, { user: 'agent0' });
    expect(await run('curl -fsS http://localhost:8000/metrics/system')).toMatch(/^citadel_system_load1 \d/m);
    // The first record may be older than the first look at the models.
    await until('the models in the records', 60, async () =>
      (await run(`cat ${LOGS}/metrics.json | jq '.[-1]'`)).includes('"phi3"'),
    );
    expect(await run(`cat ${LOGS}/alerts.json | jq '.[-5:]'`)).toMatch(/^\[/);
    expect(
      (await host.exec(`grep -E "(critical|warning)" ${LOGS}/alerts.json`, { user: 'agent0' })).code,
    ).toBe(1);
    const status = JSON.parse(await run('/opt/citadel/scripts/monitoring_dashboard.py --json')) as {
      models: Record<string, { probe: boolean }>;
    };
    expect(Object.keys(status.models).sort()).toEqual(Object.keys(MODELS).sort());
    expect(await run('/opt/citadel/scripts/monitoring_dashboard.py')).toContain('phi3');
  });

  it('measures the node and compares with the last time', async () => {
    const measure = (): Promise<string> =>
      host.mustExec('/opt/citadel/scripts/performance_baseline.py --quick --json', { user: 'agent0' });
    const first = JSON.parse(await measure()) as Baseline;
    expect(first.compared_with).toBeNull();
    expect(first.disks[0]?.write_mib_per_sec).toBeGreaterThan(0);
    expect(first.models.every(({ tokens_per_sec }) => tokens_per_sec > 0)).toBe(true);
    const second = JSON.parse(await measure()) as Baseline;
    expect(second.compared_with).toBe(first.time);
    expect(
      await host.mustExec('find /mnt/citadel-models /mnt/citadel-backup -name "*citadel*" -type f'),
    ).toBe('');
  });

  it('writes the report of the month', async () => {
    const files = await host.mustExec('/opt/citadel/scripts/generate_monthly_report.py', { user: 'agent0' });
    expect(files).toMatch(/^\/opt\/citadel\/logs\/reports\/\d{4}-\d{2}\.md\n.*\.html\n$/);
    expect(await host.mustExec(`cat ${files.split('\n')[1] ?? ''}`)).toContain('baselines were measured');
  });

  it('asks the disks for their health, and says which one fails or does not tell', async () => {
    const collect = '/opt/citadel/scripts/collect_smart.py';
    const metrics = 'cat /var/lib/prometheus/node-exporter/citadel-smart.prom';
    await host.mustExec(collect, { user: 'agent0' });
    expect(await host.mustExec(metrics)).toContain('citadel_smart_healthy{device="/dev/nvme1n1"} 1');
    await host.mustExec(
      'mkdir -p /run/citadel-lab; echo /dev/nvme1n1 >/run/citadel-lab/smart-failing; echo /dev/sda >/run/citadel-lab/smart-missing',
    );
    const run = await host.exec(collect);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('/dev/sda: it has no SMART');
    const written = await host.mustExec(metrics);
    expect(written).toContain('citadel_smart_healthy{device="/dev/nvme1n1"} 0');
    expect(written).not.toContain('citadel_smart_healthy{device="/dev/sda"}');
    await host.mustExec('rm /run/citadel-lab/smart-failing /run/citadel-lab/smart-missing');
    await host.mustExec(collect);
  });

  it('listens on the addresses that it was given and on no other', async () => {
    const listening = await host.mustExec(
      `ss -Hltn '( sport = :8000 or sport = :8001 )' | awk '{print $4}' | sort`,
    );
    expect(listening.trim().split('\n')).toEqual([
      '127.0.0.1:8000',
      '127.0.0.1:8001',
      '192.168.10.35:8000',
      '192.168.10.35:8001',
    ]);
  });

  it('keeps its files readable while they are replaced', async () => {
    // Whoever reads sees a whole array, however often it is replaced: some hundred times within these seconds.
    const script = [
      `end=$(($(date +%s) + 8)); count=0`,
      `while [ "$(date +%s)" -lt "$end" ]; do`,
      `  jq -e '.[-1].models | length == ${Object.keys(MODELS).length}' ${LOGS}/metrics.json >/dev/null || exit 1`,
      `  jq -e 'type == "array"' ${LOGS}/alerts.json >/dev/null || exit 1`,
      `  count=$((count + 1))`,
      `done; echo $count`,
    ].join('\n');
    const count = Number(await host.mustExec(script, { user: 'agent0', timeoutMs: 30_000 }));
    expect(count).toBeGreaterThan(20);
  });

  it('serves at once what it knows while nvidia-smi hangs, and says that it hangs', async () => {
    await host.mustExec(
      `mkdir -p /run/citadel-lab && echo '{"hangSec": 600}' >/run/citadel-lab/nvidia-smi.json`,
    );
    await until('the failed query', 40, async () => (await metric(host, 'citadel_gpu_query_success')) === 0);
    for (let at = 0; at < 10; at += 1) {
      const seconds = Number(
        await host.mustExec("curl -fsS -o /dev/null -w '%{time_total}' http://127.0.0.1:8000/metrics"),
      );
      // The figure itself is measured by the benchmark; a scrape that waited for nvidia-smi would need many seconds.
      expect(seconds).toBeLessThan(1);
    }
    expect(await metric(host, 'citadel_gpu_temperature_celsius{gpu="0"}')).toBeUndefined();
    expect(await probe('phi3')).toBe(1);
    await until('the alert', 20, async () =>
      (await alerts(host)).some((each) => each.source === 'gpu' && each.severity === 'critical'),
    );
    await host.mustExec('rm /run/citadel-lab/nvidia-smi.json');
    await until('its end', 40, async () => (await alerts(host)).at(-1)?.state === 'resolved');
    expect(await metric(host, 'citadel_gpu_query_success')).toBe(1);
  });

  it('leaves alone a model that is stopped by hand, and one that loads', async () => {
    await misbehave(host, 'coder', { loadSec: 12 });
    await host.mustExec('systemctl stop citadel-vision.service');
    await host.mustExec('systemctl restart --no-block citadel-coder.service');
    await sleep(10_000);
    expect((await host.exec('systemctl is-active citadel-vision.service')).stdout.trim()).toBe('inactive');
    await until('the model that loads', 20, async () => (await probe('coder')) === 1);
    expect([await restarts('vision'), await restarts('coder')]).toEqual([0, 0]);
    await misbehave(host, 'coder', {});
    await host.mustExec('systemctl start citadel-vision.service');
  });

  it('leaves alone a model that is only slow', async () => {
    // More than the two seconds that a probe may take here; the requests of others keep its token counters moving.
    await misbehave(host, 'hermes', { tokenSec: 2.5 });
    const ask = `curl -s -m 20 -d '{"prompt": "a", "max_tokens": 1}' http://127.0.0.1:11401/v1/completions`;
    await host.mustExec(`for n in $(seq 40); do ${ask} >/dev/null & sleep 0.5; done; wait`, {
      timeoutMs: 90_000,
    });
    expect(await restarts('hermes')).toBe(0);
    expect(
      (await alerts(host)).some(({ subject, message }) => subject === 'hermes' && message.includes('token')),
    ).toBe(true);
    await misbehave(host, 'hermes', {});
    await until('the model', 20, async () => (await probe('hermes')) === 1);
  });

  it('finds a model that answers /health and serves nothing, and restarts it', async () => {
    const before = await mainPid(host, 'citadel-phi3.service');
    await misbehave(host, 'phi3', { wedged: true });
    // The exporter reads the count every ten seconds: by then there may have been a second one.
    await until('a restart', 60, async () => ((await restarts('phi3')) ?? 0) >= 1);
    await misbehave(host, 'phi3', {});
    await until('the model', 60, async () => (await probe('phi3')) === 1);
    expect(await mainPid(host, 'citadel-phi3.service')).not.toBe(before);
    const told = (await alerts(host)).filter(
      ({ source, subject }) => source === 'model_restart' && subject === 'phi3',
    );
    expect(told[0]).toMatchObject({ severity: 'critical', state: 'firing', subject: 'phi3' });
    expect(told[0]?.message).toContain('restart 1 within an hour');
    await until('the end of the alert', 20, async () =>
      (await alerts(host)).some(
        ({ source, subject, state }) =>
          source === 'model_restart' && subject === 'phi3' && state === 'resolved',
      ),
    );
  });

  it('stops restarting at the limit, and remembers it when it is restarted itself', async () => {
    await misbehave(host, 'openchat', { wedged: true });
    await until('as many restarts as allowed', 90, async () => (await restarts('openchat')) === PER_HOUR);
    await until('the alert of the limit', 60, async () =>
      (await alerts(host)).some(
        ({ subject, message }) => subject === 'openchat' && message.includes('left alone now'),
      ),
    );
    const pid = await mainPid(host, 'citadel-openchat.service');
    await host.mustExec('systemctl restart citadel-monitor.service', { user: 'root' });
    await sleep(15_000);
    expect(await mainPid(host, 'citadel-openchat.service')).toBe(pid);
    expect(await restarts('openchat')).toBe(PER_HOUR);
    const limits = (await alerts(host)).filter(
      ({ subject, message, state }) =>
        subject === 'openchat' && message.includes('left alone now') && state === 'firing',
    );
    expect(limits, 'an alert is not repeated').toHaveLength(1);
    await misbehave(host, 'openchat', {});
  });

  it('measures by itself while the exporter is down', async () => {
    await host.mustExec('systemctl stop citadel-metrics-exporter.service');
    await until(
      'its own figures',
      30,
      async () =>
        (
          await host.mustExec(`jq -r '.[-1] | select(.models.phi3.probe) | .source' ${LOGS}/metrics.json`)
        ).trim() === 'monitor',
    );
    await host.mustExec('systemctl start citadel-metrics-exporter.service');
    await until(
      'the exporter’s figures',
      30,
      async () => (await host.mustExec(`jq -r '.[-1].source' ${LOGS}/metrics.json`)).trim() === 'exporter',
    );
  });
});
