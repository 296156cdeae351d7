# Packages that apt is to keep as they are. ops/packages-hold: NAME hold|unhold. undo/packages.hold: the same; undo/packages.held:
# those that were held before.

save_holds() {
  [ -s "$DIR/ops/packages-hold" ] || return 0
  apt-mark showhold >"$DIR/undo/packages.held" 2>"$DIR/words" && cp "$DIR/ops/packages-hold" "$DIR/undo/packages.hold"
}

mark_holds() { # VERB NAME...
  [ "$#" -gt 1 ] || return 0
  mh_verb=$1
  shift
  without_locks apt-mark "$mh_verb" -- "$@" >"$DIR/words" 2>&1 </dev/null
}

names_to() { # VERB FILE
  sed -n "s/$US$1\$//p" "$2"
}

put_holds() { # after what is to be installed was: what goes is let go before
  on_host && [ -s "$DIR/ops/packages-hold" ] || return 0
  ITEM=$(package_names "$DIR/ops/packages-hold" | head -n 1)
  # shellcheck disable=SC2046 # package names have no white space
  mark_holds unhold $(names_to unhold "$DIR/ops/packages-hold") && mark_holds hold $(names_to hold "$DIR/ops/packages-hold")
}

let_go_again() { # for the way back of packages, to which a hold would be in the way
  [ -s "$DIR/undo/packages.hold" ] || return 0
  # shellcheck disable=SC2046
  mark_holds unhold $(apt-mark showhold $(names_to hold "$DIR/undo/packages.hold") 2>/dev/null)
}

hold_again() {
  [ -s "$DIR/undo/packages.hold" ] || return 0
  # shellcheck disable=SC2046
  mark_holds hold $(package_names "$DIR/undo/packages.hold" | grep -xF -f "$DIR/undo/packages.held")
}
