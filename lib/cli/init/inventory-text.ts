import { stringify } from 'yaml';
import type { OfferedHostKey } from '../../ssh/index.js';
import type { Answers } from './answers.js';
import type { PlacedModel } from './shares.js';

/** First port of the models' interfaces. */
const FIRST_PORT = 11_400;

export interface TextOptions {
  /** The schema's file, relative to the inventory's. */
  readonly schema: string;
  /** Keys that hosts offered when they were asked, by host: for a person to compare. */
  readonly offered: ReadonlyMap<string, readonly OfferedHostKey[]>;
}

/** A new inventory, with remarks for who reads it first. */
export function inventoryText(answers: Answers, options: TextOptions): string {
  const { aiNode, devOps, operators } = answers;
  return [
    `# yaml-language-server: $schema=${options.schema}`,
    '#',
    '# What a fleet is made of. An editor that knows the line above completes and explains every key (docs/inventory.md).',
    '# Next: "npx citadel-iac doctor" looks at the hosts, "diff" shows what an apply would do, "apply" does it.',
    '',
    'hosts:',
    ...(aiNode === undefined ? [] : aiNodeLines(aiNode, answers, options)),
    ...(aiNode === undefined || devOps === undefined ? [] : ['']),
    ...(devOps === undefined ? [] : devOpsLines(devOps, answers, options)),
    '',
    '# Addresses or networks that may use SSH and the web interfaces: the firewall lets no one else in.',
    'operator:',
    '  addresses:',
    ...operators.map((address) => `    - ${scalar(address)}`),
    '',
    '# Levels at which alerts fire; what is not named here has a default that the editor shows.',
    'thresholds:',
    '  cpuPercent: { warning: 80, critical: 95 }',
    '  memoryPercent: { warning: 85, critical: 95 }',
    '  diskPercent: { warning: 80, critical: 90 }',
    ...secretLines(devOps),
    '',
  ].join('\n');
}

function aiNodeLines(
  aiNode: NonNullable<Answers['aiNode']>,
  answers: Answers,
  options: TextOptions,
): string[] {
  const { address, gpus, models, modelsDisk, backupDisk } = aiNode;
  return [
    '  ai-node:',
    `    address: ${scalar(address)}`,
    ...sshLines('ai-node', address, answers.user, options),
    '    # Disks that are formatted already; none is ever formatted. With sizeGiB, budgets are checked before a deploy.',
    '    mounts:',
    '      /mnt/citadel-models:',
    `        device: ${scalar(modelsDisk)}`,
    '        type: ext4',
    '      /mnt/citadel-backup:',
    `        device: ${scalar(backupDisk)}`,
    '        type: ext4',
    '    backup:',
    '      directory: /mnt/citadel-backup',
    ...copiesLines(models),
    '    ai:',
    `      account: ${scalar(answers.user)}`,
    '      # In the order in which the driver numbers them ("nvidia-smi").',
    `      gpus: [${gpus.map((memory) => `{ memoryGiB: ${memory} }`).join(', ')}]`,
    '      modelsDirectory: /mnt/citadel-models/active',
    ...(models.some(({ name }) => name === 'phi3')
      ? []
      : [
          '      # A gradual deployment starts this one alone, before all others.',
          `      firstModel: ${models[0]?.name ?? ''}`,
        ]),
    '      # Shares of GPU memory are weights and, of what is left of 95 %, the same for every model of a GPU: measure, and',
    '      # correct them. maxModelLen limits the context length, and with it what the key-value cache needs.',
    '      models:',
    ...models.flatMap((model, index) => [
      `        ${model.name}:`,
      `          port: ${FIRST_PORT + index}`,
      `          directory: ${scalar(model.directory)}`,
      `          weightsGiB: ${model.weightsGiB}`,
      `          gpus: [${model.gpus.join(', ')}]`,
      `          gpuMemoryUtilization: ${model.gpuMemoryUtilization}`,
      '          # maxModelLen: 8192',
    ]),
  ];
}

/** All copies are read back once a week, between two other jobs: more than this many GiB would not be done in time. */
const READ_BACK_GIB = 2450;
const COPIES = { daily: 7, weekly: 4, monthly: 12 } as const;

/** How many copies are kept, where the models are too large for as many as usual. */
function copiesLines(models: readonly PlacedModel[]): string[] {
  const weights = models.reduce((sum, { weightsGiB }) => sum + weightsGiB, 0);
  const share = READ_BACK_GIB / (weights * (COPIES.daily + COPIES.weekly + COPIES.monthly));
  if (share >= 1) return [];
  const kinds = Object.entries(COPIES).map(
    ([kind, copies]) => `        ${kind}: { keep: ${Math.max(1, Math.floor(copies * share))} }`,
  );
  return [
    '      # Fewer copies than usual, so that all can be read back once a week.',
    '      models:',
    ...kinds,
  ];
}

function devOpsLines(
  { address, grafana }: NonNullable<Answers['devOps']>,
  answers: Answers,
  options: TextOptions,
): string[] {
  return [
    '  dev-ops:',
    `    address: ${scalar(address)}`,
    ...sshLines('dev-ops', address, answers.user, options),
    '    monitoring:',
    '      prometheus: { port: 9090, scrapeIntervalSec: 15, retentionDays: 30 }',
    '      # No one is told of alerts until there is a receiver; "webhook" is the shortest way to one.',
    '      alertmanager: { port: 9093 }',
    ...(grafana === undefined
      ? [
          '      # Grafana is in no Debian suite. With its package on the host (or its repository), dashboards:',
          '      # grafana: { adminPassword: grafana_admin_password, package: /var/cache/citadel/grafana.deb }',
        ]
      : [
          '      # Grafana is in no Debian suite: the package is a file on the host.',
          '      grafana:',
          '        adminPassword: grafana_admin_password',
          `        package: ${scalar(grafana)}`,
        ]),
  ];
}

function sshLines(host: string, address: string, user: string, { offered }: TextOptions): string[] {
  const keys = offered.get(host) ?? [];
  return [
    '    ssh:',
    '      # root, or an account that may become root: by sudo, doas or run0 (docs/ssh.md).',
    `      user: ${scalar(user)}`,
    ...(keys.length === 0
      ? [
          '      # Connecting is refused until a key is pinned: "npx citadel-iac doctor" shows what the host offers. Compare it with',
          '      # the host’s own console.',
        ]
      : [
          `      # Connecting is refused until a key is pinned. Something at ${address} offered these when this file was made;`,
          '      # compare with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" on the host’s own console, then pin one:',
          ...keys.map(({ type, fingerprint }) => `      #   ${fingerprint} (${type})`),
        ]),
    '      hostKeys: []',
  ];
}

function secretLines(devOps: Answers['devOps']): string[] {
  const where =
    'Secrets by name, and where each is found when a host is planned: never the values themselves.';
  return devOps?.grafana === undefined
    ? ['', `# ${where}`, 'secrets: {}']
    : ['', `# ${where}`, 'secrets:', '  grafana_admin_password: { env: GRAFANA_ADMIN_PASSWORD }'];
}

/** One value on one line, in quotes where it needs them. */
function scalar(value: string): string {
  const text = stringify(value, { lineWidth: 0 }).trimEnd();
  return text.includes('\n') ? JSON.stringify(value) : text;
}
