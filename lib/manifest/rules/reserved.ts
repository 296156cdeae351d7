import type { ItemProblem } from './context.js';
import type { DocumentPart } from '../schema.js';

interface Tree {
  readonly root: string;
  readonly why: string;
  readonly fix: string;
  /** True when nothing in it is ever to be taken away, not even what an older version let in. */
  readonly untouchable: boolean;
}

const RUN = {
  why: 'is emptied at each boot',
  fix: 'Let the unit have it (RuntimeDirectory=), or write a file in /etc/tmpfiles.d that makes it at each boot',
  untouchable: false,
};

/** Trees that are no part of a host's disk, and our own records of the host. */
const TREES: readonly Tree[] = [
  {
    root: '/proc',
    why: "is the kernel's, and an undo could not put it back",
    fix: 'Write a file in /etc/sysctl.d (validate: "sysctl"), and let its change restart systemd-sysctl.service',
    untouchable: true,
  },
  {
    root: '/sys',
    why: "is the kernel's, and an undo could not put it back",
    fix: 'Write a file in /etc/tmpfiles.d with a line of type "w", which sets it at each boot',
    untouchable: true,
  },
  {
    root: '/dev',
    why: 'is made again at each boot',
    fix: 'Write a rule in /etc/udev/rules.d, or a file in /etc/tmpfiles.d that makes it at each boot',
    untouchable: false,
  },
  { root: '/run', ...RUN },
  { root: '/var/run', ...RUN },
  { root: '/var/lock', ...RUN },
  {
    root: '/var/lib/citadel-iac',
    why: 'is where citadel-iac itself keeps what it knows of the host',
    fix: 'Choose a folder of your own, such as /var/lib/<name>',
    untouchable: true,
  },
];

const MOUNT_FIX =
  'Choose a mount point on the disk, or give the line as a block of /etc/fstab alone: systemd mounts it at boot';

/** Mounts that are there on every host, and to which a document can only give other options, such as `hidepid`. */
const OPTIONS_ONLY: ReadonlySet<string> = new Set(['/proc', '/dev/shm']);

/** Why nothing may be declared at a path, or `undefined` when something may. */
export function reservedProblem(path: string, section: DocumentPart): ItemProblem | undefined {
  const tree = treeOf(path);
  if (tree === undefined || (section === 'mounts' && OPTIONS_ONLY.has(path))) return undefined;
  return {
    code: 'manifest.path.reserved',
    got: `${path} is ${path === tree.root ? '' : `below ${tree.root}, `}a place that no document can hold: it ${tree.why}`,
    fix: section === 'mounts' && tree.root !== '/var/lib/citadel-iac' ? MOUNT_FIX : tree.fix,
  };
}

/** Paths that stay as they are when they leave a document that an older version has let in. */
export function staysAsItIs(path: string): boolean {
  return treeOf(path)?.untouchable === true;
}

function treeOf(path: string): Tree | undefined {
  return TREES.find(({ root }) => path === root || path.startsWith(`${root}/`));
}
