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

/**
 * The host's own planner (Python) against the engine's: for any two generations and any state of a host, both make the
 * same transaction, byte for byte.
 */
const SECRETS = { token: 'one secret', other: 'another' };
const VALUES = new Map(Object.entries(SECRETS).map(([name, value]) => [name, Buffer.from(value)]));

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** A record over some of the keys. */
const some = <T>(keys: readonly string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc
    .array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: keys.length })
    .map((entries) => Object.fromEntries(entries) as Record<string, T>);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const withoutUndefined = <T extends object>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const UNIT_FILES = ['/etc/systemd/system/a.service', '/etc/systemd/system/b.service'];
const PATHS = [
  '/opt',
  '/opt/x',
  '/opt/x/y',
  '/opt/x/y/z',
  '/srv/m',
  '/srv/m/below',
  '/etc/cron.d/k',
  '/etc/ssh/sshd_config',
  ...UNIT_FILES,
];
const UNITS = ['a.service', 'b.service', 'c.timer', 'ssh.service'];
const BLOCKS = ['/etc/fstab', '/etc/hosts'];
const ACCOUNTS = ['ann', 'bob', 'cat'];

const access = {
  owner: pick('root', 'ann'),
  group: pick('root', 'adm'),
  mode: pick('0644', '0755', '0600', '4755'),
};
const content = pick(
  '',
  'x\n',
  'é\n',
  'a=@@secret:token@@\n@@secret:other@@',
  '[Unit]\n[Install]\nWantedBy=multi-user.target\n',
  '[Unit]\n[Install]\nWantedBy=graphical.target\n',
);
const item = fc.oneof(
  fc.record({ directories: fc.record(access) }),
  fc.record({ symlinks: fc.record({ target: pick('x', '../y', '/opt/x') }) }),
  fc.record({
    files: fc.oneof(
      fc.record({ content, validate: maybe(pick('cron', 'systemd-unit', 'sudoers')), ...access }),
      fc.record({ secret: pick('token', 'other'), ...access }),
    ),
  }),
);
const wave = fc.integer({ min: 0, max: 11 });
const timing = { timeoutSec: pick(1, 2.5), wave };

const manifest: fc.Arbitrary<HostManifest> = fc
  .record({
    packages: some(
      ['htop', 'jq', 'vim'],
      fc.record({ version: maybe(pick('1', '2')), source: maybe(pick('/a.deb')) }),
    ),
    groups: some(['adm', 'ann', 'dev'], fc.record({ gid: maybe(pick(10, 20)), system: fc.boolean() })),
    users: some(
      ACCOUNTS,
      fc.record({
        uid: maybe(pick(1, 2)),
        group: maybe(pick('adm', 'dev')),
        home: pick('/home/a', '/opt/x'),
        shell: pick('/bin/sh'),
        groups: fc.subarray(['adm', 'dev', 'video']),
        system: fc.boolean(),
        authorizedKeys: maybe(pick(['ssh-ed25519 AAAA x'], [])),
      }),
    ),
    paths: some(PATHS, item),
    blocks: some(BLOCKS, some(['one', 'two'], pick('', 'line\n', 'no end'))),
    mounts: some(
      ['/srv/m', '/opt'],
      fc.record({
        source: pick('/dev/vdb', 'LABEL=disk', '/dev/disk/by-id/x', 'tmpfs'),
        type: pick('ext4', 'auto'),
        options: fc.subarray(['defaults', 'noatime', 'ro', 'user'], { minLength: 1 }),
        state: pick('mounted' as const, 'present' as const),
      }),
    ),
    units: some(
      UNITS,
      fc.record({
        enabled: pick(true, false, null),
        state: pick('running' as const, 'stopped' as const, 'any' as const),
        restartOn: fc.subarray([...PATHS, ...BLOCKS]),
        reloadOn: fc.subarray([...PATHS, ...BLOCKS]),
        wave,
      }),
    ),
    checks: some(
      ['c1', 'c2'],
      fc.oneof(
        fc.record({ kind: fc.constant('unit' as const), unit: pick(...UNITS), ...timing }),
        fc.record({
          kind: fc.constant('tcp' as const),
          host: pick('127.0.0.1', '::1'),
          port: pick(80),
          ...timing,
        }),
        fc.record({
          kind: fc.constant('http' as const),
          url: pick('http://127.0.0.1', 'https://a.b/c?d=e', 'http://[::1]:9/x', 'http://host:8000/ready'),
          status: pick(200),
          ...timing,
        }),
        fc.record({ kind: fc.constant('command' as const), command: pick(['/bin/true', 'a b']), ...timing }),
      ),
    ),
  })
  .map(({ paths, blocks, ...rest }) => {
    const sections: Record<string, Record<string, unknown>> = { directories: {}, files: {}, symlinks: {} };
    for (const [path, value] of Object.entries(paths))
      for (const [section, entry] of Object.entries(value)) (sections[section] ??= {})[path] = entry;
    const filled = Object.fromEntries(
      Object.entries(blocks).filter(([, names]) => Object.keys(names).length > 0),
    );
    return withoutUndefined({
      version: 1,
      host: 'box',
      ...rest,
      ...sections,
      blocks: filled,
    });
  });

const liveContent = fc.oneof(
  content.map((text) => text.replace(/@@.*?@@/g, 'v')),
  pick(
    '# BEGIN citadel-iac one\nline\n# END citadel-iac one\nforeign',
    '# BEGIN citadel-iac one\nline\nforeign\n# END citadel-iac two\n',
  ),
);
interface Live {
  readonly seen: Omit<ObservedPath, 'sha256' | 'size'> & { readonly target?: string };
  readonly text: string;
}
const live: fc.Arbitrary<Live> = fc
  .record({
    kind: pick('file' as const, 'directory' as const, 'symlink' as const),
    owner: access.owner,
    group: access.group,
    uid: pick(0, 7),
    gid: pick(0, 8),
    mode: access.mode,
    entries: fc.integer({ min: 0, max: 3 }),
    target: pick('x', '/elsewhere'),
    text: liveContent,
  })
  .map(({ text, entries, target, ...seen }) => ({
    seen: {
      ...seen,
      ...(seen.kind === 'directory' ? { entries } : {}),
      ...(seen.kind === 'symlink' ? { target } : {}),
    },
    text,
  }));

const host = fc.record({
  paths: some([...PATHS, ...BLOCKS, '/home/a/.ssh', '/home/a/.ssh/authorized_keys'], live),
  units: fc.tuple(
    ...UNITS.map(() =>
      fc.record({
        load: pick('loaded', 'not-found', 'masked'),
        active: pick('active', 'inactive', 'failed', 'activating'),
        fileState: pick('enabled', 'disabled', 'static', 'masked', ''),
        needDaemonReload: fc.boolean(),
      }),
    ),
  ),
  packages: some(['htop', 'jq', 'vim'], pick('1', '2')),
  groups: some(['adm', 'ann', 'dev'], pick(10, 20)),
  users: some(
    ACCOUNTS,
    fc.record({
      uid: pick(0, 1, 2),
      gid: pick(10),
      group: pick('adm', 'ann', 'dev'),
      home: pick('/home/a', '/opt/x'),
      shell: pick('/bin/sh'),
      groups: fc.subarray(['adm', 'dev', 'video']),
    }),
  ),
  mounts: some(
    ['/srv/m', '/opt'],
    fc.record({
      source: pick('/dev/vdb', '/dev/vdc', 'tmpfs'),
      type: pick('ext4', 'xfs'),
      options: fc.subarray(['rw', 'noatime', 'ro', 'nosuid']),
      label: maybe(pick('disk', 'DISK', 'no')),
    }),
  ),
});

interface Case {
  readonly wanted: HostManifest;
  readonly last: HostManifest;
  readonly seen: typeof host extends fc.Arbitrary<infer T> ? T : never;
  readonly adopt: readonly boolean[];
  readonly before: Readonly<
    Record<string, { copy: Live | undefined; made: boolean; owner: string | undefined }>
  >;
}
const cases = fc.record({
  wanted: manifest,
  last: manifest,
  seen: host,
  adopt: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
  before: some(
    [...PATHS, '/home/a/.ssh/authorized_keys'],
    fc.record({ copy: maybe(live), made: fc.boolean(), owner: maybe(pick('pkg')) }),
  ),
});

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
          return [key, mark ? { ...facts, adopted: true } : facts];
        }),
      ),
    ]),
  );
}

const copyOf = (path: string): string => `/var/lib/citadel-iac/originals/${sha256(path)}/copy`;

function observed({ seen, wanted, before }: Case, applied: AppliedIndex): ObservedHost {
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

async function byEngine(one: Case, state: ObservedHost): Promise<Record<string, string> | null> {
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
      .filter(([name]) => COMPARED.test(name))
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
  for (const one of fc.sample(cases, 400)) {
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
