import type { HostManifest } from '../../manifest/index.js';
import { CitadelError, expandManifest, manifestDigest } from '../../manifest/index.js';
import type { ObservedHost } from '../model.js';
import type { ProgramResult, ReadProgram, ReadTransport } from '../transport.js';
import type { Observation } from './observation.js';
import { parseObservation } from './parse.js';
import { OBSERVE } from './programs.js';
import type { ObserveRequest } from './request.js';
import { encodeRequest, requestFor, requestForLeaving } from './request.js';

export interface ReadOptions {
  /** Seconds for one reading step. Default 60. */
  readonly deadlineSec?: number;
  readonly signal?: AbortSignal;
}

/**
 * One snapshot of everything that `manifest` names on the host, in one exec. When the host’s current generation has
 * items that the manifest lacks, a second exec looks at those; nothing is ever written.
 *
 * @throws CitadelError when the host cannot be reached or something on it cannot be read
 */
export async function observeHost(
  transport: ReadTransport,
  manifest: HostManifest,
  options: ReadOptions = {},
): Promise<ObservedHost> {
  const request = requestFor(expandManifest(manifest), manifestDigest(manifest));
  return (await observe(transport, request, options)).host;
}

/** As {@link observeHost} for a request made already; says whether the host sent the index of its generation. */
export async function observe(
  transport: ReadTransport,
  request: ObserveRequest,
  options: ReadOptions = {},
): Promise<Observation> {
  const first = await observeOnce(transport, request, options);
  const leaving = first.host.applied === null ? null : requestForLeaving(first.host.applied, request);
  if (leaving === null) return first;
  const second = await observeOnce(transport, leaving, options);
  if (second.host.generation !== first.host.generation) {
    throw new CitadelError({
      code: 'observe.moving',
      path: transport.description,
      got: `The host went from generation ${String(first.host.generation)} to ${String(second.host.generation)} while it was being read`,
      fix: 'Run the command again',
    });
  }
  return { indexSent: true, host: merge(first.host, second.host) };
}

async function observeOnce(
  transport: ReadTransport,
  request: ObserveRequest,
  options: ReadOptions,
): Promise<Observation> {
  const output = await runReader(transport, OBSERVE, encodeRequest(request), options);
  return parseObservation(output, request, {
    source: transport.description,
    offline: transport.kind === 'root',
  });
}

/** Runs a reading program and returns its output; a failure of it becomes an error in the program's own words. */
export async function runReader(
  transport: ReadTransport,
  program: ReadProgram,
  input: Buffer,
  options: ReadOptions,
): Promise<Buffer> {
  const result = await transport.read(program, input, {
    deadlineSec: options.deadlineSec ?? 60,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (result.exitCode !== 0) throw readerFailed(transport, program, result);
  return result.stdout;
}

function readerFailed(transport: ReadTransport, program: ReadProgram, result: ProgramResult): CitadelError {
  const words = result.stderr.trim();
  return new CitadelError({
    code: 'observe.failed',
    path: transport.description,
    got: `${program.name} ended with status ${result.exitCode}${words === '' ? '' : `: ${words}`}`,
    fix: 'Run "citadel-iac doctor" for this host; nothing was changed',
  });
}

function merge(first: ObservedHost, second: ObservedHost): ObservedHost {
  const both = <K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): ReadonlyMap<K, V> => new Map([...b, ...a]);
  return {
    ...first,
    paths: both(first.paths, second.paths),
    contents: both(first.contents, second.contents),
    ...(second.before === undefined ? {} : { before: second.before }),
    units: first.units === null || second.units === null ? null : both(first.units, second.units),
    packages: both(first.packages, second.packages),
    stuckPackages: both<string, string>(first.stuckPackages ?? new Map(), second.stuckPackages ?? new Map()),
    groups: both(first.groups, second.groups),
    users: both(first.users, second.users),
    mounts: first.mounts === null || second.mounts === null ? null : both(first.mounts, second.mounts),
    offline: mergeOffline(first.offline, second.offline),
  };
}

function mergeOffline(
  first: ObservedHost['offline'],
  second: ObservedHost['offline'],
): ObservedHost['offline'] {
  if (first === null || second === null) return first;
  const unitFiles =
    first.unitFiles === null || second.unitFiles === null
      ? null
      : new Map([...second.unitFiles, ...first.unitFiles]);
  return { ...first, unitFiles };
}
