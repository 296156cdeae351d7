# Asks an Alertmanager that listens on this host. Follows common.sh in the same program.
# Standard input: a line "METHOD URL", then the body of a POST. Standard output: the answer's body, and its status on a line of its own.
IFS=' ' read -r s_method s_url
case $s_method in GET | DELETE | POST) ;; *) exit 64 ;; esac
command -v curl >/dev/null || { echo "curl is not installed" >&2; exit 66; }
set -- -sS --noproxy '*' --max-time 10 -X "$s_method" -w '\n%{http_code}\n'
[ "$s_method" != POST ] || set -- "$@" -H 'Content-Type: application/json' --data-binary @-
exec curl "$@" -- "$s_url"
