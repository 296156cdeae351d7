import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, requireLab, waitFor } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { DevOpsHost, withFile } from './dev-ops-host.js';
import { fingerprint, mainPid } from './harness.js';

const PROMETHEUS = 9090;
const ALERTMANAGER = 9093;
const BLACKBOX = 9115;
const CONFIG = '/etc/prometheus/prometheus.yml';
const TAKEN = '/usr/local/lib/citadel/configuration-taken';
const UNITS = [
  'prometheus.service',
  'prometheus-alertmanager.service',
  'prometheus-blackbox-exporter.service',
  'prometheus-node-exporter.service',
  'grafana-server.service',
];
const PREFIX: Readonly<Record<number, string>> = {
  [PROMETHEUS]: 'prometheus',
  [ALERTMANAGER]: 'alertmanager',
  [BLACKBOX]: 'blackbox_exporter',
};
/** The lab has no udev, a package’s first start is ended, and the AI node that is asked is not there. */
const EXPECTED_WARNINGS =
  /udev|Received SIGTERM|Received an OS signal|module=http_ok target=http:\/\/192\.168\.10\.35:/;

interface Target {
  readonly labels: { readonly job: string; readonly host: string };
  readonly health: string;
  readonly lastError: string;
}

function devOps(lab: Lab): void {
  const host = lab.host('dev-ops');
  let server: DevOpsHost;

  const pids = (): Promise<string[]> => Promise.all(UNITS.map((unit) => mainPid(host, unit)));
  const reported = async (): Promise<string> =>
    (await server.api<{ yaml: string }>(PROMETHEUS, '/api/v1/status/config')).yaml;
  /** When each daemon last took a configuration; each must say that it did. */
  const taken = async (): Promise<number[]> => {
    const times: number[] = [];
    for (const [port, prefix] of Object.entries(PREFIX)) {
      expect(await server.metric(Number(port), `${prefix}_config_last_reload_successful`), prefix).toBe(1);
      times.push(await server.metric(Number(port), `${prefix}_config_last_reload_success_timestamp_seconds`));
    }
    return times;
  };

  beforeAll(async () => {
    server = await DevOpsHost.open(lab);
    await host.reset();
    const began = Date.now();
    await server.apply();
    console.log(
      `a bare ${(await host.suite()) ?? ''} host became a monitoring server in ${(Date.now() - began) / 1000} s`,
    );
  }, 900_000);
  afterAll(() => server.close());

  it('runs what was declared, and not what the packages brought', async () => {
    expect(await host.mustExec('systemctl --failed --no-legend --plain')).toBe('');
    expect(await reported()).toContain('job_name: alertmanager');
    const flags = await server.api<Record<string, string>>(PROMETHEUS, '/api/v1/status/flags');
    expect(flags['storage.tsdb.retention.time']).toBe('30d');
    const { config, cluster } = await server.api<{
      config: { original: string };
      cluster: { status: string };
    }>(ALERTMANAGER, '/api/v2/status');
    expect(config.original).toContain('dead-mans-switch');
    expect(cluster.status).toBe('disabled');
    expect(await host.mustExec('ss -Hltn')).not.toContain(':9094');
  });

  it('has every target of its own up, and asks every other host that is declared', async () => {
    const own = await waitFor('every own target', 180_000, async () => {
      const { activeTargets } = await server.api<{ activeTargets: Target[] }>(PROMETHEUS, '/api/v1/targets');
      const mine = activeTargets.filter(({ labels }) => labels.host === 'dev-ops');
      const up = mine.filter(({ health }) => health === 'up');
      return mine.length > 0 && up.length === mine.length ? activeTargets : undefined;
    });
    const jobs = (name: string): string[] =>
      [...new Set(own.filter(({ labels }) => labels.host === name).map(({ labels }) => labels.job))].sort();
    expect(jobs('dev-ops')).toEqual(['alertmanager', 'blackbox', 'grafana', 'node', 'probe', 'prometheus']);
    expect(jobs('ai-node')).toEqual(['citadel', 'lan', 'node', 'probe', 'vllm']);
    const probes = await server.api<{ result: { metric: { service: string }; value: [number, string] }[] }>(
      PROMETHEUS,
      '/api/v1/query?query=probe_success%7Bhost%3D%22dev-ops%22%7D',
    );
    expect(probes.result.map(({ metric, value }) => `${metric.service} ${value[1]}`).sort()).toEqual([
      'alertmanager 1',
      'grafana 1',
      'prometheus 1',
    ]);
  });

  it('evaluates every rule without an error', async () => {
    const rules = await waitFor('every rule to be evaluated', 150_000, async () => {
      const { groups } = await server.api<{
        groups: { interval: number; rules: { name: string; health: string }[] }[];
      }>(PROMETHEUS, '/api/v1/rules');
      // What is recorded over thirty days is evaluated for the first time after this test.
      const all = groups.filter(({ interval }) => interval <= 60).flatMap((group) => group.rules);
      return all.every(({ health }) => health !== 'unknown') ? all : undefined;
    });
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(rules.length).toBeGreaterThan(60);
  });

  it('says nothing of its configuration in any journal, and each unit is protected and started once', async () => {
    const journal = await host.mustExec(
      `journalctl -q -o cat --no-pager ${UNITS.slice(0, 4)
        .map((unit) => `-u ${unit}`)
        .join(' ')} | grep -iE 'level=(warn|error)|deprecated' || true`,
    );
    expect(journal.split('\n').filter((line) => line !== '' && !EXPECTED_WARNINGS.test(line))).toEqual([]);
    const restarts = await Promise.all(
      UNITS.map((unit) => host.mustExec(['systemctl', 'show', '-p', 'NRestarts', '--value', unit])),
    );
    expect(restarts).toEqual(UNITS.map(() => '0\n'));
    for (const unit of UNITS.slice(1, 3)) {
      const rated = await host.exec(['systemd-analyze', 'security', '--no-pager', '--threshold=30', unit]);
      expect(rated.code, unit).toBe(0);
    }
  });

  it('has nothing to do the second time', async () => {
    const before = [await pids(), await taken()];
    const diff = await server.cli(['diff', 'dev-ops']);
    expect(diff.code, diff.stdout.slice(-3000) + diff.stderr.slice(-3000)).toBe(0);
    await server.apply();
    expect([await pids(), await taken()]).toEqual(before);
  });

  it('reloads what changed, nothing else, and restarts for arguments alone', async () => {
    const [pidsBefore, before] = [await pids(), await taken()];
    const slower = await server.inventory(({ hosts }) => {
      hosts['dev-ops'].monitoring['prometheus'] = { scrapeIntervalSec: 20 };
    });
    await server.apply(['dev-ops'], slower);
    const after = await taken();
    expect(await reported()).toContain('scrape_interval: 20s');
    expect(after[0]).toBeGreaterThan(before[0] ?? Infinity);
    expect(after.slice(1)).toEqual(before.slice(1));
    // Grafana has the interval in its data source, which it reads at its start.
    expect((await pids()).slice(0, 4)).toEqual(pidsBefore.slice(0, 4));

    const shorter = await server.inventory(({ hosts }) => {
      hosts['dev-ops'].monitoring['prometheus'] = { scrapeIntervalSec: 20, retentionDays: 8 };
    });
    await server.apply(['dev-ops'], shorter);
    const now = await pids();
    expect(now[0]).not.toBe(pidsBefore[0]);
    expect(now.slice(1, 4)).toEqual(pidsBefore.slice(1, 4));
    const flags = await server.api<Record<string, string>>(PROMETHEUS, '/api/v1/status/flags');
    expect(flags['storage.tsdb.retention.time']).toBe('8d');
    await server.apply();
  });

  it.each([
    [CONFIG, (text: string) => text.replace('job_name:', 'job_nam:'), 'field job_nam not found'],
    [
      '/etc/prometheus/alertmanager.yml',
      (text: string) => `${text}nonsense: 1\n`,
      'field nonsense not found',
    ],
  ])('refuses a bad %s before anything is replaced', async (path, change, words) => {
    const before = [await fingerprint(host), await pids(), await taken(), await reported()];
    const bad = await server.writeManifest(withFile(server.manifest(), path, change));
    const run = await server.cli(['apply', '--yes', '--manifest', bad]);
    expect(run.stdout + run.stderr).toContain(words);
    expect(run.code).toBe(1);
    expect([await fingerprint(host), await pids(), await taken(), await reported()]).toEqual(before);
  });

  it('asks a host that is new without a reload: Prometheus reads the files of targets by itself', async () => {
    const before = [await pids(), await taken(), await reported()];
    const hosts = async (): Promise<string[]> => {
      const { activeTargets } = await server.api<{ activeTargets: Target[] }>(PROMETHEUS, '/api/v1/targets');
      return activeTargets.filter(({ labels }) => labels.job === 'node').map(({ labels }) => labels.host);
    };
    expect(await hosts()).not.toContain('new-host');
    const group = '- targets:\n    - 192.168.10.99:9100\n  labels:\n    host: new-host\n';
    const more = withFile(server.manifest(), '/etc/prometheus/targets/node.yml', (text) => text + group);
    await server.apply(['--manifest', await server.writeManifest(more)]);
    await waitFor('Prometheus to ask the new host', 60_000, async () =>
      (await hosts()).includes('new-host') ? true : undefined,
    );
    await server.apply();
    await waitFor('Prometheus to leave it alone again', 60_000, async () =>
      (await hosts()).includes('new-host') ? undefined : true,
    );
    expect([await pids(), await taken(), await reported()]).toEqual(before);
  });

  it('is not deceived by a reload that ends well: the daemon went on with what it had', async () => {
    const check = [TAKEN, `http://127.0.0.1:${PROMETHEUS}`, 'prometheus', CONFIG];
    expect((await host.exec(check)).code).toBe(0);
    await host.mustExec(`echo '# by hand' >>${CONFIG}`);
    const stale = await host.exec(check);
    expect(stale.stderr).toBe(`http://127.0.0.1:${PROMETHEUS} has not read ${CONFIG} since it changed\n`);
    expect(stale.code).toBe(1);
    await host.mustExec(`echo 'nonsense: 1' >>${CONFIG}`);
    expect((await host.exec('systemctl reload prometheus.service')).code).toBe(0);
    await waitFor('the reload to fail', 180_000, async () =>
      (await server.metric(PROMETHEUS, 'prometheus_config_last_reload_successful')) === 0 ? true : undefined,
    );
    const bad = await host.exec(check);
    expect(bad.stderr).toContain('did not take its configuration');
    expect(bad.code).toBe(1);
    await server.apply();
    await taken();
    expect((await host.exec(check)).code).toBe(0);
  });

  it('lets the operator and the AI nodes see the web interfaces, and no one the exporter that asks', async () => {
    for (const url of [`${PROMETHEUS}/-/healthy`, `${ALERTMANAGER}/-/healthy`, '3000/api/health']) {
      const asked = await lab.operator.exec(['curl', '-fsS', '-m', '5', `http://192.168.10.36:${url}`]);
      expect(asked.code, url).toBe(0);
    }
    const shut = await lab.operator.exec(['curl', '-fsS', '-m', '2', `http://192.168.10.36:${BLACKBOX}/`]);
    expect(shut.code).not.toBe(0);
  });

  it('comes back whole after a boot', async () => {
    await host.reboot();
    await waitFor('the end of the boot', 180_000, async () =>
      (await host.exec(['systemctl', 'is-system-running'])).stdout === 'running\n' ? true : undefined,
    );
    expect((await host.exec(['systemctl', 'is-active', ...UNITS])).stdout.trim().split('\n')).toEqual(
      UNITS.map(() => 'active'),
    );
    await waitFor('an answer', 180_000, async () =>
      (await host.exec(`curl -fs 127.0.0.1:${PROMETHEUS}/-/ready`)).code === 0 ? true : undefined,
    );
    await taken();
  });
}

describeLab('a monitoring server on Debian 12', devOps);

const gate = requireLab();
describe.skipIf(!gate.available)('a monitoring server on Debian 13 (skipped where there is no lab)', () => {
  const lab = Lab.named(`${gate.available ? gate.lab.name : 'none'}-13`);
  beforeAll(() => lab.up({ hosts: ['dev-ops'], suites: { 'dev-ops': 'trixie' } }), 900_000);
  afterAll(() => lab.down());
  devOps(lab);
});
