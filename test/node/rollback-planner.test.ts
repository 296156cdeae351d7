import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildPayload } from '../../lib/engine/apply/payload.js';
import { factsOf } from '../../lib/engine/diff/facts.js';
import type {
  AppliedIndex,
  ObservedBefore,
  ObservedHost,
  ObservedMount,
  ObservedPath,
} from '../../lib/engine/model.js';
import { planObserved } from '../../lib/engine/plan/plan-host.js';
import { materialise } from '../../lib/engine/secrets/references.js';
import { CitadelError, expandManifest, sha256, type HostManifest } from '../../lib/manifest/index.js';
import { randomCases, UNITS, withoutUndefined, type RandomCase } from './support/random-cases.js';

/**
 * The host's own planner (Python) against the engine's: for any two generations and any state of a host, both make the
 * same transaction, byte for byte.
 */
const SECRETS = { token: 'one secret', other: 'another' };
const VALUES = new Map(Object.entries(SECRETS).map(([name, value]) => [name, Buffer.from(value)]));

function indexOf(document: HostManifest): AppliedIndex {
  const desired = expandManifest(document);
  const stamps = new Map(
    Object.entries(desired.files ?? {}).map(([path, file]) => {
      const bytes = materialise(file, VALUES);
      return [path, { sha256: sha256(bytes), size: bytes.length }];
    }),
  );
  return JSON.parse(JSON.stringify(factsOf(desired, stamps))) as AppliedIndex;
}

/** The last generation's index, some items of which stood on the host before it. */
function adopted(index: AppliedIndex, flags: readonly boolean[]): AppliedIndex {
  let at = 0;
  return Object.fromEntries(
    Object.entries(index).map(([section, items]) => [
      section,
      Object.fromEntries(
        Object.entries(items).map(([key, facts]) => {
          if (section === 'blocks' || section === 'checks') return [key, facts];
          const mark = flags[at++ % flags.length];
          // Of files and links an older version marked nothing, and this one says also that nothing stood there.
          const isFile = section === 'files' || section === 'symlinks';
          if (isFile && at % 3 !== 0) return [key, { ...facts, adopted: mark }];
          // Of users also which of their groups they had before.
          const had = section === 'users' && at % 2 === 0 ? { had: ['dev'] } : {};
          return [key, { ...facts, ...(mark ? { adopted: true } : {}), ...had }];
        }),
      ),
    ]),
  );
}

const copyOf = (path: string): string => `/var/lib/citadel-iac/originals/${sha256(path)}/copy`;

function observed({ seen, wanted, before }: RandomCase, applied: AppliedIndex): ObservedHost {
  const paths = new Map<string, ObservedPath>();
  const contents = new Map<string, Buffer>();
  for (const [path, { seen: facts, text }] of Object.entries(seen.paths)) {
    const isFile = facts.kind === 'file';
    paths.set(path, { ...facts, size: text.length, ...(isFile ? { sha256: sha256(text) } : {}) });
    if (isFile) contents.set(path, Buffer.from(text));
  }
  const desired = expandManifest(wanted);
  const sections = ['directories', 'files', 'symlinks'] as const;
  const stays = (path: string): boolean =>
    [...sections, 'blocks' as const].some((section) => desired[section]?.[path] !== undefined);
  const leaving = sections
    .flatMap((section) => Object.keys(applied[section] ?? {}))
    .filter((path) => !stays(path));
  const known = new Map<string, ObservedBefore>();
  for (const [path, { copy, made, owner }] of Object.entries(before)) {
    if (!leaving.includes(path)) continue;
    known.set(path, {
      ...(copy === undefined ? {} : { copy: copyOf(path) }),
      ...(made ? { made } : {}),
      ...(owner === undefined ? {} : { owner }),
    });
    if (copy === undefined || copy.seen.kind === 'directory') continue;
    const { entries: _entries, ...facts } = copy.seen;
    const isFile = facts.kind === 'file';
    paths.set(copyOf(path), {
      ...facts,
      size: copy.text.length,
      ...(isFile ? { sha256: sha256(copy.text) } : {}),
    });
  }
  return {
    generation: 7,
    digest: 'e'.repeat(64),
    applied,
    debts: [],
    open: null,
    paths,
    before: known,
    contents,
    units: new Map(UNITS.map((name, at) => [name, seen.units[at] as NonNullable<(typeof seen.units)[0]>])),
    packages: new Map(Object.entries(seen.packages)),
    groups: new Map(Object.entries(seen.groups)),
    users: new Map(Object.entries(seen.users)),
    mounts: new Map(Object.entries(withoutUndefined(seen.mounts) as Record<string, ObservedMount>)),
    secretKey: null,
    offline: null,
  };
}

const COMPARED = /^(ops|own|tree|secrets)\/|^expect\.|^index\.json$|^meta$|^way-in$/;
const sameMeta = (text: string): string =>
  text
    .split('\n')
    .filter((line) => /^(daemon_reload|waves)=/.test(line))
    .join('\n');

async function byEngine(one: RandomCase, state: ObservedHost): Promise<Record<string, string> | null> {
  try {
    const plan = await planObserved(
      {
        manifest: one.wanted,
        desired: expandManifest(one.wanted),
        values: VALUES,
        observation: { host: state, indexSent: true },
      },
      () => Promise.resolve(new Map()),
    );
    const settings = { id: 'id', nonce: '-', who: 'who', deadlineSec: 60, confirmSec: 0, waitSec: 0 };
    const files = buildPayload(plan, settings, { transaction: '', expect: '' });
    return comparable({
      ...Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toString('latin1')])),
      'way-in': String(plan.risky),
    });
  } catch (error) {
    if (error instanceof CitadelError) return null;
    throw error;
  }
}

function comparable(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files)
      // What the engine proves at the end, the host's own planner leaves out.
      .filter(([name]) => COMPARED.test(name) && name !== 'ops/after')
      .map(([name, text]) => [name, name === 'meta' ? sameMeta(text) : text]),
  );
}

function byHost(inputs: readonly object[]): (Record<string, string> | null)[] {
  const run = spawnSync('/usr/bin/python3', ['-B', 'test/node/support/plan_files.py'], {
    input: JSON.stringify(inputs),
    maxBuffer: 256 * 1024 * 1024,
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(run.stderr);
  const all = JSON.parse(run.stdout) as (Record<string, string> | null)[];
  return all.map(
    (files) =>
      files &&
      comparable(
        Object.fromEntries(
          Object.entries(files).map(([name, text]) => [name, Buffer.from(text, 'base64').toString('latin1')]),
        ),
      ),
  );
}

it('makes the transaction that the engine makes, whatever the generations and the host', async () => {
  const { seed } = fc.readConfigureGlobal();
  const inputs: object[] = [];
  const wanted: (Record<string, string> | null)[] = [];
  for (const one of fc.sample(randomCases, 400)) {
    const applied = adopted(indexOf(one.last), one.adopt);
    const state = observed(one, applied);
    wanted.push(await byEngine(one, state));
    inputs.push({
      manifest: one.wanted,
      facts: indexOf(one.wanted),
      applied,
      secrets: SECRETS,
      observed: {
        paths: Object.fromEntries(state.paths),
        before: Object.fromEntries(state.before ?? []),
        contents: Object.fromEntries([...state.contents].map(([path, it]) => [path, it.toString('base64')])),
        units: Object.fromEntries(state.units ?? []),
        packages: Object.fromEntries(state.packages),
        groups: Object.fromEntries(state.groups),
        users: Object.fromEntries(state.users),
        mounts: Object.fromEntries(state.mounts ?? []),
      },
    });
  }
  const got = byHost(inputs);
  expect(wanted.filter((it) => it !== null).length).toBeGreaterThan(100);
  for (const [at, files] of wanted.entries())
    expect(got[at], `CITADEL_SEED=${String(seed)}, case ${String(at)}`).toEqual(files);
}, 120_000);
