import { CitadelError } from '../manifest/index.js';
import type { CommonOptions, Shell } from './shell.js';
import { jsonLine } from './text/plan-json.js';

/** What `--json-lines` prints: a line for each host as soon as it has come to something. */
export interface ResultLines {
  /** @param result what `--json` prints of the host */
  result(host: string, result: object): void;
  failed(host: string, error: unknown): void;
  notBegun(hosts: readonly string[]): void;
}

const NONE: ResultLines = { result: () => undefined, failed: () => undefined, notBegun: () => undefined };

/** Prints nothing where lines were not asked for. */
export function resultLines(
  shell: Pick<Shell, 'out'>,
  { jsonLines }: Pick<CommonOptions, 'jsonLines'>,
): ResultLines {
  if (jsonLines !== true) return NONE;
  const print = (line: object): void => shell.out.write(jsonLine(line));
  return {
    result: (host, result) => print({ host, ...result }),
    failed: (host, error) => print({ host, error: reasonOf(error) }),
    notBegun: (hosts) => hosts.forEach((host) => print({ host, notBegun: true })),
  };
}

/** Standard output is for a program. */
export function isForProgram({ json, jsonLines }: Pick<CommonOptions, 'json' | 'jsonLines'>): boolean {
  return json === true || jsonLines === true;
}

/** What went wrong, in one sentence without advice; a person reads the rest on standard error. */
export function reasonOf(error: unknown): string {
  return error instanceof CitadelError ? error.problems.map(({ got }) => got).join('; ') : 'internal error';
}
