import type { Command } from 'commander';
import { SHELLS } from '../completion/tree.js';
import type { CommonOptions } from '../shell.js';
import { treeOf } from '../completion/command-tree.js';
import { addCommand, type Example, type Usage } from './options.js';

const EXAMPLES: readonly Example[] = [
  ['completion bash > ~/.local/share/bash-completion/completions/citadel-iac', 'bash'],
  ['completion zsh > ~/.zfunc/_citadel-iac', 'zsh, with ~/.zfunc in fpath'],
  ['completion fish > ~/.config/fish/completions/citadel-iac.fish', 'fish'],
];

export function addCompletion({ program, shell, finish }: Usage): void {
  addCommand(program, 'completion', 'print a completion script for a shell', EXAMPLES)
    .argument('[shell]', SHELLS.join(', '))
    .option('--hosts', 'print the names of hosts and @groups instead')
    .action(async (name: string | undefined, _options, command: Command) => {
      const { completion } = await import('../commands/completion.js');
      const options = command.optsWithGlobals<CommonOptions & { hosts?: boolean }>();
      finish(await completion(shell, treeOf(program), name, options));
    });
}
