# Whether this host owes a reboot. Follows common.sh in the same program.

# Prints fields ended by NUL: 1 if a reboot is asked for, for which packages, the kernel that runs, the newest installed of its kind, and
# this boot's own name. What is not there is empty, and all of it in an offline root.
reboot_facts() {
  rf_asked=0
  rf_packages=
  rf_kernel=
  rf_newest=
  rf_boot=
  if [ -z "$ROOT" ]; then
    if [ -e /run/reboot-required ]; then
      rf_asked=1
      rf_packages=$(sort -u -- /run/reboot-required.pkgs 2>/dev/null | head -n 50 | tr '\n\0' '  ')
    fi
    rf_kernel=$(uname -r)
    # Of the same flavour: amd64 and cloud-amd64 are not each other’s successors.
    rf_newest=$(
      for rf_image in /boot/vmlinuz-*; do
        rf_version=${rf_image#/boot/vmlinuz-}
        if [ -e "$rf_image" ] && [ "${rf_version##*[0-9]-}" = "${rf_kernel##*[0-9]-}" ]; then printf '%s\n' "$rf_version"; fi
      done | sort -V | tail -n 1
    )
    [ ! -r /proc/sys/kernel/random/boot_id ] || rf_boot=$(cat /proc/sys/kernel/random/boot_id)
  fi
  printf '%s\0' "$rf_asked" "$rf_packages" "$rf_kernel" "$rf_newest" "$rf_boot"
}

reboot_owed() { # prints 1 or 0
  reboot_facts >/dev/null
  if [ "$rf_asked" = 1 ] || { [ -n "$rf_newest" ] && [ "$rf_newest" != "$rf_kernel" ]; }; then echo 1; else echo 0; fi
}
