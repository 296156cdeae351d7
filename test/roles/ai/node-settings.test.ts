import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedMetrics } from '../../../lib/roles/ai/expected-metrics.js';
import { nodeSettings, type NodeSettings } from '../../../lib/roles/ai/node-settings.js';
import { scratch } from '../../stacks/scratch.js';
import { hasTool, tool } from '../../stacks/tools.js';

const LIBRARY = fileURLToPath(new URL('../../../templates/ai-node/opt/citadel/lib', import.meta.url));

const level = { warning: 80, critical: 95 };
const kept = (keep: number, maxAgeSec: number) => ({ keep, maxAgeSec });

const SETTINGS: NodeSettings = {
  node: { name: 'ai-node', address: '192.168.10.35', account: 'agent0', readers: 'citadel-models' },
  paths: {
    root: '/opt/citadel',
    configs: '/opt/citadel/configs',
    scripts: '/opt/citadel/scripts',
    logs: '/opt/citadel/logs',
    monitoringLogs: '/opt/citadel/logs/monitoring',
    dashboards: '/opt/citadel/monitoring/dashboards',
    environment: '/opt/citadel/vllm-env',
    modelsLink: '/opt/citadel/models',
    modelsDisk: '/mnt/citadel-models',
    active: '/mnt/citadel-models/active',
    staging: '/mnt/citadel-models/staging',
    state: '/var/lib/citadel',
    textfiles: '/var/lib/prometheus/node-exporter',
    generations: '/var/lib/citadel-iac',
  },
  mounts: [
    { path: '/mnt/citadel-models', source: '/dev/nvme1n1p1', type: 'ext4', sizeGiB: 3500 },
    { path: '/mnt/citadel-backup', source: 'LABEL=citadel-backup', type: 'ext4', sizeGiB: null },
  ],
  directories: [{ path: '/opt/citadel/logs', owner: 'agent0', group: 'agent0', mode: '0755' }],
  links: [{ path: '/opt/citadel/models', target: '/mnt/citadel-models/active' }],
  gpus: [{ memoryGiB: 80, powerLimitWatts: null }],
  models: {
    phi3: {
      unit: 'citadel-phi3.service',
      account: 'citadel-model-phi3',
      port: 11403,
      directory: 'Phi-3-mini-128k-instruct',
      path: '/mnt/citadel-models/active/Phi-3-mini-128k-instruct',
      servedName: 'phi3',
      gpus: [0],
      gpuMemoryUtilization: 0.19,
      start: 'boot',
      loadTimeoutSec: 420,
      weightsGiB: 7,
      apiKeyFile: null,
      conflicts: [],
      probe: 'completion',
    },
  },
  backup: {
    directory: '/mnt/citadel-backup',
    daily: kept(7, 108_000),
    weekly: kept(4, 700_000),
    monthly: kept(12, 3_000_000),
    configs: kept(96, 3600),
    verify: { maxAgeSec: 700_000 },
    cleanupDays: 30,
    archiveDays: 30,
    configSources: ['/etc/fstab', '/opt/citadel/configs'],
  },
  thresholds: {
    cpuPercent: level,
    memoryPercent: level,
    diskPercent: level,
    gpuTemperatureCelsius: level,
    smartUsedPercent: 90,
  },
  endpoints: { prometheus: 'http://192.168.10.36:9090', alertmanager: null, grafana: null },
  firstModel: 'phi3',
};

/** What a Python expression over the loaded settings says, by the programs' own reader. */
function load(settings: NodeSettings, expression: string): { status: number; output: string } {
  const file = join(scratch(), 'storage_settings.py');
  writeFileSync(file, nodeSettings(settings));
  const program = `from citadel_node import settings\ns = settings.load()\nprint(${expression})`;
  return tool('/usr/bin/python3', ['-B', '-c', program], {
    env: { PYTHONPATH: LIBRARY, CITADEL_SETTINGS: file },
  });
}

/** Each section of the file by Python's own reader, as JSON. */
function sections(settings: NodeSettings): Record<string, unknown> {
  const file = join(scratch(), 'storage_settings.py');
  writeFileSync(file, nodeSettings(settings));
  const program =
    'import ast, json, sys\ntree = ast.parse(open(sys.argv[1], "rb").read())\n' +
    'print(json.dumps({n.targets[0].id: ast.literal_eval(n.value) for n in tree.body}))';
  const { status, output } = tool('/usr/bin/python3', ['-B', '-c', program, file]);
  expect(status, output).toBe(0);
  return JSON.parse(output) as Record<string, unknown>;
}

const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => value.isWellFormed());

describe.skipIf(!hasTool('python3'))('the settings of a node', () => {
  it('are what its programs load', () => {
    expect(
      load(SETTINGS, 's.models["phi3"].path, s.gpus[0].memory_gib, s.backup.daily.keep, s.first_model'),
    ).toEqual({
      status: 0,
      output: '/mnt/citadel-models/active/Phi-3-mini-128k-instruct 80.0 7 phi3\n',
    });
  });

  it('are loaded also without models, disks and GPUs', () => {
    const bare = {
      ...SETTINGS,
      models: {},
      mounts: [],
      gpus: [],
      links: [],
      directories: [],
      firstModel: null,
    };
    expect(load(bare, 'len(s.models), s.first_model')).toEqual({ status: 0, output: '0 None\n' });
  });

  it('hold whatever they are given, to the byte', () => {
    fc.assert(
      fc.property(text, text, text, fc.double({ noNaN: true, noDefaultInfinity: true }), (a, b, c, size) => {
        const found = sections({
          ...SETTINGS,
          node: { name: a, address: b, account: c, readers: a },
          mounts: [{ path: b, source: a, type: c, sizeGiB: size }],
          links: [{ path: c, target: a }],
          endpoints: { prometheus: a, alertmanager: b, grafana: c },
        });
        expect(found['NODE']).toEqual({ name: a, address: b, account: c, readers: a });
        expect(found['MOUNTS']).toEqual([{ path: b, source: a, type: c, size_gib: size }]);
        expect(found['LINKS']).toEqual([{ path: c, target: a }]);
        expect(found['ENDPOINTS']).toEqual({ prometheus: a, alertmanager: b, grafana: c });
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('do not depend on the order in which they are given', () => {
    const turned = { ...SETTINGS, mounts: [...SETTINGS.mounts].reverse() };
    expect(nodeSettings(turned)).toBe(nodeSettings(SETTINGS));
  });
});

describe('what a node expects of itself', () => {
  const expected = {
    mounts: ['/mnt/b', '/mnt/a "x\\'],
    gpus: 2,
    gpuMemory: [85_899_345_920, 42_949_672_960],
    models: ['phi3', 'coder'],
    backups: { 'models-daily': 108_000.2, configs: 3600 },
    backedUp: ['phi3', 'coder'],
    verifyMaxAgeSec: 700_000.5,
  };

  it('is a metric for each thing', () => {
    const lines = expectedMetrics(expected)
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    expect(lines).toEqual([
      'citadel_backup_expected{backup="configs"} 1',
      'citadel_backup_expected{backup="models-daily",model="coder"} 1',
      'citadel_backup_expected{backup="models-daily",model="phi3"} 1',
      'citadel_backup_max_age_seconds{backup="configs"} 3600',
      'citadel_backup_max_age_seconds{backup="models-daily"} 108001',
      'citadel_backup_verify_max_age_seconds 700001',
      'citadel_gpu_expected 2',
      'citadel_gpu_expected_memory_bytes{gpu="0"} 85899345920',
      'citadel_gpu_expected_memory_bytes{gpu="1"} 42949672960',
      'citadel_model_expected{model="coder"} 1',
      'citadel_model_expected{model="phi3"} 1',
      'citadel_mount_expected{mountpoint="/mnt/a \\"x\\\\"} 1',
      'citadel_mount_expected{mountpoint="/mnt/b"} 1',
      '',
    ]);
  });

  it('is the number of GPUs at least', () => {
    const nothing = { mounts: [], gpus: 0, models: [], backups: {}, backedUp: [] };
    expect(expectedMetrics(nothing)).toBe(
      '# HELP citadel_gpu_expected GPUs that the driver should find.\n# TYPE citadel_gpu_expected gauge\ncitadel_gpu_expected 0\n',
    );
  });

  /** Skipped where promtool is missing. */
  it.skipIf(!hasTool('promtool'))('is well to promtool', () => {
    const file = join(scratch(), 'citadel-expected.prom');
    writeFileSync(file, expectedMetrics(expected));
    expect(tool('sh', ['-c', 'promtool check metrics < "$1"', 'sh', file])).toEqual({
      status: 0,
      output: '',
    });
  });
});
