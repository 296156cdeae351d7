# The way back of accounts that this transaction deleted: as they were, with all that belongs to them (tx-accounts-undo.sh).

# Whether what was deleted has to come back. If the name is there and its return had not begun, it was never deleted, or
# someone made it again: it is right as it is.
comes_back() { # FILE NAME
  cb_mark=$DIR/undo/accounts/$1.$2
  [ -e "$cb_mark" ] || ! account_line "$1" "$2" || return 1
  { true >"$cb_mark"; } 2>/dev/null
  return 0
}

restore_group() { # GROUP-LINE GSHADOW-LINE
  comes_back group "$ua_name" || return 0
  IFS=: read -r _ _ rg_gid rg_members <<LINE
$1
LINE
  account_line group "$ua_name" || patiently groupadd --gid "$rg_gid" -- "$ua_name" || return 1
  rg_left=$rg_members,
  while [ -n "${rg_left#,}" ]; do
    rg_member=${rg_left%%,*}
    rg_left=${rg_left#*,}
    # One who comes back himself brings his memberships.
    if is_member "$ua_name" "$rg_member" || ! account_line passwd "$rg_member"; then continue; fi
    patiently usermod --append --groups "$ua_name" -- "$rg_member" || return 1
  done
  IFS=: read -r _ rg_hash rg_admins _ <<LINE
$2
LINE
  if [ -n "$ROOT" ]; then
    [ -z "$2" ] || put_line gshadow "$ua_name" "$2" || return 1
  else
    case $rg_hash in '' | '!') ;; *) by_input chgpasswd "$rg_hash" || return 1 ;; esac
    [ -z "$rg_admins" ] || without_locks gpasswd -A "$rg_admins" -- "$ua_name" >"$DIR/words" 2>&1 </dev/null || return 1
  fi
  rm -f "$cb_mark"
}

restore_user() {
  [ -z "$ua_3" ] || restore_group "$ua_3" "$ua_4" || return 1
  comes_back passwd "$ua_name" || return 0
  if ! account_line passwd "$ua_name"; then
    IFS=: read -r _ _ ru_uid ru_gid ru_comment ru_home ru_shell <<LINE
$ua_1
LINE
    patiently useradd --no-create-home --no-user-group --no-log-init -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 --uid "$ru_uid" \
      --gid "$ru_gid" --comment "$ru_comment" --home-dir "$ru_home" --shell "$ru_shell" -- "$ua_name" || return 1
  fi
  while [ -n "$ua_5" ]; do
    ru_group=${ua_5%%,*}
    ua_5=${ua_5#*,}
    if is_member "$ru_group" "$ua_name" || ! account_line group "$ru_group"; then continue; fi
    patiently usermod --append --groups "$ru_group" -- "$ua_name" || return 1
  done
  restore_subordinates subuid "$ua_6" && restore_subordinates subgid "$ua_7" && restore_password || return 1
  rm -f "$DIR/undo/accounts/passwd.$ua_name"
}

restore_subordinates() { # subuid|subgid RANGES
  rs_left=$2
  while [ -n "$rs_left" ]; do
    rs_range=${rs_left%%,*}
    rs_left=${rs_left#*,}
    subordinates "$1" "$ua_name"
    case ,$SUBORDINATES in *,"$rs_range",*) continue ;; esac
    patiently usermod "--add-${1}s" "${rs_range%:*}-$((${rs_range%:*} + ${rs_range#*:} - 1))" -- "$ua_name" || return 1
  done
}

restore_password() { # with its lock, and the dates of the account and of the password
  if [ -n "$ROOT" ]; then
    [ -z "$ua_2" ] || put_line shadow "$ua_name" "$ua_2" || return 1
    put_line passwd "$ua_name" "$ua_1"
    return
  fi
  [ -n "$ua_2" ] || return 0
  IFS=: read -r _ rw_hash rw_last rw_min rw_max rw_warn rw_inactive rw_expire _ <<LINE
$ua_2
LINE
  by_input chpasswd "$rw_hash" &&
    without_locks chage -d "${rw_last:--1}" -m "${rw_min:--1}" -M "${rw_max:--1}" -W "${rw_warn:--1}" -I "${rw_inactive:--1}" \
      -E "${rw_expire:--1}" -- "$ua_name" >"$DIR/words" 2>&1 </dev/null
}

by_input() { # TOOL HASH: never as an argument, which everybody on the host could read
  printf '%s:%s\n' "$ua_name" "$2" | without_locks "$1" -e >"$DIR/words" 2>&1
}

# Of an offline root, which no other process edits: the tools that set hashes and dates would run programs of that root.
put_line() { # FILE NAME LINE
  beside "/etc/$1"
  cp -p -- "$ROOT/etc/$1" "$BESIDE" && while IFS= read -r pl_line || [ -n "$pl_line" ]; do
    case $pl_line in "$2":*) pl_line=$3 ;; esac
    printf '%s\n' "$pl_line"
  done <"$ROOT/etc/$1" >"$BESIDE" && mv -fT -- "$BESIDE" "$ROOT/etc/$1" && return 0
  rm -f -- "$BESIDE"
  return 1
} 2>"$DIR/words"
