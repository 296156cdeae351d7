/** Where files of units are looked for, the first that is found counts: systemd.unit(5). */
const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
] as const;

/** The paths at which the file of a unit can stand, or a link to it. */
export function unitPaths(name: string): string[] {
  return UNIT_FOLDERS.map((folder) => `${folder}/${name}`);
}

/** The name of the unit whose own file a path is, if it is one of the system's. */
export function unitOfFile(path: string): string | undefined {
  const at = path.lastIndexOf('/');
  return UNIT_FOLDERS.some((folder) => folder === path.slice(0, at)) ? path.slice(at + 1) : undefined;
}

/** `work@a.service` → `work@.service`, if it is an instance of a template. */
export function templateOf(name: string): string | undefined {
  const [, prefix, suffix] = /^([^@]+@)[^@]+(\.[a-z]+)$/.exec(name) ?? [];
  return prefix === undefined || suffix === undefined ? undefined : `${prefix}${suffix}`;
}

/** Files and links by path, of a document or as they were applied last. */
interface Paths<F extends object, L extends object> {
  readonly files?: Readonly<Record<string, F>> | undefined;
  readonly symlinks?: Readonly<Record<string, L>> | undefined;
}

/** The file or link at a path, unless it is one that is to be absent. */
export function fileOrLinkAt<F extends object, L extends object>(
  { files, symlinks }: Paths<F, L>,
  path: string,
): F | L | undefined {
  const item = files?.[path] ?? symlinks?.[path];
  return item !== undefined && 'type' in item && item.type === 'absent' ? undefined : item;
}

/** Whether the file of a unit, or of its template, is among these, wherever systemd looks for it. */
export function hasOwnFile(paths: Paths<object, object>, name: string): boolean {
  const template = templateOf(name);
  return [name, ...(template === undefined ? [] : [template])].some((file) =>
    unitPaths(file).some((path) => fileOrLinkAt(paths, path) !== undefined),
  );
}

/** Whether a path is the file of this unit or template, or a drop-in of it. */
export function isPartOf(path: string, name: string): boolean {
  return unitPaths(name).some((file) => path === file || path.startsWith(`${file}.d/`));
}
