# Homes that are a disk each: what this transaction mounts exactly at the home of a user, and that is fresh, becomes the home.

is_fresh_disk() { # of the fields mh_*: root's, with nothing in it
  on_host && grep -qsxF -- "$mh_home" "$DIR/undo/mounted" && is_directory "$mh_home" && [ "$(stat -c %u -- "$mh_home")" = 0 ] &&
    holds_nothing "$mh_home"
}

holds_nothing() { # DIRECTORY: but what mkfs puts there
  [ -z "$(find "$1/" -mindepth 1 -maxdepth 1 ! -name lost+found -printf . | head -c 1)" ]
}

furnish_disk() { # its owner comes last: until then no one but root writes there
  fd_fs=$(file_system "$mh_home") && fd_access=$(stat -c "%u:%g$US%a" -- "$mh_home") &&
    intend home-disk "$mh_name" "$mh_home" "$fd_fs" "$fd_access" || return 1
  {
    { [ ! -d /etc/skel ] || cp -R -p -- /etc/skel/. "$mh_home/"; } &&
      find "$mh_home/" -xdev -mindepth 1 ! -name lost+found -exec chown -h -- "$mh_uid:$mh_gid" {} + &&
      set_mode "$(home_mode)" "$mh_home" && chown -- "$mh_uid:$mh_gid" "$mh_home"
  } 2>"$DIR/words"
}

undo_homes_in_mounts() {
  ! grep -qs '^home-' "$DIR/undo/accounts/log" || mount_again || return 1
  undo_accounts home-
}

# ua_1 HOME, ua_2 FILE-SYSTEM, ua_3 OWNER, ua_4 MODE. What is as in /etc/skel goes; with anything else in it, it stays the user's.
undo_home_disk() {
  if [ "$(file_system "$ua_1")" != "$ua_2" ]; then
    say note "home $ua_1 stays: another file system is there now"
    return 0
  fi
  (
    cd -P -- "$ua_1" || exit 1
    # shellcheck disable=SC2016 # the other shell's own variables
    # find(1) follows no links, and what it deletes is by the directory that it stands in.
    find . -xdev -mindepth 1 -depth ! -name lost+found \( -type d -empty -exec test -d '/etc/skel/{}' \; \
      -o -type f -exec cmp -s -- '{}' '/etc/skel/{}' \; -o -type l -exec sh -c '[ "$(readlink -- "$1")" = "$(readlink -- "/etc/skel/$1")" ]' sh {} \; \) -delete
    holds_nothing . || exit 3
    chown -- "$ua_3" . && set_mode "$ua_4" .
  ) 2>"$DIR/words"
  uh_status=$?
  [ "$uh_status" = 3 ] || return "$uh_status"
  say note "home $ua_1 stays: others put something there"
}
