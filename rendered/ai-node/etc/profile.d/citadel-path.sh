# shellcheck shell=sh
# On Debian an account's PATH lacks the directories of netstat's and smartctl's neighbours; on Ubuntu it has them.
for citadel_directory in /usr/local/sbin /usr/sbin /sbin; do
    case :$PATH: in
        *":$citadel_directory:"*) ;;
        *) PATH=$PATH:$citadel_directory ;;
    esac
done
unset citadel_directory
export PATH
