"""Completion for bash. The same text is installed as /usr/share/bash-completion/completions/citadel."""

BASH = r"""# bash completion for citadel. Names come from the settings of this host (`citadel names`).
_citadel() {
    local word=${COMP_WORDS[COMP_CWORD]} command="" at
    COMPREPLY=()
    for ((at = 1; at < COMP_CWORD; at++)); do
        if [[ ${COMP_WORDS[at]} != -* ]]; then
            command=${COMP_WORDS[at]}
            break
        fi
    done
    if [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "health status start stop restart models logs names completion --help" -- "$word")
    elif [[ $word == -* ]]; then
        case $command in
            start | restart) mapfile -t COMPREPLY < <(compgen -W "--no-wait --dry-run --json --help" -- "$word") ;;
            stop) mapfile -t COMPREPLY < <(compgen -W "--dry-run --json --help" -- "$word") ;;
            logs) mapfile -t COMPREPLY < <(compgen -W "--follow --lines --since --json --help" -- "$word") ;;
            *) mapfile -t COMPREPLY < <(compgen -W "--json --help" -- "$word") ;;
        esac
    else
        case $command in
            start | stop | restart | logs)
                mapfile -t COMPREPLY < <(compgen -W "$(citadel names 2>/dev/null)" -- "$word")
                ;;
            completion) mapfile -t COMPREPLY < <(compgen -W "bash" -- "$word") ;;
        esac
    fi
}
complete -F _citadel citadel
"""
