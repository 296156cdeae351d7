# Owners and modes that a person, or a program, changed between the switch and its undo: content is compared before it goes
# back, and so are they. What is no longer as the switch left it stays, field by field; the rest goes back. Of a mode, what it
# lets group and others do stays only as far as it was so before or was given since: what comes back may be a secret, and the
# file that it replaces none.
# undo/<phase>.access: PATH US MODE[:UID:GID] as the switch left it. .theirs: PATH US MODE US OWNER, where it is not to be
# as before.

access_facts() { # FOLDER: of what was kept
  xf_format=%m
  [ -z "$AM_ROOT" ] || xf_format=%m:%U:%G
  (cd -- "$1/" && xargs -0 -r sh -c "find \"\$@\" -maxdepth 0 ! -type l -printf '%p\\037$xf_format\\n'" sh) <"$SAVE.keep" 2>/dev/null
  # 123: some path is not there.
  case $? in 0 | 123) ;; *) unread ;; esac
}

note_access() { # PHASE: right after the switch; without it an undo takes all back
  SAVE=$DIR/undo/$1
  if [ -s "$SAVE.keep" ]; then access_facts "$ROOT" >"$SAVE.access"; fi
  ! grep -qsxF "${US}unread" "$SAVE.access" || rm -f "$SAVE.access"
  return 0
} 2>/dev/null

find_theirs() { # once, before anything goes back
  [ -s "$SAVE.access" ] && [ ! -e "$SAVE.theirs" ] || return 0
  ft_changed=$({
    access_facts "$SAVE.tree"
    section after
    lines_of "$SAVE.access"
    section now
    access_facts "$ROOT"
  } | awk -F "$US" -v OFS="$US" '
    $1 == "" && $2 == "unread" { exit 1 }
    $1 == "" { part = $3; next }
    part == "" { before[$1] = $2; next }
    part == "after" { after[$1] = $2; next }
    ($1 in before) && ($1 in after) && $2 != after[$1] { print substr($1, 2), before[$1], after[$1], $2 }') || return 1
  printf '%s\n' "$ft_changed" | grep . |
    while IFS=$US read -r ft_path ft_before ft_after ft_now; do
      ft_mode=$(merged_mode "${ft_before%%:*}" "${ft_after%%:*}" "${ft_now%%:*}")
      ft_owner=
      case $ft_now in
        *:*)
          ft_owner=$(merged "$(third 1 "$ft_before")" "$(third 1 "$ft_after")" "$(third 1 "$ft_now")"):$(merged "$(third 2 "$ft_before")" "$(third 2 "$ft_after")" "$(third 2 "$ft_now")")
          ;;
      esac
      [ "$ft_mode${ft_owner:+:$ft_owner}" = "$ft_before" ] || printf '%s%s%s%s%s\n' "$ft_path" "$US" "$ft_mode" "$US" "$ft_owner"
    done >"$SAVE.theirs.new" && mv -f -- "$SAVE.theirs.new" "$SAVE.theirs"
} 2>/dev/null

third() { # 1|2 MODE:UID:GID
  th_rest=${2#*:}
  if [ "$1" = 1 ]; then printf '%s' "${th_rest%:*}"; else printf '%s' "${th_rest#*:}"; fi
}

merged() { if [ "$3" = "$2" ]; then printf '%s' "$1"; else printf '%s' "$3"; fi; } # BEFORE AFTER NOW

merged_mode() { # BEFORE AFTER NOW
  if [ "$3" = "$2" ]; then
    printf '%s' "$1"
    return
  fi
  mm_given=$((0$1 | (0$3 & ~0$2)))
  mm_other=$((0$2 ^ 0$3))
  printf '%o' "$(((0$3 & mm_given & 077) | (mm_given & ~(0$2 & ~0$3) & 0700) | (((0$1 & ~mm_other) | (0$3 & mm_other)) & 07000)))"
}

give_theirs() { # PATH AT: what stands at AT is to be PATH again
  [ -s "$SAVE.theirs" ] && [ ! -L "$2" ] || return 0
  while IFS=$US read -r gt_path gt_mode gt_owner <&6; do
    [ "$gt_path" = "$1" ] || continue
    gt_was=$(stat -c '%U:%G, mode %a' -- "$2")
    [ -z "$gt_owner" ] || chown -h -- "$gt_owner" "$2" 2>"$DIR/words" || return 1
    set_mode "$gt_mode" "$2" 2>"$DIR/words" || return 1
    say note "owner or mode of $1 was changed by others meanwhile and stays: $(stat -c '%U:%G, mode %a' -- "$2"); before it was $gt_was"
  done 6<"$SAVE.theirs"
}

give_directories() {
  [ -s "$SAVE.theirs" ] || return 0
  while IFS=$US read -r gd_path _ <&5; do
    if is_directory "$SAVE.tree$gd_path" && is_directory "$ROOT$gd_path"; then give_theirs "$gd_path" "$ROOT$gd_path" || return 1; fi
  done 5<"$SAVE.theirs"
}
