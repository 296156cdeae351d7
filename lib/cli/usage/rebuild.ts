import { InvalidArgumentError, Option, type Command } from 'commander';
import type { RebuildOptions } from '../commands/rebuild.js';
import { addCommand, collect, type Example, MANIFEST, seconds, type Usage, WAIT, YES } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['rebuild ai-node', 'say what would be done and how long it takes, ask, do it'],
  ['rebuild ai-node --host-key SHA256:…', 'a new machine, whose key was read on its console'],
  ['rebuild ai-node --bootstrap-user debian', 'first log in as another account than root'],
  ['rebuild ai-node --without-weights', 'all but the models'],
  [
    'rebuild ai-node --first-boot user-data',
    'write what cloud-init needs for a new machine, with its host key',
  ],
];

const TYPES = ['daily', 'weekly', 'monthly'];

export function addRebuild({ program, shell, finish }: Usage): void {
  addCommand(
    program,
    'rebuild',
    'make a bare Debian or Ubuntu the host that it should be, models and all',
    EXAMPLES,
  )
    .argument('<host>', 'the host')
    .option(
      '--host-key <fingerprint>',
      'accept this host key in this run, in place of those pinned',
      fingerprint,
    )
    .option(
      '--bootstrap-user <name>',
      'account for the first log-in; root, or one that may sudo (default: root)',
      account,
    )
    .option('--bootstrap-identity <file>', 'private key for it (default: as in the inventory)')
    .option('--without-weights', 'leave out models that are not there')
    .option('--without-data', 'bring nothing back from off-site')
    .addOption(new Option('--from <type>', 'restore from archives of this type only').choices(TYPES))
    .option('--first-boot <file>', 'write user data for cloud-init with a new host key, and ask no host')
    .option(...YES)
    .option(...WAIT, seconds)
    .option(...MANIFEST, collect)
    .action(async (name: string, _options, command: Command) => {
      const options = command.optsWithGlobals<RebuildOptions & { readonly firstBoot?: string }>();
      if (options.firstBoot !== undefined) {
        const { firstBoot } = await import('../commands/first-boot.js');
        finish(await firstBoot(shell, name, options.firstBoot, options));
        return;
      }
      const { rebuild } = await import('../commands/rebuild.js');
      finish(await rebuild(shell, name, options));
    });
}

function fingerprint(value: string): string {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(value)) return value;
  throw new InvalidArgumentError('Give it as "ssh-keygen -lf" prints it: SHA256: and 43 characters.');
}

function account(value: string): string {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(value)) return value;
  throw new InvalidArgumentError('Give an account name.');
}
