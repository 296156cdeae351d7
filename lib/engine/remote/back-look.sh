# What the host shows of the items of two generations, in the form of way/want (engine/back/way.ts). Writes $W/live.
# shellcheck disable=SC2016 # programs of xargs and awk

# path US PATH US KIND (f, d, l, o) US OWNER US GROUP US MODE US DIGEST, of a link US TARGET after KIND. MODE ends with "+" where a
# file has an access control list.
look_paths() { # TAG: reads paths, one a line
  sed 's/^/./' | tr '\n' '\0' >"$W/paths.0"
  # The names of an offline root are not those of the machine that works on it.
  lp_owners='%u\037%g'
  if ! on_host && [ -e "$ROOT/etc/passwd" ] && [ -e "$ROOT/etc/group" ]; then lp_owners='%U\037%G'; fi
  (
    cd -- "$ROOT/" || exit 1
    [ "$lp_owners" = '%u\037%g' ] || {
      awk -F : -v OFS="$US" '{ print "user", "", $3, $1 }' etc/passwd
      awk -F : -v OFS="$US" '{ print "group", "", $3, $1 }' etc/group
    }
    xargs -0 -r sh -c 'format=$1; shift; find "$@" -maxdepth 0 -printf "%p\037%y\037$format\037%m\037%l\n" 2>/dev/null; exit 0' sh "$lp_owners" <"$W/paths.0"
    xargs -0 -r sh -c "$FILE_DIGESTS"'file_digests "$@" 2>/dev/null; exit 0' sh <"$W/paths.0" |
      tr '\0' '\n' | sed "s/^\([0-9a-f]*\)  \(.*\)\$/\2${US}sha256$US\1/"
    xargs -0 -r sh -c "$FILES_WITH_ACL"'files_with_acl "$@"; exit 0' sh <"$W/paths.0" | tr '\0' '\n' | sed "s/\$/${US}acl/"
  ) | awk -F "$US" -v OFS="$US" -v tag="$1" '
    $1 == "user" || $1 == "group" { if (!(($1, $3) in name)) name[$1, $3] = $4; next }
    $2 == "sha256" { sum[$1] = $3; next }
    $2 == "acl" { acl[$1] = "+"; next }
    { line[++n] = $0 }
    END { for (i = 1; i <= n; i++) { split(line[i], f, FS); path = substr(f[1], 2); mode = f[5]
      while (length(mode) < 4) mode = "0" mode
      if (("user", f[3]) in name) f[3] = name["user", f[3]]
      if (("group", f[4]) in name) f[4] = name["group", f[4]]
      if (f[2] == "l") print tag, path, "l", f[6]
      else print tag, path, f[2] ~ /^[fd]$/ ? f[2] : "o", f[3], f[4], mode acl[f[1]], sum[f[1]] } }'
}

keys_of() { # SECTION...: of both generations, each once
  for ko_section in "$@"; do sed -n "s/^$ko_section$US\([^$US]*\)\($US.*\)*\$/\1/p" "$W/wanted"; done | sort -u
}

account_lines() { # DATABASE NAME...
  if on_host; then getent "$@" || true; elif [ -e "$ROOT/etc/$1" ]; then cat -- "$ROOT/etc/$1"; fi
}

look_accounts() {
  if ! on_host && { [ ! -e "$ROOT/etc/passwd" ] || [ ! -e "$ROOT/etc/group" ]; }; then return 0; fi
  printf 'accounts\n'
  { account_lines group; keys_of groups | tr '\n' '\0' | if on_host; then xargs -0 -r getent group; else cat >/dev/null; fi; } >"$W/group"
  keys_of users | tr '\n' '\0' | if on_host; then xargs -0 -r getent passwd; else cat >/dev/null && account_lines passwd; fi >"$W/passwd"
  # Of shadow(5) when an account expires, and whether its password is locked.
  { [ ! -r "$ROOT/etc/shadow" ] || awk -F : '{ print $1 ":" $8 " " (substr($2, 1, 1) == "!" ? "locked" : "") }' "$ROOT/etc/shadow"; } >"$W/access"
  awk -F : -v OFS="$US" '
    FILENAME == ARGV[3] { if (!($1 in access)) access[$1] = $2; next }
    FILENAME == ARGV[1] { if (!($1 in gid)) { gid[$1] = $3; name[$3] = $1; print "group", $1, $3 }
      n = split($4, members, ","); for (i = 1; i <= n; i++) in_group[members[i]] = in_group[members[i]] " " $1; next }
    { user[++users] = $0 }
    END { for (i = 1; i <= users; i++) { split(user[i], f, ":")
      print "user", f[1], f[3], (f[4] in name ? name[f[4]] : f[4]), f[6], f[7], in_group[f[1]], (f[1] in access ? access[f[1]] : "?") } }
  ' "$W/group" "$W/passwd" "$W/access"
}

look_packages() {
  if ! on_host || ! command -v dpkg-query >/dev/null; then return 0; fi
  dpkg-query -W -f "\${Package}$US\${Architecture}$US\${db:Status-Status}$US\${Version}$US\${db:Status-Want}\\n" |
    awk -F "$US" -v OFS="$US" '$3 == "installed" { print "package", $1, $4, $5; print "package", $1 ":" $2, $4, $5 }'
}

# Reads what systemctl show says of one unit. Prints "skipped" where a condition of it does not hold, "loop" where it fails and
# starts again and again, "job" for one at work that does not remain active, or nothing: as diff/units.ts tells them apart.
unit_how() { # UNIT
  uh_how=$(awk -F = '{ v[$1] = $2 }
    END {
      job = v["Type"] == "oneshot" && v["RemainAfterExit"] != "yes"
      if (v["ActiveState"] == "activating" && v["SubState"] ~ /auto-restart/ && v["Result"] !~ /^(success)?$/) print "loop"
      else if (job && v["ActiveState"] == "activating") print "job"
      else if (!job && v["ActiveState"] == "inactive" && v["LoadState"] == "loaded") print "inactive"
    }')
  if [ "$uh_how" = inactive ]; then
    uh_how=
    case $(systemd-analyze condition --unit="$1" 2>&1) in *'Conditions failed.'*) uh_how=skipped ;; esac
  fi
  printf '%s' "$uh_how"
}

# unit US NAME US LOAD US ACTIVE US FILE STATE US reload or nothing US what unit_how says
look_units() {
  if ! on_host; then
    command -v systemctl >/dev/null || return 0
    keys_of units | while IFS= read -r lu_unit; do
      printf 'unit%s%s%sloaded%sinactive%s%s\n' "$US" "$lu_unit" "$US" "$US" "$US" \
        "$(systemctl --root="$ROOT" is-enabled -- "$lu_unit" 2>/dev/null | head -n 1)"
    done
    return
  fi
  keys_of units | while IFS= read -r lu_unit; do
    case $lu_unit in
      *@.*)
        lu_file=$(systemctl is-enabled -- "$lu_unit" 2>/dev/null | head -n 1)
        case $lu_file in '' | not-found) lu_load=not-found lu_file= ;; *) lu_load=loaded ;; esac
        printf 'unit%s%s%s%s%sinactive%s%s\n' "$US" "$lu_unit" "$US" "$lu_load" "$US" "$US" "$lu_file"
        ;;
      *)
        lu_shown=$(systemctl show -p LoadState -p ActiveState -p UnitFileState -p NeedDaemonReload -p SubState -p Result -p Type \
          -p RemainAfterExit -- "$lu_unit")
        lu_how=$(printf '%s\n' "$lu_shown" | unit_how "$lu_unit")
        printf '%s\n' "$lu_shown" | awk -F = -v OFS="$US" -v unit="$lu_unit" -v how="$lu_how" '{ v[$1] = $2 }
          END { print "unit", unit, v["LoadState"], v["ActiveState"], v["UnitFileState"], v["NeedDaemonReload"] == "yes" ? "reload" : "", how }'
        ;;
    esac
  done
}

# covered US UNIT: there is a file of it that no generation of ours has, which comes to count when ours goes
look_covered() {
  keys_of units | while IFS= read -r lc_unit; do
    for lc_folder in /etc /run /usr/local/lib /usr/lib /lib; do
      lc_path=$lc_folder/systemd/system/$lc_unit
      if [ ! -e "$ROOT$lc_path" ] || grep -q "^\(files\|symlinks\)$US$(printf '%s' "$lc_path" | sed 's/[][\\.*^$]/\\&/g')$US" "$FROM/way/want"; then continue; fi
      # Of the two names of one folder, the other one may be ours.
      [ "$lc_folder" != /lib ] || [ ! -L "$ROOT/lib" ] || continue
      printf 'covered%s%s\n' "$US" "$lc_unit"
      break
    done
  done
}

# What stood at paths that leave, before us: copy US PATH US KIND ..., owner US PATH US PACKAGE, made US PATH
look_before() {
  # Also of what was ours as a whole and has blocks now.
  awk -F "$US" 'FILENAME == ARGV[1] { if ($1 != "blocks") stays[$2]; next } $1 ~ /^(directories|files|symlinks)$/ && !($2 in stays) { print $2 }' \
    "$TO/way/want" "$FROM/way/want" >"$W/leaving"
  sed "s/^/made$US/" "$BASE/parents" 2>/dev/null
  : >"$W/copies"
  while IFS= read -r lb_path; do
    lb_id=$(printf '%s' "$lb_path" | sha256sum)
    lb_copy=$BASE/originals/${lb_id%% *}/copy
    if [ -e "$lb_copy" ] || [ -L "$lb_copy" ]; then printf '%s%s%s\n' "${lb_copy#"$ROOT"}" "$US" "$lb_path" >>"$W/copies"; fi
    if [ -e "${lb_copy%copy}made" ]; then printf 'made%s%s\n' "$US" "$lb_path"; fi
  done <"$W/leaving"
  cut -d "$US" -f 1 "$W/copies" | look_paths copy | awk -F "$US" -v OFS="$US" '
    FILENAME == ARGV[1] { path[$1] = $2; next } { $2 = path[$2] OFS $2; print }' "$W/copies" -
  if ! command -v dpkg-query >/dev/null || [ ! -d "$ROOT/var/lib/dpkg" ]; then return 0; fi
  sed 's/[][*?\\]/\\&/g' "$W/leaving" | tr '\n' '\0' | xargs -0 -r dpkg-query --admindir="$ROOT/var/lib/dpkg" -S -- 2>/dev/null |
    grep -v '^diversion by ' | sed "s/^\(.*\): \(\/.*\)\$/owner$US\2$US\1/"
}

look() {
  {
    keys_of directories files symlinks blocks | look_paths path
    look_accounts
    look_packages
    look_units
    look_covered
    keys_of mounts | look_mounts | sed "s/^/mount$US/"
    look_before
  } >"$W/live"
}
