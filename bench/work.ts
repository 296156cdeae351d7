import { validateManifest, type HostManifest } from '../lib/manifest/index.js';

const ROOT = { owner: 'root', group: 'root' } as const;

/** Things of one host, in the plain form from which both a manifest and a playbook are made. */
export interface Work {
  readonly packages: readonly string[];
  readonly account: string;
  readonly directories: readonly string[];
  /** Path → text; mode 0644, of root. */
  readonly files: Readonly<Record<string, string>>;
  /** Path of a file that belongs to others → text. */
  readonly blocks: Readonly<Record<string, string>>;
  /** Link → target. */
  readonly symlinks: Readonly<Record<string, string>>;
  /** Services that run; each has a file in `files`. */
  readonly services: readonly string[];
  /** Units of packages that run. */
  readonly running: readonly string[];
}

/** Items of one host without any file in `/srv/bench`. A service is two: its file and its state. */
const FIXED = 4 + 2 + 1 + 10 + 8 + 2 + 10 + 6 + 2;

/**
 * A host as one has it: some packages, an account, a tree of configuration, a few services, lines in others' files.
 *
 * @param items how many things, at least 46
 */
export function work(items: number): Work {
  const directories = Array.from({ length: 10 }, (_, n) => `/srv/bench/part-${two(n)}`);
  const services = Array.from({ length: 6 }, (_, n) => `bench-${two(n)}.service`);
  const files: Record<string, string> = {
    '/etc/cron.d/bench': '17 3 * * * root /usr/bin/true\n',
    '/etc/logrotate.d/bench': '/srv/bench/*.log {\n  weekly\n  missingok\n}\n',
  };
  for (const name of services) files[`/etc/systemd/system/${name}`] = service(name);
  for (let n = 0; n < items - FIXED; n += 1)
    files[`/srv/bench/part-${two(n % 10)}/${two(n)}.conf`] = text(n, 2048);
  return {
    packages: ['cron', 'logrotate', 'openssh-server', 'tar'],
    account: 'bench',
    directories: ['/srv/bench', ...directories],
    files,
    blocks: { '/etc/profile': 'export BENCH=1\n', '/etc/bash.bashrc': 'alias bench=true\n' },
    symlinks: Object.fromEntries(
      Array.from({ length: 10 }, (_, n) => [`/srv/bench/current-${two(n)}`, `part-${two(n)}`]),
    ),
    services,
    running: ['cron.service', 'logrotate.timer'],
  };
}

/** The work as a manifest of so many items; `checks` of them are health checks of its services. */
export function workManifest(host: string, items: number, checks = 0): HostManifest {
  const { packages, account, directories, files, blocks, symlinks, services, running } = work(items - checks);
  const unit = { enabled: true, state: 'running', reloadOn: [], wave: 0 };
  return validateManifest({
    version: 1,
    host,
    packages: from(packages, () => ({})),
    groups: { [account]: { system: true } },
    users: {
      [account]: {
        group: account,
        home: '/nonexistent',
        shell: '/usr/sbin/nologin',
        groups: [],
        system: true,
      },
    },
    directories: from(directories, () => ({ ...ROOT, mode: '0755' })),
    files: mapValues(files, (content, path) => ({
      content,
      ...ROOT,
      mode: '0644',
      ...validatorOf(path),
    })),
    blocks: mapValues(blocks, (content) => ({ bench: content })),
    symlinks: mapValues(symlinks, (target) => ({ target })),
    units: {
      ...from(running, () => ({ ...unit, restartOn: [] })),
      ...from(services, (name) => ({ ...unit, restartOn: [`/etc/systemd/system/${name}`] })),
    },
    checks: from(services.slice(0, checks), (name) => ({
      kind: 'unit',
      unit: name,
      timeoutSec: 10,
      wave: 0,
    })),
  });
}

/** So many files of so many bytes, in folders of fifty. */
export function filesManifest(host: string, count: number, bytes: number): HostManifest {
  const names = Array.from({ length: count }, (_, n) => n);
  const folder = (n: number): string => `/srv/many/${two(Math.floor(n / 50))}`;
  return validateManifest({
    version: 1,
    host,
    directories: from(['/srv/many', ...new Set(names.map(folder))], () => ({ ...ROOT, mode: '0755' })),
    files: Object.fromEntries(
      names.map((n) => [
        `${folder(n)}/${String(n)}.conf`,
        { content: text(n, bytes), ...ROOT, mode: '0644' },
      ]),
    ),
  });
}

/** What a host has that has nothing: everything that was applied goes. */
export function emptyManifest(host: string): HostManifest {
  return validateManifest({ version: 1, host });
}

function service(name: string): string {
  return [
    '[Unit]',
    `Description=Work of a benchmark, ${name}`,
    '[Service]',
    'ExecStart=/usr/bin/sleep infinity',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** Lines of configuration, no two files alike. */
function text(seed: number, bytes: number): string {
  let out = `# file ${String(seed)}\n`;
  for (let n = 0; out.length < bytes; n += 1)
    out += `setting-${String(n)} = ${String((seed + 1) * (n + 7))}\n`;
  return `${out.slice(0, bytes - 1)}\n`;
}

function validatorOf(path: string): { readonly validate?: string } {
  if (path.startsWith('/etc/systemd/system/')) return { validate: 'systemd-unit' };
  if (path.startsWith('/etc/cron.d/')) return { validate: 'cron' };
  return path.startsWith('/etc/logrotate.d/') ? { validate: 'logrotate' } : {};
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

function from<V>(names: readonly string[], value: (name: string) => V): Record<string, V> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

function mapValues<V, W>(
  record: Readonly<Record<string, V>>,
  map: (value: V, key: string) => W,
): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}
