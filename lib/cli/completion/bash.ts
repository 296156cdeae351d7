import { flagsWith, optionsOf, type CommandTree } from './tree.js';

/** A completion script for bash ≥ 4, without the bash-completion package. */
export function bashCompletion(root: CommandTree): string {
  const line = (pattern: string, command: CommandTree): string => {
    const flags = optionsOf(root, command).flatMap((option) => option.flags);
    return `    ${pattern}) flags='${flags.join(' ')}'; words=${wordsOf(command)} ;;`;
  };
  // The more words a pattern has, the earlier it must stand.
  const cases = root.commands.flatMap((command) => [
    ...command.commands.map((below) => line(`'${command.name} ${below.name}'`, below)),
    line(`${command.name}|'${command.name} '*`, command),
  ]);
  return `# bash completion of ${root.name}: eval "$(${root.name} completion bash)"
_citadel_iac() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} at='' command='' below='' flags words index
  COMPREPLY=()
  # Bash takes the @ of a group for a word of its own.
  if [[ $current == @ ]]; then at=@; current=''
  elif [[ $previous == @ ]]; then at=@; previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case $previous in
    ${flagsWith('file', root).join('|')}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${flagsWith('text', root).join('|') || "''"}) return ;;
  esac
  local -a inventory=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      --inventory) inventory=(--inventory "\${COMP_WORDS[index+1]}"); ((index++)) ;;
      ${flagsWith('file', root)
        .filter((flag) => flag !== '--inventory')
        .join('|')}) ((index++)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[index]}; elif [[ -z $below ]]; then below=" \${COMP_WORDS[index]}"; fi ;;
    esac
  done
  case $command$below in
${cases.join('\n')}
    *) flags='${root.options.flatMap((option) => option.flags).join(' ')}'; words='${root.commands.map(({ name }) => name).join(' ')}' ;;
  esac
  case $previous in
    ${flagsWith('hosts', root).join('|')}) words=${HOSTS} ;;
  esac
  if [[ -n $at ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(printf '%s\\n' "$words" | sed -n 's/^@//p')" -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -F _citadel_iac ${root.name}
`;
}

const HOSTS = '"$("${COMP_WORDS[0]}" completion --hosts "${inventory[@]}" 2>/dev/null)"';

/** Hosts are asked of the inventory when Tab is pressed; an inventory with a mistake in it completes nothing. */
function wordsOf(command: CommandTree): string {
  if (command.commands.length > 0) return `'${command.commands.map(({ name }) => name).join(' ')}'`;
  if (command.argument === undefined) return "''";
  if (command.argument === 'files') return '$(compgen -f -- "$current")';
  if (command.argument === 'host') return `$(printf '%s\\n' ${HOSTS} | sed '/^@/d')`;
  if (command.argument !== 'hosts') return `'${command.argument.join(' ')}'`;
  return HOSTS;
}
