# Tells the operator what a transaction says of itself, from its first line to its end. The open file stays readable
# when the transaction's folder moves to its generation.
follow() { # DIR
  exec 5<"$1/progress" || return 1
  while :; do
    fo_piece=$(cat <&5 && printf .)
    fo_piece=${fo_piece%.}
    printf '%s' "$fo_piece"
    case $NL$fo_piece in *"${NL}end$US"*) return 0 ;; esac
    sleep 0.05
  done
}

valid_id() { # what becomes a part of a path and of a unit's name
  case $1 in '' | *[!0-9a-f-]*) return 1 ;; esac
}
