/**
 * `npm run demo`: from a fresh clone to two deployed hosts, a hand-made change, its diff and its repair.
 *
 * Where the lab can run (root on Linux) the hosts are real Debian systems booted on
 * this machine, in network namespaces of their own. Elsewhere the same runs on offline roots: directories that stand
 * for hosts, where files are real and units are only enabled.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters, styleText } from 'node:util';
import {
  PROJECT,
  ensureDebianPackages,
  ensureNodePackages,
  onPath,
  prepareEnvironment,
} from './bootstrap.mjs';
import { makeOfflineRoot } from './offline-root.mjs';

const MINUTE = 60_000;
const lab = process.env.CITADEL_LAB_NAME ?? 'citadel';
let step = 0;

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (style, text) => (colour ? styleText(style, text) : text);
const heading = (text) => console.log(`\n${paint('bold', `== ${++step}. ${text}`)}\n`);
const say = (text) => console.log(text);

const quoted = (word) => (/[\s'"$*]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : word);

/**
 * Runs a command, shown as a person would type it; ends the demo when its status is not one of `allowed`. With `log`,
 * its output goes to that file and only the last lines are shown (a first plan is hundreds), or with `plan` the plan.
 */
function run(command, { minutes = 10, allowed = [0], env = {}, prefix = [], log, plan = false } = {}) {
  say(paint('cyan', `$ ${command.map(quoted).join(' ')}`));
  const [file, ...args] = [...prefix, ...command];
  const output = log === undefined ? 'inherit' : openSync(log, 'w');
  const { status, error } = spawnSync(file, args, {
    cwd: PROJECT,
    stdio: ['ignore', output, log === undefined ? 'inherit' : output],
    env: { ...process.env, ...env },
    timeout: minutes * MINUTE,
  });
  if (log !== undefined) {
    closeSync(output);
    showEssence(log, plan);
  }
  if (error !== undefined || !allowed.includes(status)) {
    const end = error === undefined ? `ended with status ${status}` : error.message;
    say(`\nThe demo stops here: ${command.map(quoted).join(' ')} ${end}.`);
    process.exit(1);
  }
}

/** Lines of a log as they would stand on a screen: without what a program drew over. */
function linesOf(log) {
  return readFileSync(log, 'utf8')
    .split('\n')
    .map((line) => (colour ? line : stripVTControlCharacters(line)))
    .filter((line) => !/^\s*$|^[⠁-⣿] |\d+ Stacks? (deploying|done)/.test(stripVTControlCharacters(line)));
}

/** The end of a log, or the plan in it when there is one to read. */
function showEssence(log, plan) {
  const lines = linesOf(log);
  const at = (pattern) => lines.findIndex((line) => pattern.test(stripVTControlCharacters(line)));
  const [first, last] = [at(/^\s*# citadel_host\./), at(/^\s*Plan: |No changes\./)];
  say((plan && last >= 0 ? lines.slice(first < 0 ? last : first, last + 1) : lines.slice(-8)).join('\n'));
  say(paint('dim', `(all ${lines.length} lines: ${relative(PROJECT, log)})`));
}

/** A file for the output of the step that is shown now. */
function logFile() {
  mkdirSync(join(PROJECT, '.citadel'), { recursive: true });
  return join(PROJECT, '.citadel', `demo-${step}.log`);
}

/** Why the lab cannot run here, in its own words, or `undefined` when it can. */
function whyNoLab() {
  const question =
    "import('./test/lab/api.ts').then(({ requireLab }) => console.log(requireLab().reason ?? ''))";
  const { status, stdout, stderr } = spawnSync('tsx', ['-e', question], {
    cwd: PROJECT,
    encoding: 'utf8',
    timeout: MINUTE,
    env: { ...process.env, CITADEL_LAB: '' },
  });
  if (status !== 0) return `asking it failed: ${stderr.trim()}`;
  return stdout.trim() === '' ? undefined : stdout.trim();
}

function demoOnLab() {
  const inventory = 'stacks/inventory/lab.yaml';
  const env = {
    CITADEL_INVENTORY: inventory,
    ...(lab === 'citadel' ? {} : { CITADEL_LAB_NAME: lab }),
  };
  // Everything that talks to a host runs in the operator's namespace: nothing is routed from this machine's network.
  const inside = ['ip', 'netns', 'exec', `${lab}-operator`];
  const labCommand = (...args) => ['npm', 'run', '--silent', 'lab', '--', ...args];
  const operator = (command, options = {}) => run(command, { prefix: inside, env, ...options });
  const deploy = (...stacks) => {
    const options = { minutes: 15, log: logFile() };
    if (!onPath('terraform')) operator(['npx', 'citadel-iac', 'apply', ...stacks, '--yes'], options);
    else operator(['npx', 'cdktf', 'deploy', ...stacks, '--auto-approve'], options);
  };
  const diff = (stack) =>
    !onPath('terraform')
      ? operator(['npx', 'citadel-iac', 'diff', stack], { allowed: [0, 2] })
      : operator(['npx', 'cdktf', 'diff', stack], { log: logFile(), plan: true });

  heading(
    'Boot the lab: two Debian hosts on this machine (the first time, their file systems are built: minutes)',
  );
  run(labCommand('up'), { minutes: 20 });
  if (!onPath('terraform')) {
    say('\nterraform is not on PATH: the demo uses citadel-iac, which does the same to the hosts.');
  }

  heading('Deploy both stacks');
  deploy('ai-node', 'dev-ops');

  heading('Someone edits a file on the monitoring server by hand');
  run(
    labCommand(
      'exec',
      'dev-ops',
      '--',
      'sed',
      '-i',
      's/^  scrape_interval: .*/  scrape_interval: 5m/',
      '/etc/prometheus/prometheus.yml',
    ),
  );

  heading('The plan shows that line');
  diff('dev-ops');

  heading('A deployment heals it');
  deploy('dev-ops');

  heading('Nothing is left to do, and the host remembers');
  operator(['npx', 'citadel-iac', 'diff', 'dev-ops']);
  operator(['npx', 'citadel-iac', 'history', 'dev-ops']);

  const enter = inside.join(' ');
  const settings = {
    ...env,
    CHECKPOINT_DISABLE: '1',
  };
  const exports = Object.entries(settings).map(([name, value]) => `  export ${name}=${value}`);
  say(`
${paint('bold', 'Try next')} (the hosts keep running)

${exports.join('\n')}

  Are both hosts as they should be?
    ${enter} npx citadel-iac verify
  Change something in stacks/ or ${inventory}, then:
    ${enter} npx cdktf diff dev-ops
    ${enter} npx citadel-iac apply dev-ops
  Go back to what was before that change:
    ${enter} npx citadel-iac rollback dev-ops
  Look around on a host:
    npm run lab -- exec ai-node -- systemctl list-units 'citadel-*'
  End the lab and leave nothing behind:
    npm run lab -- down
`);
}

function demoOffline(reason) {
  const inventory = 'stacks/inventory/offline.yaml';
  say(`The lab cannot run here: ${reason}.`);
  say(
    'The same follows on offline roots: directories under .citadel/offline that stand for hosts. Files, links and',
  );
  say('blocks are real there; units are enabled and not started, and health checks do not run.');
  const env = { CITADEL_INVENTORY: inventory };
  const citadel = (args, options = {}) => run(['npx', 'citadel-iac', ...args], { env, ...options });

  heading('Make two empty roots');
  const roots = join(PROJECT, '.citadel', 'offline');
  rmSync(roots, { recursive: true, force: true });
  for (const host of ['ai-node', 'dev-ops']) makeOfflineRoot(join(roots, host));
  say(`${roots}/{ai-node,dev-ops}`);

  heading('Apply both hosts');
  citadel(['apply', '--yes'], { log: logFile() });

  heading('Someone edits a file by hand');
  const file = join(roots, 'dev-ops', 'etc', 'prometheus', 'prometheus.yml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(/^ {2}scrape_interval: .*/m, '  scrape_interval: 5m'),
  );
  say(`${file}: scrape_interval is now 5m`);

  heading('The diff shows that line');
  citadel(['diff'], { allowed: [2] });

  heading('An apply heals it');
  citadel(['apply', '--yes']);

  heading('Nothing is left to do');
  citadel(['diff']);
  citadel(['history']);
  say(`
${paint('bold', 'Try next')}

  export CITADEL_INVENTORY=${inventory}
  npx citadel-iac apply dev-ops      after a change of stacks/ or ${inventory}
  npx citadel-iac rollback dev-ops   back to what was before that change
  sudo npm run demo                  the same on real hosts, on Debian or Ubuntu
`);
}

console.log(paint('bold', 'Citadel IaC: two hosts, one document each'));
heading('Install what is missing');
prepareEnvironment();
ensureNodePackages();
ensureDebianPackages();
say('Done.');

const reason = process.argv.includes('--offline') ? 'you asked for --offline' : whyNoLab();
if (reason === undefined) demoOnLab();
else demoOffline(reason);
