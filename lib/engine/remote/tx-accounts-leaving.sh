# Users who leave while they have processes: userdel(8) refuses. They are locked and expired, and go with a later apply.
# leaving (of the host, and as this transaction leaves it): NAME of each such user.

still_leaving() { # names that are there, and that the document does not want again
  [ -s "$BASE/leaving" ] || return 0
  while IFS= read -r sl_name; do
    ! account_line passwd "$sl_name" || is_wanted "$sl_name" || printf '%s\n' "$sl_name"
  done <"$BASE/leaving"
}

is_wanted() { # NAME, by this generation's index: a user is what has a shell there
  grep -q "\"$(printf '%s' "$1" | sed 's/\$/\\$/')\":{[^{}]*\"shell\":" "$DIR/index.json"
}

intend_lock() { # NAME: passwd and shadow as they are, for the way back
  account_line passwd "$1" || return 1
  il_passwd=$ACCOUNT_LINE
  account_line shadow "$1" || true
  intend user-locked "$1" "$il_passwd" "$ACCOUNT_LINE"
}

open_again() { # those who left and are wanted again before they were gone
  [ -s "$BASE/leaving" ] || return 0
  { true >"$DIR/leaving"; } 2>"$DIR/words" || return 1
  while IFS= read -r ITEM <&3; do
    if ! account_line passwd "$ITEM" || ! is_wanted "$ITEM"; then continue; fi
    intend_lock "$ITEM" && prefixed usermod --expiredate '' -- "$ITEM" && unlock_password || return 1
  done 3<"$BASE/leaving"
}

remove_user() { # in ITEM
  if prefixed userdel -- "$ITEM"; then
    own_group_stays "$ITEM"
    return
  fi
  grep -q 'used by process' "$DIR/words" || return 1
  ru_process=$(sed -n 's/.*used by process \([0-9]*\).*/\1/p' "$DIR/words" | head -n 1)
  intend_lock "$ITEM" && prefixed usermod --lock --expiredate 1 -- "$ITEM" && { printf '%s\n' "$ITEM" >>"$DIR/leaving"; } 2>"$DIR/words" || return 1
  say note "user $ITEM still has processes (such as $ru_process) and stays, locked and expired, until a later apply finds none: loginctl terminate-user $ITEM"
}

keep_leaving() { # a part of the commit, which may be repeated after a crash
  [ ! -e "$DIR/leaving" ] || mv -T "$DIR/leaving" "$BASE/leaving"
}

group_is_needed() { # by a user who is still there; the group's line is in ACCOUNT_LINE
  IFS=: read -r _ _ gn_gid _ <<LINE
$ACCOUNT_LINE
LINE
  cut -d : -f 4 "$ROOT/etc/passwd" | grep -qx -- "$gn_gid"
}
