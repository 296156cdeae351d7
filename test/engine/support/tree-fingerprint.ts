import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';

/** What a path is, down to its extended attributes: one line, equal for equal paths. */
export type TreeFingerprint = ReadonlyMap<string, string>;

export interface FingerprintOptions {
  /** Paths (from the root, `/etc`) that are left out with all that is below them. */
  readonly without?: readonly string[];
  /** Directories whose time counts; that of others moves with each entry that comes and goes. */
  readonly timed?: readonly string[];
  /** Paths whose time does not count, with all that is below them. */
  readonly untimed?: readonly string[];
}

/** Everything below a directory, as tar(1) sees it: kind, mode, numeric owner, time, contents, target, attributes. */
export async function treeFingerprint(
  root: string,
  options: FingerprintOptions = {},
): Promise<TreeFingerprint> {
  const without = ['/var/lib/citadel-iac', ...(options.without ?? [])].map((path) => `--exclude=.${path}`);
  const archive = spawnSync(
    'tar',
    [
      '-C',
      root,
      '--anchored',
      '--no-wildcards',
      ...without,
      '--format=pax',
      '--pax-option=delete=atime,delete=ctime',
      '--xattrs',
      '--acls',
      '--hard-dereference',
      '--numeric-owner',
      '-cf',
      '-',
      '.',
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  if (archive.status !== 0) throw new Error(archive.stderr.toString('utf8'));
  const lines = new Map<string, string>();
  const reader = extract();
  const timed = new Set(options.timed ?? []);
  const untimed = options.untimed ?? [];
  const done = new Promise<void>((resolve, reject) => {
    reader.on('finish', resolve);
    reader.on('error', reject);
  });
  reader.on('entry', (header, stream, next) => {
    const hash = createHash('sha256');
    stream.on('data', (chunk) => hash.update(chunk as Buffer));
    stream.on('end', () => {
      const path = header.name.replace(/^\.\/?/, '/').replace(/(?<=.)\/$/, '');
      const counts =
        header.type === 'directory' ? timed.has(path) : !untimed.some((top) => path.startsWith(top));
      lines.set(path, line(header, counts, hash.digest('hex')));
      next();
    });
  });
  Readable.from([archive.stdout]).pipe(reader);
  await done;
  return new Map([...lines].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function line(header: Header, withTime: boolean, sha256: string): string {
  const records = (header.pax ?? {}) as Readonly<Record<string, string>>;
  const pax = Object.entries(records)
    .filter(([key]) => /^SCHILY\.(xattr|acl)\./.test(key))
    .sort();
  return JSON.stringify([
    header.type,
    (header.mode ?? 0).toString(8),
    header.uid,
    header.gid,
    withTime ? (records['mtime'] ?? header.mtime?.getTime()) : '',
    header.type === 'file' ? [header.size, sha256] : '',
    header.linkname ?? '',
    pax,
  ]);
}

/** The paths in which two trees differ, with both lines: empty for equal trees, and readable in a failed test. */
export function treeDifferences(before: TreeFingerprint, after: TreeFingerprint): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => `${path}: ${before.get(path) ?? 'absent'} → ${after.get(path) ?? 'absent'}`);
}
