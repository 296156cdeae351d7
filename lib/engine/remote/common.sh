# Shared by every program that runs on a host. Constant text: values come on standard input or from files.
# $1 of each program is the root prefix: empty (or "-", where a unit's command line is the better for plain words) on a
# live host, the directory of an offline root otherwise.
set -u
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 077

ROOT=${1-}
[ "$ROOT" != - ] || ROOT=
BASE=$ROOT/var/lib/citadel-iac
# The unit separator: no value of a manifest may hold a control character, so it never needs quoting.
US=$(printf '\037')
NL='
'
