/**
 * What a fresh clone needs before anything else can run: npm packages, and the Debian packages of the tools that tests
 * run. Plain Node, so that it runs with nothing installed.
 *
 * Tools that are part of a service (promtool, amtool) are unpacked into the user's cache and put on PATH instead of
 * installed: installing them would start a Prometheus on the operator's machine.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Command → Debian package that brings it: what tests run besides the lab, which installs what it needs itself. */
const INSTALLED = {
  'systemd-analyze': 'systemd',
  nft: 'nftables',
  logrotate: 'logrotate',
  visudo: 'sudo',
  shellcheck: 'shellcheck',
  chromium: 'chromium',
  restic: 'restic',
  sqlite3: 'sqlite3',
};

/** What `test/node` imports, in Debian's own Python → Debian package that brings it. */
const PYTHON_MODULES = {
  mypy: 'mypy',
  pytest: 'python3-pytest',
  prometheus_client: 'python3-prometheus-client',
  psutil: 'python3-psutil',
  rich: 'python3-rich',
};

/** Command → packages to unpack (the second one is where newer releases put it). */
const UNPACKED = {
  promtool: ['prometheus', 'promtool'],
  amtool: ['prometheus-alertmanager'],
  haproxy: ['haproxy'],
  keepalived: ['keepalived'],
};

const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const toolsDirectory = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'citadel-iac', 'tools');

const say = (text) => process.stderr.write(`${text}\n`);

export function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const hasPythonModule = (name) => existsSync(join('/usr/lib/python3/dist-packages', name));

/** Sets what every child needs: system tools and our unpacked ones on PATH, no look-ups on the network. */
export function prepareEnvironment() {
  const present = (process.env.PATH ?? '').split(delimiter);
  const wanted = [
    join(PROJECT, 'node_modules', '.bin'),
    ...present,
    ...SBIN,
    join(toolsDirectory, 'usr', 'bin'),
    join(toolsDirectory, 'usr', 'sbin'),
  ];
  process.env.PATH = [...new Set(wanted)].join(delimiter);
  process.env.CHECKPOINT_DISABLE = '1';
  process.env.DISABLE_VERSION_CHECK = '1';
  delete process.env.TF_CLI_CONFIG_FILE;
}

export function ensureNodePackages() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 12)) {
    say(`Node ${process.versions.node} is too old: this project needs 20.12 or newer.`);
    process.exit(1);
  }
  installPackages(PROJECT);
}

/** What makes the documentation's site; nothing else waits for it. */
export function ensureDocsPackages() {
  installPackages(join(PROJECT, 'docs'));
}

function installPackages(folder) {
  if (existsSync(join(folder, 'node_modules', '.package-lock.json'))) return;
  say(`Installing npm packages (npm ci) in ${folder} …`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    say('npm ci failed; its messages are above.');
    process.exit(1);
  }
}

function debianLike() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/** Why Debian packages cannot be installed here, or `undefined` when they can. */
export function whyNoDebianPackages() {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  if (!debianLike() || !onPath('apt-get')) return 'not Debian or Ubuntu';
  return undefined;
}

const apt = (args, options = {}) =>
  spawnSync('apt-get', ['-qq', '-y', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 900_000,
    ...options,
  }).status === 0;

/** Installs what is missing. Returns the commands and Python modules that are still missing afterwards, sorted. */
export function ensureDebianPackages() {
  const missing = () =>
    [
      ...[...Object.keys(INSTALLED), ...Object.keys(UNPACKED)].filter((name) => !onPath(name)),
      ...Object.keys(PYTHON_MODULES).filter((name) => !hasPythonModule(name)),
    ].sort();
  const before = missing();
  if (before.length === 0) return [];
  const obstacle = whyNoDebianPackages();
  if (obstacle !== undefined) {
    say(
      `Not installed, because this is ${obstacle}: ${before.join(', ')}. Tests that need them are skipped and say so.`,
    );
    return before;
  }
  say(`Installing Debian packages for: ${before.join(', ')} …`);
  apt(['update']);
  const brings = { ...INSTALLED, ...PYTHON_MODULES };
  const packages = [...new Set(before.filter((name) => name in brings).map((name) => brings[name]))];
  if (packages.length > 0) apt(['install', '--no-install-recommends', ...packages]);
  for (const name of before) if (name in UNPACKED) unpack(UNPACKED[name], name);
  const after = missing();
  if (after.length > 0) say(`Still missing: ${after.join(', ')}.`);
  return after;
}

function unpack(packages, command) {
  for (const name of packages) {
    const directory = mkdtempSync(join(tmpdir(), 'citadel-iac-deb-'));
    try {
      // `download` drops privileges to _apt where it can; the directory is root's, so it says so and goes on.
      if (!apt(['download', name], { cwd: directory })) continue;
      const archive = readdirSync(directory).find((entry) => entry.endsWith('.deb'));
      if (archive === undefined) continue;
      mkdirSync(toolsDirectory, { recursive: true });
      execFileSync('dpkg-deb', ['-x', join(directory, archive), toolsDirectory]);
      const libraries = librariesOf(join(directory, archive));
      if (libraries.length > 0) apt(['install', '--no-install-recommends', ...libraries]);
      if (onPath(command)) return;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** The libraries that a package's programs are linked with: nothing that runs by itself. */
function librariesOf(archive) {
  const depends = execFileSync('dpkg-deb', ['-f', archive, 'Depends'], { encoding: 'utf8' });
  return [...new Set(depends.match(/(?<![\w.+-])lib[\w.+-]+/g) ?? [])];
}
