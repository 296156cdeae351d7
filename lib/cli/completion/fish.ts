import { optionsOf, type CommandTree, type OptionNode } from './tree.js';

/** A completion script for fish. */
export function fishCompletion(root: CommandTree): string {
  const { name } = root;
  const top = root.commands.map(
    (command) =>
      `complete -c ${name} -n __fish_use_subcommand -f -a ${command.name} -d ${quote(command.description)}`,
  );
  const seen = (names: readonly string[]): string => `__fish_seen_subcommand_from ${names.join(' ')}`;
  const below = root.commands.flatMap((command) => {
    if (command.commands.length === 0) return linesOf(root, command, seen([command.name]));
    const names = command.commands.map((each) => each.name);
    const first = `-n '${seen([command.name])}; and not ${seen(names)}'`;
    return command.commands.flatMap((each) => [
      `complete -c ${name} ${first} -f -a ${each.name} -d ${quote(each.description)}`,
      ...linesOf(root, each, `${seen([command.name])}; and ${seen([each.name])}`),
    ]);
  });
  return `# fish completion of ${name}: ${name} completion fish | source\n${[...top, ...below].join('\n')}\n`;
}

/** Options and arguments of a command that has no commands of its own. */
function linesOf(root: CommandTree, command: CommandTree, condition: string): string[] {
  const { name } = root;
  const when = `-n '${condition}'`;
  const options = optionsOf(root, command).map(
    (option) => `complete -c ${name} ${when} ${spec(option, name)}`,
  );
  const { argument } = command;
  if (argument === undefined) return options;
  if (argument === 'files') return [`complete -c ${name} ${when} -F`, ...options];
  const words =
    argument === 'hosts'
      ? hostsOf(name)
      : argument === 'host'
        ? `'(${name} completion --hosts 2>/dev/null | string match -v "@*")'`
        : quote(argument.join(' '));
  return [`complete -c ${name} ${when} -f -a ${words}`, ...options];
}

function hostsOf(program: string): string {
  return `'(${program} completion --hosts 2>/dev/null)'`;
}

function spec(option: OptionNode, program: string): string {
  const flags = option.flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const value = { file: ' -r -F', hosts: ` -x -a ${hostsOf(program)}`, text: ' -x', none: '' }[
    option.value ?? 'none'
  ];
  return `${flags.join(' ')}${value} -d ${quote(option.description)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
