# userdel(8) may take a group of the user's own name with it, whoever made it (USERGROUPS_ENAB of login.defs). groups-before (of
# the host): names of users whom a transaction made while such a group was there; undo/groups-before: those of this one.

group_was_there() { # NAME
  { printf '%s\n' "$1" >>"$DIR/undo/groups-before"; } 2>"$DIR/words"
}

own_group_stays() { # NAME: of a user who went; the group that was there before, or that the document names, comes back
  ! account_line group "$1" || return 0
  grep -qsxF -- "$1" "$BASE/groups-before" || grep -q "^group$US$1$US" "$DIR/ops/after" || return 0
  ua_name=$1
  restore_group "$iu_group" "$iu_gshadow"
}

keep_groups_before() { # a part of the commit, which may be repeated after a crash
  [ -s "$DIR/undo/groups-before" ] || [ -s "$BASE/groups-before" ] || return 0
  cat -- "$BASE/groups-before" "$DIR/undo/groups-before" 2>/dev/null | sort -u | while IFS= read -r kg_name; do
    ! account_line passwd "$kg_name" || printf '%s\n' "$kg_name"
  done >"$BASE/groups-before.new" && mv -T "$BASE/groups-before.new" "$BASE/groups-before"
}
