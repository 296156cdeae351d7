# The host name: /etc/hostname is read at boot; the name that the kernel has follows it here, and goes back with it.
# undo/host-name: the name of before, then the new one.

running_host_name() { cat /proc/sys/kernel/hostname; }

change_host_name() { # NAME
  { printf '%s\n' "$1" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname -- "$1" 2>"$DIR/words"
}

set_host_name() {
  on_host || return 0
  cut -d "$US" -f 1,2 "$DIR/ops/paths-a" | grep -qx -e "file$US/etc/hostname" -e "link$US/etc/hostname" -e "original$US/etc/hostname" || return 0
  # hostname(5): comments and white space do not count.
  sh_name=$(sed -n 's/#.*//;s/[[:space:]]//g;/./{p;q;}' /etc/hostname 2>/dev/null)
  sh_old=$(running_host_name)
  if [ -z "$sh_name" ] || [ "$sh_name" = "$sh_old" ]; then return 0; fi
  printf '%s\n' "$sh_old" "$sh_name" >"$DIR/undo/host-name" || return 1
  if change_host_name "$sh_name" && [ "$(running_host_name)" = "$sh_name" ]; then
    say note "the running host name is $sh_name now, it was $sh_old"
  else
    say note "the host name $sh_name takes effect at the next boot: $(tail -n 1 "$DIR/words")"
  fi
}

undo_host_name() { # unless it was changed again meanwhile
  [ -s "$DIR/undo/host-name" ] || return 0
  [ "$(sed -n 2p "$DIR/undo/host-name")" != "$(running_host_name)" ] || change_host_name "$(sed -n 1p "$DIR/undo/host-name")"
}
