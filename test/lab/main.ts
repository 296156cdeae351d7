import { spawn } from 'node:child_process';
import { Command, InvalidArgumentError } from 'commander';
import { HOST_NAMES, isHostName, MOST_SMALL, repository, smallHosts, type HostName } from './layout.js';
import { Lab } from './lab.js';
import { LabError } from './process.js';

const progress = (line: string): void => {
  process.stderr.write(`lab: ${line}\n`);
};

const KNOWN = `${HOST_NAMES.join(', ')} or h01, h02, …`;

const program = new Command('lab')
  .enablePositionalOptions()
  .description('Real Debian hosts on this machine, in network namespaces of their own (root, Linux).')
  .addHelpText(
    'after',
    `
Examples:
  npm run lab -- up                                    both hosts, Debian 13 and 12
  npm run lab -- up --suite ai-node=bookworm,dev-ops=trixie
  npm run lab -- exec operator -- ssh -F "$(npm run -s lab -- path ssh-config)" ai-node uptime
  npm run lab -- exec ai-node -- systemctl status
  npm run lab -- reset ai-node                         a bare host again, same keys
  npm run lab -- up --hosts 8                          eight small hosts: systemd and sshd
  CITADEL_LAB_NAME=mine npm run lab -- up              a second lab next to the first`,
  );

program
  .command('up')
  .description('make and boot what is missing')
  .option('--suite <suites>', 'Debian suite: one for all, or HOST=SUITE,HOST=SUITE', parseSuites)
  .option('--host <names...>', 'only these hosts', collectHosts)
  .option('--hosts <count>', 'so many small hosts (h01, h02, …), and not the two of the example', parseCount)
  .action(
    async (options: { suite?: Partial<Record<HostName, string>>; host?: HostName[]; hosts?: number }) => {
      const started = performance.now();
      const lab = Lab.named();
      const chosen = [...(options.host ?? []), ...smallHosts(options.hosts ?? 0)];
      await lab.up({
        progress,
        ...(options.suite === undefined ? {} : { suites: options.suite }),
        ...(chosen.length === 0 ? {} : { hosts: chosen }),
      });
      progress(
        `${lab.name} is up after ${((performance.now() - started) / 1000).toFixed(1)} s; inventory ${lab.layout.inventory}`,
      );
    },
  );

program
  .command('down')
  .description('end the lab; only the cached bases stay')
  .action(async () => {
    await Lab.named().down();
  });

program
  .command('reset')
  .description('bare hosts again, with the same keys')
  .argument('[host]', KNOWN, parseHost)
  .action(async (host?: HostName) => {
    await Lab.named().reset(host);
  });

program
  .command('status')
  .description('what there is')
  .option('--json', 'for programs')
  .action(async (options: { json?: boolean }) => {
    const status = await Lab.named().status();
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
      return;
    }
    process.stdout.write(
      `lab ${status.lab}, operator ${status.operator.netns} ${status.operator.up ? 'up' : 'absent'}\n`,
    );
    for (const host of status.hosts) {
      const pid = host.pid1 === undefined ? '' : ` pid ${host.pid1}`;
      process.stdout.write(`${host.host} ${host.address} ${host.state} ${host.suite ?? ''}${pid}\n`);
    }
  });

program
  .command('exec')
  .description('run a program on the operator side or inside a host (as root), with this terminal')
  .argument('<where>', `operator, ${KNOWN}`)
  .argument('<command...>', 'after --')
  .passThroughOptions()
  .action((where: string, words: string[]) => {
    const command = words[0] === '--' ? words.slice(1) : words;
    const lab = Lab.named();
    const argv = where === 'operator' ? lab.operator.argv(command) : lab.host(parseHost(where)).argv(command);
    handOver(argv, where === 'operator' ? undefined : repository);
  });

program
  .command('path')
  .description('where the lab keeps a file for other programs')
  .argument('<what>', 'ssh-config, known-hosts, identity or inventory')
  .action((what: string) => {
    const { sshConfig, knownHosts, operatorKey, inventory } = Lab.named().layout;
    const paths: Record<string, string> = {
      'ssh-config': sshConfig,
      'known-hosts': knownHosts,
      identity: operatorKey,
      inventory,
    };
    const path = paths[what];
    if (path === undefined)
      throw new LabError(`There is no path "${what}".`, `Ask for one of ${Object.keys(paths).join(', ')}.`);
    process.stdout.write(`${path}\n`);
  });

// An end in order, so that what we started ends, too.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`lab: ${error.message}\n`);
  process.exitCode = 1;
});

/** Runs a program with our terminal and ends as it ends. */
function handOver(argv: readonly string[], cwd: string | undefined): void {
  const [name = '', ...args] = argv;
  const child = spawn(name, args, { stdio: 'inherit', ...(cwd === undefined ? {} : { cwd }) });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`lab: ${name}: ${error.message}\n`);
    process.exitCode = 127;
  });
  child.on('close', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
  });
}

function parseHost(text: string): HostName {
  if (!isHostName(text)) throw new InvalidArgumentError(`Use ${KNOWN}.`);
  return text;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_SMALL) return count;
  throw new InvalidArgumentError(`Use a whole number from 1 to ${MOST_SMALL}.`);
}

function collectHosts(text: string, before: HostName[] | undefined): HostName[] {
  return [...(before ?? []), parseHost(text)];
}

function parseSuites(text: string): Partial<Record<HostName, string>> {
  if (!text.includes('=')) return Object.fromEntries(HOST_NAMES.map((name) => [name, text]));
  const suites: Partial<Record<HostName, string>> = {};
  for (const pair of text.split(',')) {
    const [host = '', suite = ''] = pair.split('=');
    suites[parseHost(host)] = suite;
  }
  return suites;
}
