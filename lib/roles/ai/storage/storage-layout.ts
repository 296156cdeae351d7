import { posix } from 'node:path';
import { Construct } from 'constructs';
import { addRule, Directory, Mount, Symlink, type OwnProblem } from '../../../constructs/host/index.js';
import type { Size } from '../../../constructs/units.js';
import { order } from '../../../text/order.js';
import { diskProblems } from './budget.js';
import { diskOf, type Disk } from './disk.js';

export interface StoredModel {
  /** Folder of the weights, inside the active directory. */
  readonly directory: string;
  /** Size of that folder. @default - unknown, and left out of the budget */
  readonly weights?: Size;
}

export interface StorageLayoutProps {
  /** Account that owns models, backups and logs. */
  readonly account: string;
  /**
   * Group that reads weights; files that are put below the models' directories belong to it, whoever puts them there.
   * @default - the account's own
   */
  readonly readers?: string;
  /** Formatted disks. @default [] */
  readonly disks?: readonly Disk[];
  /** Where programs, settings and logs are. @default '/opt/citadel' */
  readonly root?: string;
  /** Directory with the weights in use; its siblings hold those that are not. @default '/mnt/citadel-models/active' */
  readonly active?: string;
  /** Models by short name: each gets a link of that name next to its folder. @default {} */
  readonly models?: Readonly<Record<string, StoredModel>>;
  /** Where backups are kept. @default - there are none */
  readonly backups?: string;
}

/** A directory that the layout makes. */
export interface LaidDirectory {
  readonly path: string;
  readonly owner: string;
  readonly group: string;
  readonly mode: string;
}

export interface LaidLink {
  readonly path: string;
  readonly target: string;
}

/** State of the node's programs. */
const STATE = '/var/lib/citadel';

/**
 * The disks of an AI node and what stands on them: mounts with their lines in /etc/fstab, the trees of models, backups, programs
 * and logs, and the links by which models are found. Directories below a mount point belong to the mounted disk: they are made
 * once it is there, never on the disk below.
 */
export class StorageLayout extends Construct {
  /** Where programs, settings and logs are. */
  readonly root: string;
  /** Directory with the weights in use. */
  readonly active: string;
  /** State of the node's programs. */
  readonly state = STATE;
  readonly #disks: readonly Disk[];
  readonly #directories: readonly LaidDirectory[];
  readonly #links: readonly LaidLink[];

  constructor(scope: Construct, id: string, props: StorageLayoutProps) {
    super(scope, id);
    const { models = {} } = props;
    this.root = props.root ?? '/opt/citadel';
    this.active = props.active ?? '/mnt/citadel-models/active';
    this.#disks = [...(props.disks ?? [])].sort((a, b) => order(a.mountPoint, b.mountPoint));
    for (const { mountPoint, source, type, options } of this.#disks) {
      new Mount(this, `mount-${idOf(mountPoint)}`, {
        mountPoint,
        source,
        type,
        ...(options === undefined ? {} : { options }),
      });
    }
    this.#directories = this.layOut(props);
    for (const { path, ...ownership } of this.#directories) {
      new Directory(this, `directory-${idOf(path)}`, { path, ...ownership });
    }
    this.#links = this.link(models);
    for (const { path, target } of this.#links) new Symlink(this, `link-${idOf(path)}`, { path, target });
    addRule(this, () => this.problems(models));
  }

  /** The disks, by mount point. */
  get disks(): Disk[] {
    return [...this.#disks];
  }
  /** Every directory that it makes, sorted by path. */
  get directories(): LaidDirectory[] {
    return [...this.#directories];
  }
  /** Every link that it makes, sorted by path. */
  get links(): LaidLink[] {
    return [...this.#links];
  }
  /** The mount point that `path` is on, or `path` itself: what a service that reads it waits for. */
  mountOf(path: string): string {
    return diskOf(path, this.#disks)?.mountPoint ?? path;
  }

  private layOut({ account, readers, backups }: StorageLayoutProps): LaidDirectory[] {
    const list: LaidDirectory[] = [];
    const add = (owner: string, base: string, names: readonly string[], mode = '0755'): void => {
      for (const name of names) {
        list.push({ path: name === '' ? base : `${base}/${name}`, owner, group: owner, mode });
      }
    };
    // What root runs belongs to root; the account owns what it writes.
    const programs = ['', 'configs', 'lib', 'monitoring', 'monitoring/dashboards', 'scripts'];
    add('root', this.root, programs);
    add(account, this.root, ['logs', 'logs/monitoring', 'logs/reports']);
    add(account, STATE, ['', 'baselines']);
    const models = posix.dirname(this.active);
    for (const path of [
      models,
      ...below(models, ['archive', 'cache', 'downloads', 'staging']),
      this.active,
    ]) {
      // Everybody may read, as before; what a tool makes 0640 there is still read by the models (the group is inherited).
      list.push({
        path,
        owner: account,
        group: readers ?? account,
        mode: readers === undefined ? '0755' : '2755',
      });
    }
    if (backups !== undefined) {
      add(account, backups, ['', 'logs', 'models', 'system', 'temp']);
      add(account, `${backups}/models`, ['archive', 'daily', 'monthly', 'weekly']);
      // Copies of settings hold what their originals show to few.
      add(account, `${backups}/system`, ['configs', 'snapshots'], '0750');
    }
    return list.sort((a, b) => order(a.path, b.path));
  }

  private link(models: Readonly<Record<string, StoredModel>>): LaidLink[] {
    return [
      { path: `${this.root}/models`, target: this.active },
      ...Object.entries(models)
        .filter(([name, { directory }]) => name !== directory)
        // Relative, so that the disk may be looked at from elsewhere.
        .map(([name, { directory }]) => ({ path: `${this.active}/${name}`, target: directory })),
    ].sort((a, b) => order(a.path, b.path));
  }

  private problems(models: Readonly<Record<string, StoredModel>>): OwnProblem[] {
    const disk = diskOf(this.active, this.#disks);
    const weights = Object.entries(models).flatMap(([model, { weights: size }]) =>
      size === undefined ? [] : [{ model, size }],
    );
    const folders = new Map(Object.entries(models).map(([model, { directory }]) => [directory, model]));
    const hidden = Object.keys(models).flatMap((name): OwnProblem[] => {
      const other = folders.get(name);
      if (other === undefined || other === name) return [];
      return [
        {
          code: 'construct.storage.short-name',
          property: `models[${JSON.stringify(name)}]`,
          got: `its short name is the folder of ${other}`,
          fix: 'Give one of them another name',
        },
      ];
    });
    return [...(disk === undefined ? [] : diskProblems(disk, weights)), ...hidden];
  }
}

function below(base: string, names: readonly string[]): string[] {
  return names.map((name) => `${base}/${name}`);
}

/** `/mnt/citadel-models` → `mnt-citadel-models` */
function idOf(path: string): string {
  return path.slice(1).replaceAll('/', '-');
}
