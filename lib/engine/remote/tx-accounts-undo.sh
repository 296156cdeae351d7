# The way back of accounts: of each step of undo/accounts/log the inverse, the last step first. What is no longer as this
# transaction made it was changed by others meanwhile: it stays, and a note says so. The tools take the files' lock.

undo_accounts() { # [KIND]: only steps of kinds that begin so
  ua_only=${1-}
  [ -s "$DIR/undo/accounts/log" ] || return 0
  ua_status=0
  MADE_USER='' MADE_PASSWD='' MADE_SHADOW='' MADE_GROUP='' MADE_LINE=''
  # A list that cannot be read is no empty one.
  ua_steps=$(steps_backwards) || {
    say note 'the undo could not read what was done to accounts'
    return 1
  }
  [ -n "$ua_steps" ] || return 0
  while IFS=$US read -r ua_left ua_kind ua_name ua_1 ua_2 ua_3 ua_4 ua_5 ua_6 ua_7 ua_8 ua_9 <&4; do
    # A step that was undone is not undone again: what is there now, a person wanted.
    if [ "${ua_kind#made-}" != "$ua_kind" ]; then
      remember_made
    elif case $ua_kind in "$ua_only"*) ;; *) false ;; esac && ! grep -qxs "$ua_left" "$DIR/undo/accounts/undone"; then
      true >"$DIR/words"
      if undo_account; then
        { printf '%s\n' "$ua_left" >>"$DIR/undo/accounts/undone"; } 2>/dev/null
      else
        ua_status=1
        say note "the undo could not finish account $ua_name: $(head -n 1 "$DIR/words")"
      fi
    fi
  done 4<<LOG
$ua_steps
LOG
  return "$ua_status"
}

# Whole lines, the last one first, each after its number.
steps_backwards() {
  awk -F "$US" -v OFS="$US" '$NF == "." { line[++n] = $0 } END { for (; n > 0; n--) print n, line[n] }' "$DIR/undo/accounts/log"
}

remember_made() { # for the step itself, which comes next
  case $ua_kind in
    made-user) MADE_USER=$ua_name MADE_PASSWD=$ua_1 MADE_SHADOW=$ua_2 ;;
    made-group) MADE_GROUP=$ua_name MADE_LINE=$ua_1 ;;
  esac
}

undo_account() { # the step in ua_*
  case $ua_kind in
    group-new) undo_group_new ;;
    group-gone) restore_group "$ua_1" "$ua_2" ;;
    user-new) undo_user_new ;;
    home-new) made_user_stays || undo_home ;;
    home-disk) made_user_stays || undo_home_disk ;;
    user-mod) undo_user_mod ;;
    member) ! is_member "$ua_1" "$ua_name" || patiently usermod --remove --groups "$ua_1" -- "$ua_name" ;;
    member-gone) undo_member_gone ;;
    user-gone) restore_user ;;
    user-locked) ! account_line passwd "$ua_name" || restore_password ;;
  esac
}

undo_member_gone() { # one of the two may have gone meanwhile
  if ! account_line passwd "$ua_name" || ! account_line group "$ua_1" || is_member "$ua_1" "$ua_name"; then return 0; fi
  patiently usermod --append --groups "$ua_1" -- "$ua_name"
}

patiently() { # TOOL ARGUMENT...: another process may hold the files' lock; a tool by itself waits 15 seconds
  pt_left=8
  until prefixed "$@"; do
    pt_status=$?
    pt_left=$((pt_left - 1))
    [ "$pt_left" -gt 0 ] && grep -q 'cannot lock' "$DIR/words" || return "$pt_status"
  done
}

stays() { # WHAT: it was changed by others meanwhile
  say note "$1 was changed meanwhile and stays as it is now"
}

undo_group_new() {
  account_line group "$ua_name" || return 0
  IFS=: read -r _ _ ug_gid ug_members <<LINE
$ACCOUNT_LINE
LINE
  if [ "$MADE_GROUP" = "$ua_name" ]; then
    [ "$ACCOUNT_LINE" = "$MADE_LINE" ] || { stays "group $ua_name"; return 0; }
  elif [ -n "$ug_members" ] || [ "$ug_gid" != "${ua_1:-$ug_gid}" ]; then
    stays "group $ua_name"
    return 0
  fi
  while IFS=: read -r ug_user _ _ ug_of _; do
    if [ "$ug_of" = "$ug_gid" ]; then
      say note "group $ua_name stays: user $ug_user is in it"
      return 0
    fi
  done <"$ROOT/etc/passwd"
  patiently groupdel -- "$ua_name"
}

undo_user_new() {
  if account_line passwd "$ua_name"; then
    if ! is_as_made; then
      stays "user $ua_name"
      return 0
    fi
    delete_user || return 1
  fi
  [ -z "$ua_4" ] || restore_group "$ua_4" "$ua_5"
}

is_as_made() { # whether the user in ACCOUNT_LINE is still what useradd(8) made, whether or not there was time to write that down
  am_line=$ACCOUNT_LINE
  account_line shadow "$ua_name" || true
  if [ "$MADE_USER" = "$ua_name" ]; then
    [ "$am_line" = "$MADE_PASSWD" ] && [ "$ACCOUNT_LINE" = "$MADE_SHADOW" ]
    return
  fi
  IFS=: read -r _ _ am_uid _ _ am_home am_shell <<LINE
$am_line
LINE
  [ "$am_uid:$am_home:$am_shell" = "${ua_1:-$am_uid}:$ua_2:$ua_3" ] || return 1
  case $ACCOUNT_LINE in '' | "$ua_name:!:"*) return 0 ;; esac
  return 1
}

# Whether others changed the user whom this transaction made, who then stays with the home. Read backwards, the log comes to
# the home before it comes to the user.
made_user_stays() {
  account_line passwd "$ua_name" && grep -q "^user-new$US$ua_name$US" "$DIR/undo/accounts/log" || return 1
  IFS=$US read -r _ _ ms_passwd ms_shadow _ <<LINE
$(grep "^made-user$US$ua_name$US" "$DIR/undo/accounts/log" | tail -n 1)
LINE
  [ -n "$ms_passwd" ] || return 1
  [ "$ACCOUNT_LINE" = "$ms_passwd" ] || return 0
  account_line shadow "$ua_name" || true
  [ "$ACCOUNT_LINE" != "$ms_shadow" ]
}

delete_user() { # userdel(8) refuses one who has processes: those of an account that goes are ended
  patiently userdel -- "$ua_name" && return 0
  if [ -n "$ROOT" ] || ! grep -q 'used by process' "$DIR/words"; then return 1; fi
  loginctl terminate-user "$ua_name" >/dev/null 2>&1 </dev/null
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    ! patiently userdel -- "$ua_name" || return 0
  done
  return 1
}

undo_user_mod() {
  if ! account_line passwd "$ua_name"; then
    stays "user $ua_name"
    return 0
  fi
  IFS=: read -r _ _ um_uid um_gid _ um_home um_shell <<LINE
$ACCOUNT_LINE
LINE
  set --
  um_stays=
  um_group=
  differs "$um_gid" "$ua_1" "$ua_4" || um_group=$ua_1
  differs "$um_home" "$ua_2" "$ua_5" || set -- "$@" --home "$ua_2"
  differs "$um_shell" "$ua_3" "$ua_6" || set -- "$@" --shell "$ua_3"
  [ -z "$um_stays" ] || stays "user $ua_name ($um_stays)"
  if [ -n "$um_group" ] && [ -z "$ROOT" ]; then set -- "$@" --gid "$um_group"; fi
  [ "$#" = 0 ] || patiently usermod "$@" -- "$ua_name" || return 1
  [ -z "$um_group" ] || regroup "$ua_name" "$um_uid" "$um_gid" "$um_group" "$um_home" "$ua_2"
}

# usermod(8) changes the group of files in the home, but of the old home alone where that changes as well: in both, a way back
# finds them. The primary group of an offline root's user is changed here too: that of Debian 12 looks for it among this
# machine's groups.
regroup() { # NAME UID FROM-GID TO-GID HOME...
  rgr_uid=$2 rgr_from=$3 rgr_to=$4
  if [ -n "$ROOT" ]; then
    account_line passwd "$1" || return 1
    rgr_end=${ACCOUNT_LINE#*:*:*:*:}
    rgr_begin=${ACCOUNT_LINE%":$3:$rgr_end"}
    put_line passwd "$1" "$rgr_begin:$4:$rgr_end" || return 1
  fi
  shift 4
  for rgr_home in "$@"; do
    case $rgr_home in / | '') continue ;; esac
    [ ! -d "$ROOT$rgr_home" ] || find "$ROOT$rgr_home" -xdev -uid "$rgr_uid" -gid "$rgr_from" -exec chgrp -h -- "$rgr_to" {} + 2>"$DIR/words" || return 1
  done
}

differs() { # NOW BEFORE AFTER: false if NOW is what this transaction made of BEFORE; um_stays tells of something else
  [ "$1" != "$2" ] || return 0
  [ "$1" != "$3" ] || return 1
  um_stays=${um_stays:+$um_stays, }$1
}
