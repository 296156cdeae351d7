# Groups and users. ops/groups: NAME GID SYSTEM; ops/users: NAME UID GROUP HOME SHELL GROUPS SYSTEM ACTION;
# ops/users-remove and ops/groups-remove: NAME. An offline root is edited in place with --prefix.

ACCOUNT_FILES='passwd group shadow gshadow subuid subgid'

prefixed() { # TOOL ARGUMENT...
  px_tool=$1
  shift
  if [ -n "$ROOT" ]; then
    "$px_tool" --prefix "$ROOT" "$@" >"$DIR/words" 2>&1 </dev/null
  else
    without_locks "$px_tool" "$@" >"$DIR/words" 2>&1 </dev/null
  fi
}

save_accounts() {
  [ -s "$DIR/ops/groups" ] || [ -s "$DIR/ops/users" ] || [ -s "$DIR/ops/users-remove" ] ||
    [ -s "$DIR/ops/groups-remove" ] || [ -s "$DIR/ops/packages-install" ] || return 0
  mkdir -p "$DIR/undo/accounts" || return 1
  for sa_file in $ACCOUNT_FILES; do
    [ ! -e "$ROOT/etc/$sa_file" ] || cp -a -- "$ROOT/etc/$sa_file" "$DIR/undo/accounts/" 2>"$DIR/words" || return 1
  done
  true >"$DIR/undo/accounts.saved"
}

add_groups() {
  [ -s "$DIR/ops/groups" ] || return 0
  while IFS=$US read -r ag_name ag_gid ag_system <&3; do
    ITEM=$ag_name
    set --
    [ -z "$ag_gid" ] || set -- --gid "$ag_gid"
    [ "$ag_system" != true ] || set -- "$@" --system
    if account_id group "$ag_name"; then
      prefixed groupmod ${ag_gid:+--gid "$ag_gid"} -- "$ag_name" || return 1
    else
      prefixed groupadd "$@" -- "$ag_name" || return 1
    fi
  done 3<"$DIR/ops/groups"
}

add_users() {
  [ -s "$DIR/ops/users" ] || return 0
  while IFS=$US read -r au_name au_uid au_group au_home au_shell au_groups au_system au_action <&3; do
    ITEM=$au_name
    set -- --home-dir "$au_home" --shell "$au_shell"
    [ -z "$au_uid" ] || set -- "$@" --uid "$au_uid"
    if [ "$au_action" = create ]; then
      if [ -n "$au_group" ]; then
        set -- "$@" --gid "$au_group" --no-user-group
      elif account_id group "$au_name"; then
        set -- "$@" --gid "$au_name" --no-user-group
      else
        set -- "$@" --user-group
      fi
      [ -z "$au_groups" ] || set -- "$@" --groups "$au_groups"
      if [ "$au_system" = true ]; then
        set -- "$@" --system --no-create-home
      else
        exists "$ROOT$au_home" || printf '%s\n' "$au_home" >>"$DIR/undo/homes" || return 1
        set -- "$@" --create-home
      fi
      prefixed useradd "$@" -- "$au_name" || return 1
    else
      # usermod says --home where useradd says --home-dir; memberships that nobody declared stay.
      shift 2
      set -- --home "$au_home" "$@"
      [ -z "$au_group" ] || set -- "$@" --gid "$au_group"
      [ -z "$au_groups" ] || set -- "$@" --append --groups "$au_groups"
      prefixed usermod "$@" -- "$au_name" || return 1
    fi
  done 3<"$DIR/ops/users"
}

remove_accounts() { # homes stay: what is in them is a person's
  for ra_kind in user group; do
    [ -s "$DIR/ops/${ra_kind}s-remove" ] || continue
    while IFS= read -r ra_name <&3; do
      ITEM=$ra_name
      [ "$ra_kind" = user ] && ra_file=passwd || ra_file=group
      account_id "$ra_file" "$ra_name" || continue
      prefixed "${ra_kind}del" -- "$ra_name" || return 1
    done 3<"$DIR/ops/${ra_kind}s-remove"
  done
}

undo_accounts() {
  [ -e "$DIR/undo/accounts.saved" ] || return 0
  ua_status=0
  for ua_file in $ACCOUNT_FILES; do
    ua_from=$DIR/undo/accounts/$ua_file
    if [ ! -e "$ua_from" ]; then
      rm -f "$ROOT/etc/$ua_file"
    elif ! cmp -s "$ua_from" "$ROOT/etc/$ua_file"; then
      beside "/etc/$ua_file"
      cp -a -- "$ua_from" "$BESIDE" && mv -fT -- "$BESIDE" "$ROOT/etc/$ua_file" || ua_status=1
    fi
  done
  if [ -s "$DIR/undo/homes" ]; then
    while IFS= read -r ua_home <&3; do
      rm -rf --one-file-system -- "$ROOT${ua_home:?}" || ua_status=1
    done 3<"$DIR/undo/homes"
  fi
  return "$ua_status"
}
