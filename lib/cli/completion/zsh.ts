import { optionsOf, type CommandTree, type OptionNode } from './tree.js';

/** A completion script for zsh (compsys). */
export function zshCompletion(root: CommandTree): string {
  const commands = root.commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`);
  const cases = root.commands.map(
    (command) =>
      `    ${command.name})\n      _arguments ${[...optionsOf(root, command).flatMap(specs), ...rest(command)].join(' \\\n        ')} ;;`,
  );
  return `#compdef ${root.name}
# zsh completion of ${root.name}: source <(${root.name} completion zsh)
_citadel_iac_hosts() {
  local -a hosts
  hosts=(\${(f)"$(${root.name} completion --hosts 2>/dev/null)"})
  compadd -a hosts
}
_citadel_iac() {
  local context state line
  local -a commands
  commands=(
${commands.join('\n')}
  )
  _arguments -C ${root.options.flatMap(specs).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
  case $line[1] in
${cases.join('\n')}
  esac ;;
  esac
}
compdef _citadel_iac ${root.name}
`;
}

function specs(option: OptionNode): string[] {
  const value = option.value === 'file' ? ':file:_files' : option.value === 'text' ? ':value:' : '';
  return option.flags.map((flag) =>
    quote(`${flag}[${option.description.replaceAll(/[[\]\\:]/g, '\\$&')}]${value}`),
  );
}

function rest(command: CommandTree): string[] {
  if (command.argument === undefined) return [];
  if (command.argument === 'hosts') return ["'*:host:_citadel_iac_hosts'"];
  return [quote(`1:value:(${command.argument.join(' ')})`)];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
