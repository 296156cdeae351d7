import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { loadTemplate, renderTemplate } from '../../lib/render/index.js';
import { waitFor, type LabHost } from '../lab/api.js';
import { MODELS as DIRECTORIES } from '../lab/doubles.js';

/** Name and port of the seven models, in the order of {@link DIRECTORIES}. */
export const MODELS: Readonly<Record<string, number>> = {
  mixtral: 11400,
  hermes: 11401,
  openchat: 11402,
  phi3: 11403,
  yi34b: 11404,
  coder: 11405,
  vision: 11500,
};

export interface MonitoringOptions {
  readonly probeIntervalSec: number;
  readonly intervalSec: number;
  readonly restartAfterFailures: number;
  readonly restartsPerHour: number;
}

const PACKAGES = 'curl jq python3-prometheus-client python3-rich prometheus-node-exporter polkitd';
/** Lets agent0 manage the node's units: the monitor may not use sudo. */
const POLKIT = '/etc/polkit-1/rules.d/50-citadel.rules';
const EXPORTER = 'citadel-metrics-exporter.service';
const MONITOR = 'citadel-monitor.service';

/**
 * Puts the node's programs, seven model services and the two services of monitoring on a bare host, and starts them:
 * only what the monitoring programs need, so that these tests need no deployment.
 */
export async function installMonitoring(host: LabHost, options: MonitoringOptions): Promise<void> {
  await host.mustExec(`apt-get -qq -y install ${PACKAGES} >/dev/null 2>&1`, { timeoutMs: 180_000 });
  await host.mustExec('mkdir -p /mnt/citadel-models /mnt/citadel-backup');
  await host.mustExec(
    'mountpoint -q /mnt/citadel-models || mount /dev/nvme1n1p1 /mnt/citadel-models; mountpoint -q /mnt/citadel-backup || mount /dev/sda1 /mnt/citadel-backup',
  );
  await copyPrograms(host);
  await host.mustExec(
    `install -d -o agent0 -g agent0 /opt/citadel/logs /opt/citadel/logs/monitoring /opt/citadel/logs/reports /var/lib/citadel
     chown agent0: /mnt/citadel-backup
     install -d -o root -g agent0 -m 0775 /var/lib/prometheus/node-exporter
     install -d /opt/citadel/configs
     ln -sfn /mnt/citadel-models/active /opt/citadel/models
     for unit in citadel-storage citadel-gpu; do
       printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n' >/etc/systemd/system/$unit.service
     done`,
  );
  await host.writeFile('/opt/citadel/configs/storage_settings.py', settings(options));
  const installed = [...Object.keys(units()), 'prometheus-node-exporter.service'];
  const rule = renderTemplate(loadTemplate(`ai-node${POLKIT}.ejs`), { account: 'agent0', units: installed });
  await host.mustExec(['mkdir', '-p', dirname(POLKIT)]);
  await host.writeFile(POLKIT, rule);
  for (const [name, text] of Object.entries(units()))
    await host.writeFile(`/etc/systemd/system/${name}`, text);
  await host.mustExec(['systemctl', 'daemon-reload']);
  await host.exec('systemctl reset-failed');
  await host.mustExec(
    [
      'systemctl',
      'start',
      'citadel-storage.service',
      'citadel-gpu.service',
      'prometheus-node-exporter.service',
      ...Object.keys(MODELS).map((name) => `citadel-${name}.service`),
    ],
    { timeoutMs: 120_000 },
  );
  await host.mustExec(['systemctl', 'restart', EXPORTER, MONITOR], { timeoutMs: 60_000 });
  await waitFor('the first probe of each model', 180_000, async () =>
    (await host.exec(['curl', '-fsS', 'http://127.0.0.1:8001/ready'])).code === 0 ? true : undefined,
  );
}

/** Misbehaviour of a vLLM double, see its first lines; an empty object is none. */
export async function misbehave(host: LabHost, model: string, fault: object): Promise<void> {
  // The double of nvidia-smi may have made it, in a service whose files only root reads.
  await host.mustExec('mkdir -p /run/citadel-lab && chmod 0755 /run/citadel-lab');
  await host.writeFile(`/run/citadel-lab/vllm-${model}.json`, JSON.stringify(fault));
}

/** Value of a sample on a page of the exporter; undefined where there is none. */
export async function metric(host: LabHost, sample: string): Promise<number | undefined> {
  const page = await host.mustExec(['curl', '-fsS', '-m', '5', 'http://127.0.0.1:8000/metrics']);
  const line = page.split('\n').find((each) => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

export interface AlertEvent {
  readonly severity: string;
  readonly state: string;
  readonly source: string;
  readonly subject: string;
  readonly message: string;
}

/** What alerts.json says, as agent0 reads it. */
export async function alerts(host: LabHost): Promise<readonly AlertEvent[]> {
  const text = await host.mustExec('jq -c . /opt/citadel/logs/monitoring/alerts.json', { user: 'agent0' });
  return JSON.parse(text) as AlertEvent[];
}

async function copyPrograms(host: LabHost): Promise<void> {
  const { stdout } = await promisify(execFile)(
    'tar',
    ['-C', 'templates/ai-node', '--owner=0', '--group=0', '--exclude=*.ejs', '-cf', '-', 'opt', 'usr'],
    { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 },
  );
  await host.mustExec(['tar', '-C', '/', '--no-overwrite-dir', '-xf', '-'], { input: stdout });
  await host.mustExec('chmod 0755 /opt/citadel/scripts/* /usr/local/bin/citadel*');
  // The double by itself: how an environment is built is another matter.
  await host.mustExec(
    'mkdir -p /opt/citadel/vllm-env/bin && ln -sfn /usr/bin/python3 /opt/citadel/vllm-env/bin/python3',
  );
  await host.writeFile('/opt/citadel/vllm-env/bin/vllm', await readFile('test/doubles/vllm'));
  await host.mustExec(['chmod', '0755', '/opt/citadel/vllm-env/bin/vllm']);
}

function units(): Record<string, string> {
  const found: Record<string, string> = {};
  Object.entries(MODELS).forEach(([name, port], at) => {
    const flags = `--host 127.0.0.1 --port ${port} --served-model-name ${name} --gpu-memory-utilization 0.2`;
    found[`citadel-${name}.service`] = unit({
      Type: 'exec',
      User: 'agent0',
      Environment: `CUDA_VISIBLE_DEVICES=${at % 2}`,
      ExecStart: `/opt/citadel/vllm-env/bin/vllm serve /mnt/citadel-models/active/${DIRECTORIES[at] ?? ''} ${flags}`,
      ExecStartPost: `/opt/citadel/scripts/wait-for-health http://127.0.0.1:${port}/health 60`,
      TimeoutStopSec: '5',
      Restart: 'always',
      RestartSec: '1',
    });
  });
  found[EXPORTER] = unit({
    Type: 'notify',
    User: 'agent0',
    ExecStart: '/usr/local/bin/citadel-metrics-exporter --listen 127.0.0.1 --listen 192.168.10.35',
    WatchdogSec: '60',
    NoNewPrivileges: 'yes',
    Restart: 'always',
  });
  found[MONITOR] = unit({
    Type: 'notify',
    User: 'agent0',
    ExecStart: '/usr/local/bin/citadel-monitor',
    WatchdogSec: '120',
    NoNewPrivileges: 'yes',
    Restart: 'always',
  });
  return found;
}

function unit(service: Readonly<Record<string, string>>): string {
  return `[Service]\n${Object.entries(service)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}`;
}

/** storage_settings.py. JSON is Python here, but for null. */
function settings(options: MonitoringOptions): string {
  const active = '/mnt/citadel-models/active';
  const models = Object.entries(MODELS).map(([name, port], at) => {
    const directory = DIRECTORIES[at] ?? '';
    return [
      name,
      {
        unit: `citadel-${name}.service`,
        account: 'agent0',
        port,
        directory,
        path: `${active}/${directory}`,
        served_name: name,
        gpus: [at % 2],
        gpu_memory_utilization: 0.2,
        start: 'boot',
        load_timeout_sec: 60,
        weights_gib: null,
        api_key_file: null,
        conflicts: [],
        probe: 'completion',
      },
    ] as const;
  });
  const backup = { keep: 7, max_age_sec: 108000 };
  const values = {
    NODE: { name: 'ai-node', address: '192.168.10.35', account: 'agent0', readers: 'agent0' },
    PATHS: {
      root: '/opt/citadel',
      configs: '/opt/citadel/configs',
      scripts: '/opt/citadel/scripts',
      logs: '/opt/citadel/logs',
      monitoring_logs: '/opt/citadel/logs/monitoring',
      dashboards: '/opt/citadel/monitoring/dashboards',
      environment: '/opt/citadel/vllm-env',
      models_link: '/opt/citadel/models',
      models_disk: '/mnt/citadel-models',
      active,
      staging: '/mnt/citadel-models/staging',
      state: '/var/lib/citadel',
      textfiles: '/var/lib/prometheus/node-exporter',
      generations: '/var/lib/citadel-iac',
    },
    MOUNTS: [
      { path: '/mnt/citadel-models', source: '/dev/nvme1n1p1', type: 'ext4', size_gib: null },
      { path: '/mnt/citadel-backup', source: '/dev/sda1', type: 'ext4', size_gib: null },
    ],
    DIRECTORIES: [],
    LINKS: [{ path: '/opt/citadel/models', target: active }],
    GPUS: [0, 1].map((index) => ({ index, memory_gib: 80, power_limit_watts: null })),
    MODELS: Object.fromEntries(models),
    UNITS: {
      all: 'citadel-ai.target',
      models: 'citadel-models.target',
      storage: 'citadel-storage.service',
      gpu: 'citadel-gpu.service',
      monitor: MONITOR,
      exporter: EXPORTER,
      node_exporter: 'prometheus-node-exporter.service',
    },
    BACKUP: {
      directory: '/mnt/citadel-backup',
      metadata: '/mnt/citadel-backup/backup_metadata.json',
      daily: backup,
      weekly: backup,
      monthly: backup,
      configs: backup,
      verify: { max_age_sec: 700000 },
      cleanup_days: 30,
      archive_days: 30,
      compression_level: 3,
      config_sources: [],
    },
    EXPORTER: { port: 8000, health_port: 8001, probe_interval_sec: options.probeIntervalSec },
    MONITOR: {
      interval_sec: options.intervalSec,
      keep_metrics: 2880,
      keep_alerts: 1000,
      restart_after_failures: options.restartAfterFailures,
      restarts_per_hour: options.restartsPerHour,
    },
    // The machine below is shared with others: its load is not what is looked at here, so it never reaches these levels.
    THRESHOLDS: {
      cpu_percent: { warning: 101, critical: 101 },
      memory_percent: { warning: 101, critical: 101 },
      disk_percent: { warning: 80, critical: 90 },
      gpu_temperature_celsius: { warning: 83, critical: 90 },
      smart_used_percent: 80,
    },
    ENDPOINTS: { prometheus: null, alertmanager: null, grafana: null },
    DEPLOY: { first_model: 'phi3' },
  };
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${JSON.stringify(value).replaceAll(':null', ':None')}\n`)
    .join('');
}
