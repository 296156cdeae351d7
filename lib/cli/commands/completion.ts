import { RESERVED_GROUPS } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { SHELLS, type CommandTree, type CompletionShell } from '../completion/tree.js';
import { zshCompletion } from '../completion/zsh.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import type { CommonOptions, Shell } from '../shell.js';
import { suggest } from '../../text/suggest.js';
import { readInventory } from '../read-inventory.js';

const SCRIPTS: Readonly<Record<CompletionShell, (root: CommandTree) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `citadel-iac completion bash|zsh|fish`: a script made from the commands themselves; `--hosts`: what it asks for. */
export async function completion(
  shell: Shell,
  root: CommandTree,
  name: string | undefined,
  options: CommonOptions & { readonly hosts?: boolean },
): Promise<ExitCode> {
  if (options.hosts === true) {
    const { hosts, groups } = await readInventory(shell, options);
    const all = [...Object.keys(groups), ...RESERVED_GROUPS].map((name) => `@${name}`);
    shell.out.write(`${[...Object.keys(hosts).sort(), ...all.sort()].join('\n')}\n`);
    return EXIT.ok;
  }
  const known = SHELLS.find((each) => each === name);
  if (known === undefined) {
    const near = name === undefined ? undefined : suggest(name, SHELLS);
    throw new CitadelError({
      code: 'cli.completion.shell',
      path: 'completion',
      got: name === undefined ? 'no shell is named' : `there is no completion for "${name}"`,
      fix: near === undefined ? `Name one of: ${SHELLS.join(', ')}.` : `Did you mean "${near}"?`,
    });
  }
  shell.out.write(SCRIPTS[known](root));
  return EXIT.ok;
}
