/**
 * DOUBLE of the engine, for tests of the provider alone: a "host" is a directory with real files and a
 * `.double/host.json` that holds the current generation's manifest. It knows files and units and nothing else, and
 * fails on demand (`.double/fault`). An address is the name of such a directory.
 */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import type { Change, HostPlan, ObservedPath, ObservedUnit, UnitAction } from '../../../lib/engine/model.js';
import type { ReadTransport, Transport } from '../../../lib/engine/transport.js';
import {
  CitadelError,
  manifestDigest,
  sha256,
  recordedManifest,
  validateManifest,
  type HostManifest,
} from '../../../lib/manifest/index.js';
import type { EnginePort } from '../../../lib/terraform/provider/engine-port.js';
import { parseSecrets, parseTarget } from '../../../lib/terraform/provider/parse.js';

export interface DoubleRecord {
  readonly generation: number;
  readonly manifest: HostManifest;
  readonly units: Readonly<Record<string, string>>;
}

export const recordPath = (root: string): string => join(root, '.double/host.json');
export const faultPath = (root: string): string => join(root, '.double/fault');
/** The key of a host that is reached by SSH; without it, any will do. */
const pinPath = (root: string): string => join(root, '.double/pin');
/** One line per call, for tests that count. */
export const journalPath = (root: string): string => join(root, '.double/journal');

export function readRecord(root: string): DoubleRecord | null {
  return existsSync(recordPath(root))
    ? (JSON.parse(readFileSync(recordPath(root), 'utf8')) as DoubleRecord)
    : null;
}

function fault(root: string): string {
  return existsSync(faultPath(root)) ? readFileSync(faultPath(root), 'utf8').trim() : '';
}

function note(root: string, line: string): void {
  mkdirSync(join(root, '.double'), { recursive: true });
  appendFileSync(journalPath(root), `${line}\n`);
}

function diffOf(path: string, before: string, after: string): string {
  return createTwoFilesPatch(`a${path}`, `b${path}`, before, after, undefined, undefined, { context: 3 });
}

function plan(root: string, manifest: HostManifest): HostPlan {
  const record = readRecord(root);
  const paths = new Map<string, ObservedPath>();
  const contents = new Map<string, Buffer>();
  const wanted = manifest.files ?? {};
  const known = record?.manifest.files ?? {};
  const changes: Change[] = [];
  for (const key of [...new Set([...Object.keys(wanted), ...Object.keys(known)])].sort()) {
    const desired = wanted[key];
    const after = desired?.content;
    const onHost = join(root, key);
    const before = existsSync(onHost) ? readFileSync(onHost) : undefined;
    const mode = before === undefined ? '' : (statSync(onHost).mode & 0o7777).toString(8).padStart(4, '0');
    if (before !== undefined) {
      const owner = desired?.owner ?? known[key]?.owner ?? 'root';
      const group = desired?.group ?? known[key]?.group ?? 'root';
      paths.set(key, {
        kind: 'file',
        owner,
        group,
        uid: 0,
        gid: 0,
        mode,
        size: before.length,
        sha256: sha256(before),
      });
    }
    const sameText = after !== undefined && before?.toString('utf8') === after;
    if (desired !== undefined && sameText && mode === desired.mode) continue;
    if (desired === undefined && before === undefined) continue;
    const action = desired === undefined ? 'delete' : before === undefined ? 'create' : 'update';
    const moved = JSON.stringify(desired) !== JSON.stringify(known[key]);
    changes.push({
      section: 'files',
      key,
      action,
      cause: moved ? 'config' : 'drift',
      ...(before === undefined ? {} : { before: { mode } }),
      ...(desired === undefined ? {} : { after: { mode: desired.mode } }),
      ...(sameText ? {} : { diff: diffOf(key, before?.toString('utf8') ?? '', after ?? '') }),
      restarts: Object.entries(manifest.units ?? {})
        .filter(([, unit]) => unit.restartOn.includes(key))
        .map(([name]) => name),
    });
  }
  const units = new Map<string, ObservedUnit>();
  const unitActions: UnitAction[] = [];
  for (const [name, unit] of Object.entries(manifest.units ?? {})) {
    const active = record?.units[name];
    if (active !== undefined)
      units.set(name, { load: 'loaded', active, fileState: 'enabled', needDaemonReload: false });
    if (unit.state === 'running' && active !== 'active') {
      changes.push({
        section: 'units',
        key: name,
        action: active === undefined ? 'create' : 'update',
        cause: 'drift',
      });
      unitActions.push({ unit: name, verb: 'start', wave: unit.wave });
    } else if (changes.some((change) => change.restarts?.includes(name))) {
      unitActions.push({ unit: name, verb: 'restart', wave: unit.wave });
    }
  }
  const digest = manifestDigest(manifest);
  return {
    host: manifest.host,
    manifest,
    digest,
    observed: {
      generation: record?.generation ?? null,
      digest: record === null ? null : manifestDigest(record.manifest),
      applied:
        record === null ? null : { files: Object.fromEntries(Object.keys(known).map((key) => [key, {}])) },
      debts: [],
      open: null,
      paths,
      contents,
      units,
      packages: new Map(),
      groups: new Map(),
      users: new Map(),
      mounts: new Map(),
      secretKey: null,
      offline: null,
    },
    changes,
    unitActions,
    checks: {},
    record: record === null || manifestDigest(record.manifest) !== digest,
    risky: false,
    notes: [],
    contents,
  };
}

function write(root: string, host: HostPlan): void {
  for (const change of host.changes) {
    if (change.section !== 'files') continue;
    const file = host.manifest.files?.[change.key];
    const path = join(root, change.key);
    if (file === undefined) rmSync(path, { force: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, file.content ?? '');
      chmodSync(path, Number.parseInt(file.mode, 8));
    }
  }
  mkdirSync(join(root, '.double'), { recursive: true });
  const record: DoubleRecord = {
    generation: (host.observed.generation ?? 0) + 1,
    manifest: host.manifest,
    units: Object.fromEntries(Object.keys(host.manifest.units ?? {}).map((name) => [name, 'active'])),
  };
  writeFileSync(recordPath(root), JSON.stringify(record));
}

export const engineDouble: EnginePort = {
  parseManifest: validateManifest,
  parseRecorded: recordedManifest,
  parseTarget,
  parseSecrets,
  openTransport(target, host): Promise<Transport> {
    const root = 'root' in target ? target.root : target.address;
    note(root, `open ${process.pid}`);
    const pinned = existsSync(pinPath(root)) ? readFileSync(pinPath(root), 'utf8') : undefined;
    if (!('root' in target) && pinned !== undefined && !target.hostKeys.includes(pinned)) {
      const got = `${root}: the host key is another one`;
      return Promise.reject(new CitadelError({ code: 'ssh.host-key', path: host, got, fix: 'Compare it' }));
    }
    if (fault(root) === 'unreachable') {
      const got = '10.0.0.9:22: tcp connect: connection refused';
      const fix = 'Start sshd there, or correct the address';
      return Promise.reject(new CitadelError({ code: 'ssh.unreachable', path: host, got, fix }));
    }
    const unsupported = (): Promise<never> => Promise.reject(new Error('the double runs no programs'));
    return Promise.resolve({
      description: root,
      kind: 'root',
      read: unsupported,
      run: unsupported,
      reconnect: unsupported,
      close: () => Promise.resolve(),
    });
  },
  planHost(transport: ReadTransport, manifest): Promise<HostPlan> {
    note(transport.description, 'plan');
    return Promise.resolve(plan(transport.description, manifest));
  },
  recoverHost: () => Promise.resolve(false),
  async applyPlan(transport, host, _connection, options) {
    const root = transport.description;
    note(root, 'apply');
    options.onProgress('staging');
    const what = fault(root);
    if (what.startsWith('slow '))
      await new Promise((resolve) => setTimeout(resolve, Number(what.slice(5)) * 1000));
    if (what === 'rolled-back' || what === 'refused') {
      const failure = {
        step: 'checks',
        item: 'files//etc/a.conf',
        origin: 'web/site/config',
        output: 'promtool: FAILED\n',
      };
      const generation = host.observed.generation;
      const next = `The host is at generation ${String(generation ?? 'none')}, as before.`;
      return { host: host.host, outcome: what, generation, failure, next, notes: [] };
    }
    write(root, host);
    const generation = readRecord(root)?.generation ?? null;
    return { host: host.host, outcome: 'committed', generation, next: 'done', notes: [] };
  },
  readCurrentManifest(transport): Promise<HostManifest | null> {
    return Promise.resolve(readRecord(transport.description)?.manifest ?? null);
  },
};
