import { optionsOf, type CommandTree, type OptionNode } from './tree.js';

/** A completion script for fish. */
export function fishCompletion(root: CommandTree): string {
  const { name } = root;
  const top = root.commands.map(
    (command) =>
      `complete -c ${name} -n __fish_use_subcommand -f -a ${command.name} -d ${quote(command.description)}`,
  );
  const below = root.commands.flatMap((command) => {
    const when = `-n '__fish_seen_subcommand_from ${command.name}'`;
    const options = optionsOf(root, command).map((option) => `complete -c ${name} ${when} ${spec(option)}`);
    const argument = command.argument;
    if (argument === undefined) return options;
    const words =
      argument === 'hosts' ? `'(${name} completion --hosts 2>/dev/null)'` : quote(argument.join(' '));
    return [`complete -c ${name} ${when} -f -a ${words}`, ...options];
  });
  return `# fish completion of ${name}: ${name} completion fish | source\n${[...top, ...below].join('\n')}\n`;
}

function spec(option: OptionNode): string {
  const flags = option.flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const value = option.value === 'file' ? ' -r -F' : option.value === 'text' ? ' -x' : '';
  return `${flags.join(' ')}${value} -d ${quote(option.description)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
