# Groups and users. ops/groups: NAME GID SYSTEM; ops/users: NAME UID GROUP HOME SHELL GROUPS SYSTEM ACTION;
# ops/members-remove: NAME GROUP; ops/users-remove and ops/groups-remove: NAME. An offline root is edited in place with --prefix.
#
# undo/accounts/late: lines as in ops/users of what waits for groups that packages bring, with "join" for ACTION where only the
# memberships GROUPS do; undo/accounts/homes: NAME HOME of users who get a home (tx-homes.sh).
# undo/accounts/log: a line for each step, on the disk before the step is done, and each ends with a field ".", so that half
# a line is known for one (tx-accounts-undo.sh reads it backwards):
#   group-new NAME GID | group-gone NAME GROUP-LINE GSHADOW-LINE
#   user-new NAME UID HOME SHELL GROUP-LINE GSHADOW-LINE: the lines are of a group of that name, which userdel(8) may take with it
#   home-new NAME HOME FILE-SYSTEM TOP | home-disk NAME HOME FILE-SYSTEM OWNER MODE | user-mod NAME GID HOME SHELL GID HOME SHELL: before and after | member NAME GROUP | member-gone NAME GROUP
#   user-gone NAME PASSWD-LINE SHADOW-LINE GROUP-LINE GSHADOW-LINE GROUPS SUBUIDS SUBGIDS
#   user-locked NAME PASSWD-LINE SHADOW-LINE
#   made-user NAME PASSWD-LINE SHADOW-LINE | made-group NAME GROUP-LINE: afterwards, what was made
# The folder holds password hashes: it goes with the commit.

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
  [ -s "$DIR/ops/groups" ] || [ -s "$DIR/ops/users" ] || [ -s "$DIR/ops/members-remove" ] ||
    [ -s "$DIR/ops/users-remove" ] || [ -s "$DIR/ops/groups-remove" ] || [ -s "$DIR/ops/users-access" ] || [ -s "$BASE/leaving" ] || return 0
  mkdir -p "$DIR/undo/accounts" && true >"$DIR/undo/accounts/log"
}

account_line() { # FILE NAME: sets ACCOUNT_LINE to NAME's line. By the shell itself: it may hold a password hash
  ACCOUNT_LINE=
  [ -e "$ROOT/etc/$1" ] || return 1
  while IFS= read -r ACCOUNT_LINE || [ -n "$ACCOUNT_LINE" ]; do
    case $ACCOUNT_LINE in "$2":*) return 0 ;; esac
  done <"$ROOT/etc/$1"
  ACCOUNT_LINE=
  return 1
}

is_member() { # GROUP NAME
  account_line group "$1" || return 1
  case ,${ACCOUNT_LINE##*:}, in *,"$2",*) return 0 ;; esac
  return 1
}

memberships() { # NAME: sets MEMBERSHIPS to the groups that list it, with a comma after each
  MEMBERSHIPS=
  while IFS=: read -r ms_group _ _ ms_members; do
    case ,$ms_members, in *,"$1",*) MEMBERSHIPS=$MEMBERSHIPS$ms_group, ;; esac
  done <"$ROOT/etc/group"
}

subordinates() { # FILE NAME: sets SUBORDINATES to its ranges "START:COUNT", with a comma after each
  SUBORDINATES=
  [ -e "$ROOT/etc/$1" ] || return 0
  while IFS=: read -r sb_name sb_range; do
    [ "$sb_name" != "$2" ] || SUBORDINATES=$SUBORDINATES$sb_range,
  done <"$ROOT/etc/$1"
}

log_account() { # FIELD...
  la_line=$1
  shift
  for la_field in "$@"; do la_line=$la_line$US$la_field; done
  printf '%s%s.\n' "$la_line" "$US" >>"$DIR/undo/accounts/log"
} 2>"$DIR/words"

intend() { # FIELD...: what is about to be done; a power failure must not lose it
  log_account "$@" && sync -- "$DIR/undo/accounts/log" 2>"$DIR/words"
}

add_groups() {
  [ -s "$DIR/ops/groups" ] || return 0
  while IFS=$US read -r ag_name ag_gid ag_system <&3; do
    ITEM=$ag_name
    set --
    [ -z "$ag_gid" ] || set -- --gid "$ag_gid"
    [ "$ag_system" != true ] || set -- "$@" --system
    if account_id group "$ag_name"; then
      if [ -n "$ag_gid" ] && [ "$ag_gid" != "$ACCOUNT_ID" ]; then
        printf 'group %s has the number %s by now, and not %s: plan again\n' "$ag_name" "$ACCOUNT_ID" "$ag_gid" >"$DIR/words"
        return 1
      fi
    else
      intend group-new "$ag_name" "$ag_gid" && prefixed groupadd "$@" -- "$ag_name" || return 1
      made_group "$ag_name" || return 1
    fi
  done 3<"$DIR/ops/groups"
}

made_group() { # NAME
  ! account_line group "$1" || log_account made-group "$1" "$ACCOUNT_LINE"
}

add_users() { # as far as their groups are there
  [ -s "$DIR/ops/users" ] || return 0
  while IFS=$US read -r au_name au_uid au_group au_home au_shell au_groups au_system au_action <&3; do
    ITEM=$au_name
    if [ -n "$au_group" ] && ! account_id group "$au_group"; then
      late_user "$au_groups" "$au_action" || return 1
      continue
    fi
    split_groups
    put_user || return 1
    [ -z "$MISSING_GROUPS" ] || late_user "$MISSING_GROUPS" join || return 1
  done 3<"$DIR/ops/users"
}

late_user() { # GROUPS ACTION: the rest in au_*
  printf '%s\n' "$au_name$US$au_uid$US$au_group$US$au_home$US$au_shell$US$1$US$au_system$US$2" >>"$DIR/undo/accounts/late"
} 2>"$DIR/words"

split_groups() { # au_groups keeps those that are there, MISSING_GROUPS gets the others
  sg_left=$au_groups,
  au_groups=
  MISSING_GROUPS=
  while [ -n "${sg_left#,}" ]; do
    sg_group=${sg_left%%,*}
    sg_left=${sg_left#*,}
    if account_id group "$sg_group"; then
      au_groups=${au_groups:+$au_groups,}$sg_group
    else
      MISSING_GROUPS=${MISSING_GROUPS:+$MISSING_GROUPS,}$sg_group
    fi
  done
}

put_user() { # whatever the plan saw: a package's script, or a person, may have made the user meanwhile
  if [ "$au_action" = create ] && ! account_line passwd "$au_name"; then add_user; else change_user; fi
}

add_users_late() { # what needs groups that packages bring
  [ -s "$DIR/undo/accounts/late" ] || return 0
  while IFS=$US read -r au_name au_uid au_group au_home au_shell au_groups au_system au_action <&3; do
    ITEM=$au_name
    if [ "$au_action" = join ]; then join_groups || return 1; else put_user || return 1; fi
  done 3<"$DIR/undo/accounts/late"
}

intend_members() { # of the groups in au_groups
  im_left=$au_groups,
  while [ -n "${im_left#,}" ]; do
    im_group=${im_left%%,*}
    im_left=${im_left#*,}
    is_member "$im_group" "$au_name" || intend member "$au_name" "$im_group" || return 1
  done
}

join_groups() { intend_members && prefixed usermod --append --groups "$au_groups" -- "$au_name"; }

gets_home() { [ "$au_system" = true ] || printf '%s\n' "$au_name$US$au_home" >>"$DIR/undo/accounts/homes"; }

add_user() { # of the fields au_*; the home comes later (tx-homes.sh)
  set -- --home-dir "$au_home" --shell "$au_shell" --no-create-home ${au_uid:+--uid "$au_uid"} ${au_groups:+--groups "$au_groups"}
  ad_group='' ad_gshadow=''
  if account_line group "$au_name"; then
    ad_group=$ACCOUNT_LINE
    ! account_line gshadow "$au_name" || ad_gshadow=$ACCOUNT_LINE
  fi
  if [ -n "$au_group" ]; then
    set -- "$@" --gid "$au_group" --no-user-group
  elif [ -n "$ad_group" ]; then
    set -- "$@" --gid "$au_name" --no-user-group
    group_was_there "$au_name" || return 1
  else
    set -- "$@" --user-group
    intend group-new "$au_name" '' || return 1
  fi
  [ "$au_system" != true ] || set -- "$@" --system
  gets_home && intend user-new "$au_name" "$au_uid" "$au_home" "$au_shell" "$ad_group" "$ad_gshadow" && prefixed useradd "$@" -- "$au_name" || return 1
  if [ -z "$ad_group" ] && [ -z "$au_group" ]; then made_group "$au_name" || return 1; fi
  account_line passwd "$au_name" || return 0
  ad_passwd=$ACCOUNT_LINE
  account_line shadow "$au_name" || true
  log_account made-user "$au_name" "$ad_passwd" "$ACCOUNT_LINE"
}

change_user() { # of the fields au_*; memberships that no one declared stay
  account_line passwd "$au_name" || { printf 'user %s is not in /etc/passwd\n' "$au_name" >"$DIR/words" && return 1; }
  IFS=: read -r _ _ cu_uid cu_gid _ cu_home cu_shell <<LINE
$ACCOUNT_LINE
LINE
  if [ -n "$au_uid" ] && [ "$au_uid" != "$cu_uid" ]; then
    printf 'user %s has the number %s by now, and not %s: give that in the configuration\n' "$au_name" "$cu_uid" "$au_uid" >"$DIR/words"
    return 1
  fi
  own_group && account_id group "${au_group:-$au_name}" || return 1
  cu_new=$ACCOUNT_ID
  intend user-mod "$au_name" "$cu_gid" "$cu_home" "$cu_shell" "$cu_new" "$au_home" "$au_shell" && intend_members || return 1
  [ "$cu_home" = "$au_home" ] || gets_home || return 1
  set -- --home "$au_home" --shell "$au_shell" ${au_groups:+--append --groups "$au_groups"}
  if [ "$cu_gid" != "$cu_new" ] && [ -z "$ROOT" ]; then set -- "$@" --gid "$cu_new"; fi
  prefixed usermod "$@" -- "$au_name" || return 1
  if [ "$cu_gid" != "$cu_new" ]; then regroup "$au_name" "$cu_uid" "$cu_gid" "$cu_new" "$cu_home" "$au_home"; fi
}

own_group() { # of a user without a primary group of its own choice
  [ -z "$au_group" ] && ! account_id group "$au_name" || return 0
  intend group-new "$au_name" '' || return 1
  set --
  [ "$au_system" != true ] || set -- --system
  prefixed groupadd "$@" -- "$au_name" && made_group "$au_name"
}

take_memberships() { # those that an earlier generation gave, and none wants any more
  [ -s "$DIR/ops/members-remove" ] || return 0
  while IFS=$US read -r ITEM tm_group <&3; do
    is_member "$tm_group" "$ITEM" || continue
    intend member-gone "$ITEM" "$tm_group" && prefixed usermod --remove --groups "$tm_group" -- "$ITEM" || return 1
  done 3<"$DIR/ops/members-remove"
}

remove_accounts() { # homes stay: what is in them is a person's
  open_again || return 1
  while IFS= read -r ITEM <&3; do
    account_line passwd "$ITEM" || continue
    intend_user_gone "$ITEM" "$ACCOUNT_LINE" && remove_user || return 1
  done 3<<USERS
$(cat "$DIR/ops/users-remove" && still_leaving)
USERS
  [ -s "$DIR/ops/groups-remove" ] || return 0
  while IFS= read -r ITEM <&3; do
    account_line group "$ITEM" || continue
    if group_is_needed; then
      say note "group $ITEM stays as long as a user has it as the primary one"
      continue
    fi
    account_line group "$ITEM" || continue
    intend_group_gone "$ITEM" "$ACCOUNT_LINE" && prefixed groupdel -- "$ITEM" || return 1
  done 3<"$DIR/ops/groups-remove"
}

intend_user_gone() { # NAME PASSWD-LINE
  account_line shadow "$1" || true
  iu_shadow=$ACCOUNT_LINE
  account_line group "$1" || true
  iu_group=$ACCOUNT_LINE
  account_line gshadow "$1" || true
  iu_gshadow=$ACCOUNT_LINE
  memberships "$1"
  subordinates subuid "$1"
  iu_subuids=$SUBORDINATES
  subordinates subgid "$1"
  intend user-gone "$1" "$2" "$iu_shadow" "$iu_group" "$iu_gshadow" "$MEMBERSHIPS" "$iu_subuids" "$SUBORDINATES"
}

intend_group_gone() { # NAME GROUP-LINE
  account_line gshadow "$1" || true
  intend group-gone "$1" "$2" "$ACCOUNT_LINE"
}
