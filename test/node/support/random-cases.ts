import fc from 'fast-check';
import type { ObservedPath } from '../../../lib/engine/model.js';
import type { HostManifest } from '../../../lib/manifest/index.js';

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** A record over some of the keys. */
const some = <T>(keys: readonly string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc
    .array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: keys.length })
    .map((entries) => Object.fromEntries(entries) as Record<string, T>);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
export const withoutUndefined = <T extends object>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

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
export const UNITS = ['a.service', 'b.service', 'c.timer', 'ssh.service'];
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
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.record({ version: maybe(pick('1', '2')), source: maybe(pick('/a.deb')) }),
        },
        fc.record({ state: fc.constant('absent' as const) }),
      ),
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

/** Two generations, the host between them, and what it kept of before each path was managed. */
export interface RandomCase {
  readonly wanted: HostManifest;
  readonly last: HostManifest;
  readonly seen: typeof host extends fc.Arbitrary<infer T> ? T : never;
  readonly adopt: readonly boolean[];
  readonly before: Readonly<
    Record<string, { copy: Live | undefined; made: boolean; owner: string | undefined }>
  >;
}
/** Generations and hosts that mean the same paths, units and accounts, so that they meet. */
export const randomCases: fc.Arbitrary<RandomCase> = fc.record({
  wanted: manifest,
  last: manifest,
  seen: host,
  adopt: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
  before: some(
    [...PATHS, '/home/a/.ssh/authorized_keys'],
    fc.record({ copy: maybe(live), made: fc.boolean(), owner: maybe(pick('pkg')) }),
  ),
});
