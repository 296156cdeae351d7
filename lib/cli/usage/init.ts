import type { Command } from 'commander';
import type { InitOptions } from '../commands/init.js';
import { addCommand, collect, type Example, type Usage, YES } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['init my-site', 'a new site in a folder of its own'],
  ['init', 'ask a few questions, and write stacks/inventory/site.yaml'],
  [
    'init --dev-ops 10.0.0.6 --operator 10.0.0.0/24 --user ops --yes',
    'a monitoring server, without a question',
  ],
  [
    'init --ai-node 10.0.0.5 --operator 10.0.0.1 --user ops --gpu 80 --model phi3=Phi-3-mini-128k-instruct:7.2',
    'an AI node with one model of 7.2 GiB',
  ],
];

export function addInit({ program, shell, finish }: Usage): void {
  addCommand(program, 'init', 'write a new site, or an inventory for this one from a few answers', EXAMPLES)
    .argument('[folder]', 'folder of a new site; absent: an inventory is written')
    .option('-o, --out <file>', 'file to write (default: stacks/inventory/site.yaml)')
    .option('--force', 'overwrite the file')
    .option('--ai-node <address>', 'the host with the GPUs')
    .option('--dev-ops <address>', 'the monitoring server')
    .option('--operator <address>', 'address or network that people work from; may be repeated', collect)
    .option('--user <name>', 'account to log in as, which may sudo')
    .option('--gpu <GiB>', 'memory of a GPU; once for each', collect)
    .option('--model <spec>', 'NAME=FOLDER:GIB[@GPU,…]; once for each', collect)
    .option('--models-disk <device>', 'disk of the models (default: LABEL=citadel-models)')
    .option('--backup-disk <device>', 'disk of the backups (default: LABEL=citadel-backup)')
    .option('--grafana <file>', 'path on the monitoring server of Grafana’s package (default: no Grafana)')
    .option('--scan', 'ask the hosts for their SSH keys, to compare')
    .option(...YES)
    .action(async (folder: string | undefined, _options, command: Command) => {
      if (folder !== undefined) {
        const { initSite } = await import('../commands/init-site.js');
        finish(initSite(shell, folder, command.optsWithGlobals<InitOptions>()));
        return;
      }
      const { init } = await import('../commands/init.js');
      finish(await init(shell, command.optsWithGlobals<InitOptions>()));
    });
}
