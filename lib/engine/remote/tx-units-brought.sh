# Units that a package brings and that are to be at rest: its scripts start and enable what they bring.
# ops/units-rest: VERB UNIT with VERB stop|disable, of every unit that the document says so of.

rest_brought() { # stop|disable
  on_host && [ -s "$DIR/ops/packages-install" ] && [ -s "$DIR/ops/units-rest" ] || return 0
  while IFS=$US read -r rb_verb ITEM <&3; do
    [ "$rb_verb" = "$1" ] || continue
    case $rb_verb in
      stop)
        case $ITEM in *@.*) continue ;; esac
        case $(systemctl is-active -- "$ITEM" 2>/dev/null) in active | reloading | activating) ;; *) continue ;; esac
        touch_units stop "$ITEM" && systemctl stop -- "$ITEM" >"$DIR/words" 2>&1 || return 1
        ;;
      disable)
        [ "$(systemctl is-enabled -- "$ITEM" 2>/dev/null)" = enabled ] || continue
        switch_enablement disable "$ITEM" || return 1
        ;;
    esac
  done 3<"$DIR/ops/units-rest"
}
