import { ModelServices } from '../lib/constructs/ai/index.js';
import { gibibytes, modelProps } from './model-props.js';
import {
  AptPackage,
  CronFile,
  Directory,
  HostFile,
  LogrotateFile,
  Symlink,
} from '../lib/constructs/host/index.js';
import { NodeExporter } from '../lib/constructs/monitoring/index.js';
import { SudoAccount } from '../lib/constructs/operations/index.js';
import type { AiInventory, BackupInventory } from '../lib/inventory/index.js';
import { loadTemplate, renderTemplate } from '../lib/render/index.js';
import type { Fleet, Member } from './fleet.js';

const CITADEL = '/opt/citadel';
const SCRIPTS = 'ai-node/opt/citadel/scripts';

/** A GPU node with model services. Does nothing for a host whose inventory has no `ai`. */
export function addAiNode(member: Member, fleet: Fleet): void {
  const { ai, backup } = member.inventory;
  if (ai === undefined) return;
  new SudoAccount(member.host, ai.account);
  addTree(member, ai);
  addModels(member, ai, fleet);
  addLogs(member, ai);
  if (backup !== undefined) addBackup(member, backup);
}

/** Everything that runs as root belongs to root; the account owns what it writes. */
function addTree({ host }: Member, ai: AiInventory): void {
  const account = { owner: ai.account, group: ai.account };
  for (const [name, ownership] of [
    ['', {}],
    ['configs', {}],
    ['scripts', {}],
    ['logs', account],
  ] as const) {
    new Directory(host, `directory-${name || 'citadel'}`, {
      path: name === '' ? CITADEL : `${CITADEL}/${name}`,
      ...ownership,
    });
  }
  new Directory(host, 'directory-models', { path: ai.modelsDirectory, ...account });
  new Symlink(host, 'models-link', { path: `${CITADEL}/models`, target: ai.modelsDirectory });
}

function addModels({ host, inventory }: Member, ai: AiInventory, fleet: Fleet): void {
  const reach = [...fleet.operators, ...fleet.monitors];
  new ModelServices(host, 'models', {
    gpus: ai.gpus.map(({ memoryGiB }) => ({ memory: gibibytes(memoryGiB) })),
    models: Object.fromEntries(
      Object.entries(ai.models).map(([name, model]) => [
        name,
        modelProps(model, { ai, reach, address: inventory.address }),
      ]),
    ),
  });
}

function addLogs({ host }: Member, ai: AiInventory): void {
  const account = { user: ai.account, group: ai.account };
  new AptPackage(host, 'logrotate');
  new LogrotateFile(host, 'rotation', {
    name: 'citadel-ai',
    entries: [
      {
        paths: [`${CITADEL}/logs/*.log`, `${CITADEL}/logs/*/*.log`],
        // The directory is the account's: logrotate refuses to work in it as root.
        su: account,
        frequency: 'daily',
        rotate: 14,
        compress: true,
        delaycompress: true,
        missingok: true,
        notifempty: true,
        create: { mode: '0640', owner: ai.account, group: ai.account },
      },
    ],
  });
}

function addBackup({ host, inventory }: Member, backup: BackupInventory): void {
  const script = new HostFile(host, 'backup-script', {
    path: `${CITADEL}/scripts/backup-configs`,
    content: renderTemplate(loadTemplate(`${SCRIPTS}/backup-configs.ejs`), {
      directory: backup.directory,
      mountPoint: mountOf(backup.directory, Object.keys(inventory.mounts)),
      keep: backup.configs.keep,
      sources: [`${CITADEL}/configs`, `${CITADEL}/scripts`, '/etc/fstab', '/etc/systemd/system'],
      metrics: NodeExporter.TEXTFILES,
    }),
    mode: '0755',
  });
  new AptPackage(host, 'cron');
  new CronFile(host, 'backup-cron', {
    name: 'citadel-backup',
    // What it has to say goes to the journal, and a failure to the alerts: cron's mail is read by nobody.
    mailTo: '',
    jobs: [{ schedule: backup.configs.schedule, user: 'root', command: script.path }],
  });
}

/** The innermost of `mountPoints` that `directory` is on; `undefined` when it is on none of them. */
function mountOf(directory: string, mountPoints: readonly string[]): string | undefined {
  return mountPoints
    .filter((point) => directory === point || directory.startsWith(`${point}/`))
    .sort((a, b) => b.length - a.length)[0];
}
