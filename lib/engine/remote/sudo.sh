# Runs a command as root through a sudo that may ask for a password. Constant text; $2 is for "sh -c", $3 its name.
# Standard input: the password on a line, then what the command reads. sudo gets the password from a pipe of its own, through
# its askpass program, and once: it stands in no argument and no environment, and not where the command reads if sudo does
# not ask.
IFS= read -r su_word && read -r su_self su_rest </proc/self/stat || exit 1
: "$su_rest"
exec 3<<END_OF_PASSWORD
$su_word
END_OF_PASSWORD
su_word=
SUDO_ASKPASS=/bin/cat LC_ALL=C sudo -A -p "/proc/$su_self/fd/3" -- /bin/sh -c "$2" "$3" ''
