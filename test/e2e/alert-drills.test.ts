import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import { waitFor, type FilledDisk } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { AlertReceiver, type Notice } from './alert-receiver.js';
import { DevOpsHost } from './dev-ops-host.js';
import { misbehave } from './node-monitoring-host.js';

const PORT = 18_080;
const NODE = 'ai-node';
const FIRES_MS = 180_000;
/** A wedged model is found by a probe of the node’s own, twice a minute. */
const PROBED_MS = 240_000;
/** Prometheus tells an Alertmanager that was away after up to a minute what still fires. */
const RESENT_MS = 180_000;

/**
 * For tests alone, in the emitted files: alerts wait 4 s in the place of minutes, messages 1 s, and no hour is muted.
 * Expressions, labels, routes and thresholds are those that are deployed.
 */
function impatient(manifest: HostManifest): HostManifest {
  const files = Object.fromEntries(
    Object.entries(manifest.files ?? {}).map(([path, file]) => {
      if (file.content === undefined) return [path, file];
      const content = path.startsWith('/etc/prometheus/rules/')
        ? file.content.replace(/^( +for: ).*$/gm, '$14s')
        : path === '/etc/prometheus/alertmanager.yml'
          ? file.content
              .replace(/^( +group_wait: ).*$/gm, '$11s')
              .replace(/^( +group_interval: ).*$/gm, '$13s')
              .replace(/^( +repeat_interval: )1m$/gm, '$13s')
              // Warnings wait for the working hours; this test runs at any hour.
              .replace(/^( +)mute_time_intervals:\n(?:\1 +- .*\n)+/gm, '')
          : file.content;
      return [path, { ...file, content }];
    }),
  );
  return { ...manifest, files };
}

describeLab('alert drills, from the fault to the operator and back', (lab) => {
  const node = lab.host('ai-node');
  const devOps = lab.host('dev-ops');
  let server: DevOpsHost;
  let receiver: AlertReceiver;

  beforeAll(async () => {
    server = await DevOpsHost.open(lab);
    receiver = await AlertReceiver.start(lab, PORT);
    await node.reset();
    await devOps.reset();
    const inventory = await server.inventory(({ hosts }) => {
      hosts['dev-ops'].monitoring['prometheus'] = { scrapeIntervalSec: 2 };
      hosts['dev-ops'].monitoring['alertmanager'] = {
        webhook: `${receiver.url}/alerts`,
        deadMansSwitch: { url: `${receiver.url}/alive` },
      };
    });
    const file = await server.writeManifest(impatient(server.manifest(inventory)));
    await server.apply(['ai-node']);
    await server.apply(['--manifest', file], inventory);
    // What is being built up fires meanwhile: the drills begin when all is quiet but for what the lab cannot have.
    await receiver.next(0, 'firing', { alertname: 'Watchdog' }, FIRES_MS);
  }, 900_000);
  afterAll(async () => {
    receiver.end();
    await server.close();
  });

  /** A fault, its notice, the repair, its notice; prints how long each took. */
  async function drill(
    title: string,
    labels: Readonly<Record<string, string>>,
    fault: () => Promise<unknown>,
    repair: () => Promise<unknown>,
    timeoutMs = FIRES_MS,
  ): Promise<void> {
    const broken = Date.now();
    await fault();
    // What is not repaired would hide what the next drill looks for.
    let told: Notice;
    let repaired: number;
    try {
      told = await receiver.next(broken, 'firing', labels, timeoutMs);
    } finally {
      repaired = Date.now();
      await repair();
    }
    const well = await receiver.next(repaired, 'resolved', labels, timeoutMs);
    console.log(
      `${title}: ${labels['alertname'] ?? ''} told after ${(told.at - broken) / 1000} s, recovery after ${(well.at - repaired) / 1000} s`,
    );
    expect(told.path).toBe('/alerts');
  }

  it('every target of both hosts is up, and every rule is healthy', async () => {
    const asked = await waitFor('every target', 2 * FIRES_MS, async () => {
      const { activeTargets } = await server.api<{
        activeTargets: { labels: { job: string; host: string }; health: string }[];
      }>(9090, '/api/v1/targets');
      return activeTargets.every(({ health }) => health === 'up') ? activeTargets : undefined;
    });
    const jobs = new Set(asked.map(({ labels: { host, job } }) => `${host} ${job}`));
    expect([...jobs]).toEqual(
      expect.arrayContaining([`${NODE} node`, `${NODE} citadel`, `${NODE} vllm`, 'dev-ops prometheus']),
    );
    const { groups } = await server.api<{ groups: { rules: { name: string; health: string }[] }[] }>(
      9090,
      '/api/v1/rules',
    );
    const bad = groups.flatMap(({ rules }) => rules).filter(({ health }) => health === 'err');
    expect(bad).toEqual([]);
    console.log(`${asked.length} targets of both hosts are up`);
  });

  it('node exporter stopped', () =>
    drill(
      'node exporter stopped',
      { alertname: 'NodeExporterDown', host: NODE, severity: 'warning' },
      () => node.mustExec('systemctl stop prometheus-node-exporter.service'),
      () => node.mustExec('systemctl start prometheus-node-exporter.service'),
    ));

  it('a managed file edited by hand', async () => {
    const file = '/etc/logrotate.d/citadel-ai';
    const compare = 'systemctl start citadel-drift.service';
    await drill(
      'a managed file edited by hand',
      { alertname: 'ConfigDrift', host: NODE },
      () => node.mustExec(`cp -a ${file} /root/kept && echo '# by hand' >>${file} && ${compare}`),
      () => node.mustExec(`cp -a /root/kept ${file} && ${compare}`),
    );
  });

  it('a reboot that is owed', () => {
    const compare = 'systemctl start citadel-drift.service';
    return drill(
      'a reboot that is owed',
      { alertname: 'RebootOwed', host: NODE, severity: 'warning' },
      () => node.mustExec(`touch /run/reboot-required && ${compare}`),
      () => node.mustExec(`rm /run/reboot-required && ${compare}`),
    );
  });

  it('a model killed', () =>
    drill(
      'a model killed',
      { alertname: 'ModelDown', host: NODE, model: 'phi3' },
      // systemd would start it again within seconds.
      () =>
        node.mustExec(
          'systemctl kill --signal=KILL citadel-phi3.service; systemctl stop citadel-phi3.service',
        ),
      () => node.mustExec('systemctl start citadel-phi3.service'),
    ));

  it(
    'a model that is wedged: it says that it is well, and gives no token',
    () =>
      drill(
        'a model wedged',
        { alertname: 'ModelProbeFailing', host: NODE, model: 'coder' },
        () => misbehave(node, 'coder', { wedged: true }),
        () => misbehave(node, 'coder', {}),
        PROBED_MS,
      ),
    2 * PROBED_MS + 30_000,
  );

  it('a mount lost', () =>
    drill(
      'a mount lost',
      { alertname: 'MountMissing', host: NODE, mountpoint: '/mnt/citadel-backup' },
      () => node.mustExec('umount /mnt/citadel-backup'),
      () => node.mustExec('mount /mnt/citadel-backup'),
    ));

  it('a disk filled: one notice, because the critical alert silences the warning about the same disk', async () => {
    let filled: FilledDisk | undefined;
    const began = Date.now();
    const about = { alertname: 'DiskSpaceLow', host: NODE, mountpoint: '/mnt/citadel-backup' };
    try {
      await drill(
        'a disk filled',
        { ...about, severity: 'critical' },
        async () => {
          filled = await node.fillDisk('/mnt/citadel-backup', 4 * 1024 * 1024);
        },
        async () => {
          const alerts = await waitFor('the warning as well', FIRES_MS, async () => {
            const found = await server.api<
              { labels: Record<string, string>; status: { inhibitedBy: string[] } }[]
            >(9093, '/api/v2/alerts?filter=alertname%3D%22DiskSpaceLow%22');
            return found.some(({ labels }) => labels['severity'] === 'warning') ? found : undefined;
          });
          const warning = alerts.find(({ labels }) => labels['severity'] === 'warning');
          expect(warning?.status.inhibitedBy).toHaveLength(1);
          await filled?.free();
        },
      );
    } finally {
      await filled?.free();
    }
    const warned = receiver.notices.filter(
      ({ at, labels, status }) =>
        at >= began &&
        status === 'firing' &&
        labels['alertname'] === about.alertname &&
        labels['severity'] === 'warning',
    );
    expect(warned).toEqual([]);
  });

  it('a backup made stale', async () => {
    const file = '/var/lib/prometheus/node-exporter/citadel-drill.prom';
    const name = 'citadel_backup_last_success_timestamp_seconds';
    // As the node's own programs write it (citadel_node/backups/metrics.py): a backup may run meanwhile, and of a metric with two
    // descriptions the node exporter gives only those samples that have the first.
    const head = `# HELP ${name} Time of the newest archive that is not known to be damaged.\n# TYPE ${name} gauge\n`;
    const succeeded = (ago: string): Promise<unknown> =>
      node.mustExec(
        `printf '%s' '${head}${name}{backup="models-daily",model="drill"} ' >${file}.new && date -d '${ago}' +%s >>${file}.new && mv ${file}.new ${file}`,
      );
    await drill(
      'a backup made stale',
      { alertname: 'BackupStale', host: NODE, backup: 'models-daily', model: 'drill' },
      () => succeeded('3 days ago'),
      () => succeeded('1 minute ago'),
    );
    await node.mustExec(['rm', '-f', file]);
  });

  it('Alertmanager unreachable: the dead man’s switch falls silent, and the messages come after', async () => {
    const alive = (since: number): Promise<unknown> =>
      receiver.next(since, 'firing', { alertname: 'Watchdog' }, RESENT_MS);
    await alive(Date.now());
    const broken = Date.now();
    await devOps.mustExec('systemctl stop prometheus-alertmanager.service');
    await waitFor('Prometheus to notice', FIRES_MS, async () => {
      const { alerts } = await server.api<{ alerts: { labels: { alertname: string }; state: string }[] }>(
        9090,
        '/api/v1/alerts',
      );
      return alerts.some(({ labels, state }) => labels.alertname === 'AlertmanagerDown' && state === 'firing')
        ? true
        : undefined;
    });
    const noticed = Date.now();
    const quiet = Date.now();
    await delay(10_000);
    expect(receiver.notices.filter(({ at }) => at > quiet)).toEqual([]);

    const repaired = Date.now();
    await devOps.mustExec('systemctl start prometheus-alertmanager.service');
    await alive(repaired);
    console.log(
      `Alertmanager stopped: AlertmanagerDown in Prometheus after ${(noticed - broken) / 1000} s, no message for 10 s; the dead man’s switch was told again after ${(Date.now() - repaired) / 1000} s`,
    );
    // The alert could not be told while it held, so neither is its end: Prometheus shows that it is over.
    await waitFor('the end of the alert', FIRES_MS, async () => {
      const { alerts } = await server.api<{ alerts: { labels: { alertname: string } }[] }>(
        9090,
        '/api/v1/alerts',
      );
      return alerts.some(({ labels }) => labels.alertname === 'AlertmanagerDown') ? undefined : true;
    });
  });

  it('sent the dead man’s switch nothing else, and people nothing of it', () => {
    const { notices } = receiver;
    const names = (path: string): string[] =>
      notices.filter((notice) => notice.path === path).map(({ labels }) => labels['alertname'] ?? '');
    expect([...new Set(names('/alive'))]).toEqual(['Watchdog']);
    expect(names('/alerts')).not.toContain('Watchdog');
  });
});
