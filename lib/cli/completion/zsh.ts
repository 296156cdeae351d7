import { optionsOf, type CommandTree, type OptionNode } from './tree.js';

/** A completion script for zsh (compsys). */
export function zshCompletion(root: CommandTree): string {
  return `#compdef ${root.name}
# zsh completion of ${root.name}: source <(${root.name} completion zsh)
_citadel_iac_hosts() {
  local -a hosts
  hosts=(\${(f)"$(${root.name} completion --hosts 2>/dev/null)"})
  compadd -a hosts
}
_citadel_iac_host() {
  local -a hosts
  hosts=(\${\${(f)"$(${root.name} completion --hosts 2>/dev/null)"}:#@*})
  compadd -a hosts
}
${level(root, root)}compdef _citadel_iac ${root.name}
`;
}

/** The function that completes one command, after those of the commands below it. */
function level(root: CommandTree, node: CommandTree): string {
  const called = (command: CommandTree): string =>
    command === root ? '_citadel_iac' : `_citadel_iac_${command.name}`;
  const parents = node.commands.filter(({ commands }) => commands.length > 0);
  const commands = node.commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`);
  const cases = node.commands.map((command) =>
    parents.includes(command)
      ? `    ${command.name}) ${called(command)} ;;`
      : `    ${command.name})\n      _arguments ${[...optionsOf(root, command).flatMap(specs), ...rest(command)].join(' \\\n        ')} ;;`,
  );
  const own = node === root ? root.options : optionsOf(root, node);
  return `${parents.map((command) => level(root, command)).join('')}${called(node)}() {
  local context state line
  local -a commands
  commands=(
${commands.join('\n')}
  )
  _arguments -C ${own.flatMap(specs).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
  case $line[1] in
${cases.join('\n')}
  esac ;;
  esac
}
`;
}

function specs(option: OptionNode): string[] {
  const value = { file: ':file:_files', hosts: ':hosts:_citadel_iac_hosts', text: ':value:', none: '' }[
    option.value ?? 'none'
  ];
  return option.flags.map((flag) =>
    quote(`${flag}[${option.description.replaceAll(/[[\]\\:]/g, '\\$&')}]${value}`),
  );
}

function rest(command: CommandTree): string[] {
  if (command.argument === undefined) return [];
  if (command.argument === 'files') return ["'*:file:_files'"];
  if (command.argument === 'host') return ["'1:host:_citadel_iac_host'"];
  if (command.argument === 'hosts') return ["'*:host:_citadel_iac_hosts'"];
  return [quote(`1:value:(${command.argument.join(' ')})`)];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
