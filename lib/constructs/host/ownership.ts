/** Who owns a file or directory. Accounts must be made by the manifest, or be known to exist. */
export interface OwnershipProps {
  /** User. @default 'root' */
  readonly owner?: string;
  /** Group. @default 'root' */
  readonly group?: string;
  /** Four octal digits, such as `'0644'`. */
  readonly mode?: string;
}

export function ownership(
  props: OwnershipProps,
  mode: string,
): { owner: string; group: string; mode: string } {
  return { owner: props.owner ?? 'root', group: props.group ?? 'root', mode: props.mode ?? mode };
}

/** A path, or a construct that stands for one (`HostFile`, `Symlink`, `SystemdUnit`, `CronFile`, …). */
export type PathLike = string | { readonly path: string };

export function pathOf(path: PathLike): string {
  return typeof path === 'string' ? path : path.path;
}

/** Paths, each once, sorted: lists that mean a set read the same in whatever order they were built. */
export function pathSet(paths: Iterable<PathLike>): string[] {
  return [...new Set([...paths].map(pathOf))].sort();
}
