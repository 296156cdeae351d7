import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { HOST_NAMES, type HostName, type Lab } from '../lab/api.js';
import { repository } from '../lab/layout.js';
import { must } from '../lab/process.js';
import { withLabels } from './labels.js';
import { Stores } from './stores.js';

/** Where the inventory of the lab stands in the project. */
export const INVENTORY = 'stacks/inventory/lab.yaml';

/** Where a host keeps a secret, and what it is. */
export interface Planted {
  readonly host: HostName;
  readonly path: string;
  readonly value: string;
}

/** What outlives an operator's folder: the team's repository, and an identity in a safe. */
export interface Origin {
  /** A bare repository with the age file, its recipients, and an inventory whose secrets come from it. */
  readonly url: string;
  readonly branch: string;
  /** The identity's copy in the safe. */
  readonly identity: string;
  readonly secrets: readonly Planted[];
}

/**
 * The repository as a team has it, made with the product's own commands as docs/secrets.md says, in a folder that is gone
 * afterwards. The values are new ones, so that a host can have them from the age file alone.
 */
export async function makeOrigin(lab: Lab, scratch: string, stores: Stores): Promise<Origin> {
  const [url, work, home] = ['origin.git', 'work', 'work-home'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  const branch = 'drill';
  await must(['git', 'clone', '--quiet', '--bare', repository, url]);
  await must(['git', 'clone', '--quiet', url, work]);
  await symlink(join(repository, 'node_modules'), join(work, 'node_modules'));
  await mkdir(home, { mode: 0o700 });

  const values = {
    grafana_admin_password: newValue(),
    grafana_import_password: newValue(),
    coder_api_key: newValue(),
    offsite_password: newValue(),
    offsite_key: stores.key,
  };
  await reviseInventory(join(work, INVENTORY), Object.keys(values), stores);
  const cli = (words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<string> =>
    lab.operator.mustExec(['node', join(work, 'bin/citadel-iac.mjs'), ...words, '--inventory', INVENTORY], {
      cwd: work,
      timeoutMs: 120_000,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, ...more },
    });
  await appendFile(join(work, 'secrets.recipients'), await cli(['secrets', 'keygen']));
  const typed = join(home, 'typed.yaml');
  await writeFile(typed, JSON.stringify(values), { mode: 0o600 });
  await cli(['secrets', 'edit'], { EDITOR: `cp ${typed}` });

  await cli(['models', 'lock']);
  const git = (...words: string[]): Promise<string> =>
    must(['git', '-c', 'user.name=drill', '-c', 'user.email=drill@example.invalid', ...words], { cwd: work });
  await git('checkout', '--quiet', '-b', branch);
  await git(
    'add',
    INVENTORY,
    join(dirname(INVENTORY), 'models.lock.yaml'),
    'secrets.age',
    'secrets.recipients',
  );
  await git('commit', '--quiet', '--message', 'Keep secrets in an age file');
  await git('push', '--quiet', 'origin', branch);
  const identity = join(scratch, 'safe-identity.txt');
  await must(['cp', '-p', join(home, '.config/citadel-iac/identity.txt'), identity]);
  await Promise.all([work, home].map((folder) => rm(folder, { recursive: true })));
  return {
    url,
    branch,
    identity,
    secrets: [
      { host: 'dev-ops', path: '/etc/grafana/admin-password', value: values.grafana_admin_password },
      { host: 'dev-ops', path: '/etc/grafana/import-password', value: values.grafana_import_password },
      { host: 'ai-node', path: '/etc/citadel/credentials/coder-api-key', value: values.coder_api_key },
    ],
  };
}

const newValue = (): string => `drill-${randomBytes(16).toString('hex')}`;

/** The model whose weights are kept off-site; those of all others come from the hub, by the lock file. */
export const KEPT_MODEL = 'vision';

/** Disks by label; all secrets of the lab from the age file, and one more: without it the AI node would have none; data off-site. */
async function reviseInventory(path: string, names: readonly string[], stores: Stores): Promise<void> {
  const inventory = parseDocument(withLabels(await readFile(path, 'utf8')));
  inventory.set('secrets', Object.fromEntries(names.map((name) => [name, { age: 'secrets.age' }])));
  const node = ['hosts', 'ai-node', 'ai'];
  inventory.setIn([...node, 'models', 'coder', 'apiKey'], 'coder_api_key');
  inventory.setIn([...node, 'huggingFaceEndpoint'], Stores.HUB);
  const models = (inventory.toJS() as { hosts: Record<string, { ai?: { models: Record<string, Model> } }> })
    .hosts['ai-node']?.ai?.models;
  for (const [name, { directory }] of Object.entries(models ?? {}))
    if (name !== KEPT_MODEL)
      inventory.setIn([...node, 'models', name, 'weights'], { from: `hf://drill/${directory}@main` });
  for (const host of HOST_NAMES)
    inventory.setIn(['hosts', host, 'offsite'], {
      repository: stores.repositoryOf(host),
      password: 'offsite_password',
      sftp: { key: 'offsite_key', hostKeys: [stores.hostKey] },
      ...(host === 'ai-node' && {
        paths: [`/mnt/citadel-models/active/${models?.[KEPT_MODEL]?.directory ?? ''}`],
      }),
    });
  await writeFile(path, inventory.toString());
}

interface Model {
  readonly directory: string;
}
