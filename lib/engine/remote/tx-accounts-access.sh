# Until when accounts can be used, by key or password. ops/users-access: NAME EXPIRES LOCK, a date or nothing, and "lock", "unlock"
# or nothing. No one's number, home or password goes: the password of one who is locked stays in shadow(5), of no use.

put_access() {
  [ -s "$DIR/ops/users-access" ] || return 0
  while IFS=$US read -r ITEM pa_expires pa_lock <&3; do
    account_line passwd "$ITEM" || continue
    intend_lock "$ITEM" && prefixed usermod --expiredate "$pa_expires" -- "$ITEM" || return 1
    case $pa_lock in
      lock) prefixed usermod --lock -- "$ITEM" || return 1 ;;
      unlock) unlock_password || return 1 ;;
    esac
    made_with_access || return 1
  done 3<"$DIR/ops/users-access"
}

unlock_password() { # of ITEM, after intend_lock. One who never had a password has none to be unlocked.
  case ${ACCOUNT_LINE#*:} in '!:'* | '!!:'* | '!*:'*) return 0 ;; '!'*) prefixed usermod --unlock -- "$ITEM" ;; esac
}

# One whom this transaction made is still as it made it.
made_with_access() { # of ITEM
  grep -q "^user-new$US$ITEM$US" "$DIR/undo/accounts/log" && account_line passwd "$ITEM" || return 0
  mw_passwd=$ACCOUNT_LINE
  account_line shadow "$ITEM" || true
  log_account made-user "$ITEM" "$mw_passwd" "$ACCOUNT_LINE"
}
