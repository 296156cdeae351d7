/** The outside world, as far as age files need it. */
export interface AgeDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The operator's home, which `~/` stands for. */
  readonly home: string;
  /** Absolute path of the folder in which relative paths start: the project's. */
  readonly folder: string;
  readFile(path: string): Promise<Buffer>;
  /** The bytes of a file and its permission bits, of one and the same file even if someone swaps it meanwhile. */
  readPrivate(path: string): Promise<{ readonly bytes: Buffer; readonly mode: number }>;
}

/** Words for an error of the file system. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of the path is not a directory',
  };
  return known[code] ?? code;
}
