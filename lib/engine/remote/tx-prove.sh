# The proof: before the new generation counts, the host itself compares what is there with what the document wants. That no
# command failed says less: a package's script, a mount, or a daemon may have changed what was put.
#
# ops/after, which may be missing where an older planner made the transaction:
#   path PATH f|d OWNER GROUP MODE DIGEST UNITS | path PATH l TARGET - - - UNITS | path PATH gone - - - - UNITS
#   path PATH absent - - - - UNITS: as gone, and no directory either
#   block PATH NAME UNITS, and after it "text LINE" for each of its lines
#   package NAME VERSION HOLD | group NAME GID | user NAME UID GROUP HOME SHELL GROUPS | unit NAME ENABLED STATE
#   access NAME DAY LOCKED: when it expires, in days since 1970-01-01, and "locked" where the password is to be
#   mount PATH, which is to be as /etc/fstab says
# An empty field is not compared. UNITS start again when the path changes: a daemon may write its file itself.

# Reads ops/after and after what is there (a tag, then the fields of expect.sh, getent(1), dpkg-query(1), systemctl(1)), and
# prints "KEY<US>WORDS" for each thing that is otherwise. After ENVIRON it needs nothing of its own.
# shellcheck disable=SC2016
COMPARE_AFTER='
function differs(key, words) { printf "%s\037%s: %s\n", key, key, words }
function writers(units) {
  if (units == "") return ""
  return ". Either " units " (restarted or reloaded with it), or another program, wrote it after this apply: let it write another file, or take this one out of the document"
}
function described(i,  n, f) {
  n = split(now[i], f, "\037")
  if (n == 0) return "nothing"
  if (f[3] == "l") return "a link to " f[4]
  return (f[3] == "d" ? "a directory" : f[3] == "f" ? "a file" : "something else") " of " account("U", f[4]) ":" account("G", f[5]) ", mode " f[6]
}
function account(kind, id) { return (kind id) in name ? name[kind id] : id }
function same_owner(wanted, id, ids) {
  if (wanted == "" || owners == "") return 1
  if (!(wanted in ids)) return owners == "some"
  return ids[wanted] == id
}
function has_member(user, group,  list) {
  if (gid[group] != "" && gid[group] == primary[user]) return 1
  list = "," members[group] ","
  return index(list, "," user ",") > 0
}
function path_holds(n, w, units,  f, key) {
  key = w[2]
  split(now[key], f, "\037")
  if (w[3] == "gone" || w[3] == "absent") {
    if (now[key] != "" && (w[3] == "absent" || f[3] != "d")) differs(key, "expected nothing there, found " described(key) writers(units))
  } else if (w[3] == "l") {
    if (f[3] != "l" || f[4] != w[4]) differs(key, "expected a link to " w[4] ", found " described(key) writers(units))
  } else if (f[3] != w[3] || f[6] != w[6] || !same_owner(w[4], f[4], uid) || !same_owner(w[5], f[5], gid)) {
    differs(key, "expected " (w[3] == "d" ? "a directory" : "a file") " of " w[4] ":" w[5] ", mode " w[6] ", found " described(key) writers(units))
  } else if (w[7] != "" && digest[key] != w[7]) {
    differs(key, "expected the content of the document, found other content" writers(units))
  }
}
function block_holds(path, block, wanted, units,  line, inside, found, text) {
  while ((getline line < (root path)) > 0) {
    if (inside && line == "# END citadel-iac " block) { found = 1; break }
    if (line ~ /^# (BEGIN|END) citadel-iac /) inside = 0
    if (inside) text = text line "\n"
    if (line == "# BEGIN citadel-iac " block) { inside = 1; text = "" }
  }
  close(root path)
  if (!found) differs(path, "expected the block \"" block "\", found none" writers(units))
  else if (text != wanted) differs(path, "expected the text of the document in the block \"" block "\", found another" writers(units))
}
function user_holds(w,  bad, i, n, list) {
  if (!(w[2] in primary)) { differs(w[2], "expected a user, found none"); return }
  if (w[3] != "" && uid[w[2]] != w[3]) bad = bad "; expected the uid " w[3] ", found " uid[w[2]]
  if (gid[w[4]] != primary[w[2]]) bad = bad "; expected the primary group " w[4] ", found " account("G", primary[w[2]])
  if (home[w[2]] != w[5]) bad = bad "; expected the home " w[5] ", found " home[w[2]]
  if (shell[w[2]] != w[6]) bad = bad "; expected the shell " w[6] ", found " shell[w[2]]
  n = split(w[7], list, ",")
  for (i = 1; i <= n; i++) if (!has_member(w[2], list[i])) bad = bad "; expected a member of " list[i] ", found none"
  if (bad != "") differs(w[2], substr(bad, 3))
}
function access_holds(w) {
  # One that is not there can be used by no one; of one that is not in shadow(5) nothing can be said.
  if (!(w[2] in primary) || !(w[2] in expires)) return
  if (expires[w[2]] != w[3]) differs(w[2], "expected that it expires on day " w[3] ", found " (expires[w[2]] == "" ? "no day" : "day " expires[w[2]]))
  else if (w[4] != "" && !locked[w[2]]) differs(w[2], "expected a locked password, found one that is not")
}
function unit_holds(w,  active, file, runs) {
  active = seen[w[2], "ActiveState"]
  file = seen[w[2], "UnitFileState"]
  if (w[3] != "" && file !~ /^(static|generated|transient|alias|indirect)$/ && (file == "enabled") != (w[3] == "true"))
    differs(w[2], "expected " (w[3] == "true" ? "enabled" : "not enabled") ", found " (file == "" ? "no unit file" : file))
  runs = active ~ /^(active|reloading|refreshing|activating)$/
  # As diff/units.ts: what fails again and again does not run.
  if (active == "activating" && seen[w[2], "SubState"] ~ /auto-restart/ && seen[w[2], "Result"] != "success") { runs = 0; active = "a crash loop" }
  # Of these systemd says that all went well, though nothing runs.
  if (w[4] == "running" && active == "inactive" && seen[w[2], "Result"] == "success")
    runs = seen[w[2], "Type"] == "oneshot" || seen[w[2], "ConditionResult"] == "no"
  if (w[4] == "running" && seen[w[2], "LoadState"] == "masked") differs(w[2], "expected running, found masked")
  else if (w[4] == "running" && !runs) differs(w[2], "expected running, found " active)
  else if (w[4] == "stopped" && runs) differs(w[2], "expected stopped, found " active)
}
BEGIN { FS = "\037"; root = ENVIRON["ROOT"]; owners = ENVIRON["OWNERS"] }
$1 == "now" { if ($3 == "sha256") digest[substr($2, 2)] = $4; else if ($3 != "acl") now[substr($2, 2)] = $0; next }
$1 == "passwd" {
  split($2, part, ":")
  if (!(part[1] in primary)) { uid[part[1]] = part[3]; primary[part[1]] = part[4]; home[part[1]] = part[6]; shell[part[1]] = part[7] }
  if (!(("U" part[3]) in name)) name["U" part[3]] = part[1]
  next
}
$1 == "shadow" { split($2, part, ":"); if (!(part[1] in expires)) { locked[part[1]] = part[2] + 0; expires[part[1]] = part[3] } next }
$1 == "members" {
  split($2, part, ":")
  if (!(part[1] in gid)) gid[part[1]] = part[3]
  members[part[1]] = members[part[1]] "," part[4]
  if (!(("G" part[3]) in name)) name["G" part[3]] = part[1]
  next
}
$1 == "dpkg" { if ($4 == "installed") { if (!($2 in version)) version[$2] = $5; version[$2 ":" $3] = $5; if ($6 == "hold") { held[$2]; held[$2 ":" $3] } } next }
$1 == "show" {
  if ($2 == "") { if (any) { shown++; any = 0 } next }
  any = 1
  at = index($2, "=")
  seen[asked[shown + 1], substr($2, 1, at - 1)] = substr($2, at + 1)
  next
}
$1 == "text" { block_text[count] = block_text[count] substr($0, 6) "\n"; next }
{
  wanted[++count] = $0
  # systemctl(1) answers in the order of the question.
  if ($1 == "unit" && $2 !~ /@\./) asked[++units] = $2
}
END {
  for (i = 1; i <= count; i++) {
    n = split(wanted[i], w, "\037")
    if (w[1] == "path") path_holds(n, w, w[8])
    else if (w[1] == "block") block_holds(w[2], w[3], block_text[i], w[4])
    else if (w[1] == "package" && live) {
      if (!(w[2] in version)) differs(w[2], "expected installed, found not installed")
      else if (w[3] != "" && version[w[2]] != w[3]) differs(w[2], "expected the version " w[3] ", found " version[w[2]])
      else if (w[4] != "" && !(w[2] in held)) differs(w[2], "expected that apt holds it, found that it does not")
    } else if (w[1] == "group" && accounts) {
      if (!(w[2] in gid)) differs(w[2], "expected a group, found none")
      else if (w[3] != "" && gid[w[2]] != w[3]) differs(w[2], "expected the gid " w[3] ", found " gid[w[2]])
    } else if (w[1] == "user" && accounts) user_holds(w)
    else if (w[1] == "access" && accounts) access_holds(w)
    else if (w[1] == "unit" && live && w[2] !~ /@\./) unit_holds(w)
  }
}'

tagged() { sed "s/^/$1$US/"; } # TAG: each line of the input after it

after_names() { # SECTION FIELD...: the names that records of a section have in these fields, once each
  an_section=$1
  shift
  for an_field in "$@"; do
    sed -n "/^$an_section$US/p" "$DIR/ops/after" | cut -d "$US" -f "$an_field"
  done | grep . | sort -u
}

after_paths() { # no link's target, of another program's making, can be taken for a record of its own
  sed -n "s/^path$US\([^$US]*\)$US.*/.\1/p" "$DIR/ops/after" | tr '\n' '\0' |
    /bin/sh "$DIR/bin/expect.sh" "$ROOT" | tr '\n' '\001' | tr '\0' '\n' | tagged now
}

after_access() { # of a password no more than whether it is locked
  [ ! -r "$ROOT/etc/shadow" ] || awk -F : '{ print $1 ":" (substr($2, 1, 1) == "!") ":" $8 }' "$ROOT/etc/shadow" | tagged shadow
}

after_accounts() {
  after_access
  if [ -n "$ROOT" ]; then
    tagged passwd <"$ROOT/etc/passwd" && tagged members <"$ROOT/etc/group"
    return
  fi
  # By name, because not every source of accounts can be listed.
  { printf 'root\n' && after_names user 2 && after_names access 2 && after_names path 4; } | grep -v / | tr '\n' '\0' | xargs -0 getent passwd -- | tagged passwd
  { getent group && { printf 'root\n' && after_names group 2 && after_names user 4 && after_names path 5; } | tr '\n' '\0' | xargs -0 getent group --; } | tagged members
}

after_packages() {
  after_names package 2 | tr '\n' '\0' |
    xargs -0 -r dpkg-query -W -f "dpkg$US\${Package}$US\${Architecture}$US\${db:Status-Status}$US\${Version}$US\${db:Status-Want}\n" -- 2>/dev/null
}

after_units() {
  sed -n "s/^unit$US\([^$US]*\)$US.*/\1/p" "$DIR/ops/after" | grep -v '@\.' | tr '\n' '\0' |
    xargs -0 -r systemctl show -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p Type -p Result -p ConditionResult -- | tagged show
  printf '%s\n' "show$US"
}

look_after() { # one pass over the host: after.bad has what is otherwise, KEY US WORDS
  OWNERS=all
  la_accounts=1
  # As the plan: owners of an offline root are those of its own accounts, and only root can set them.
  [ -z "$ROOT" ] || OWNERS=some
  if [ -n "$ROOT" ] && ! { [ -e "$ROOT/etc/passwd" ] && [ -e "$ROOT/etc/group" ]; }; then la_accounts=; fi
  if [ -z "$AM_ROOT" ] || [ -z "$la_accounts" ]; then OWNERS=; fi
  la_live=
  ! on_host || la_live=1
  {
    after_paths
    [ -z "$la_accounts" ] || after_accounts
    [ -z "$la_live" ] || { after_packages && after_units; }
  } >"$DIR/after.now" 2>"$DIR/words"
  export ROOT OWNERS
  awk "$COMPARE_AFTER" "$DIR/ops/after" accounts="$la_accounts" live="$la_live" "$DIR/after.now" >"$DIR/after.bad" 2>>"$DIR/words"
}

prove_host() { # all of the document is true of the host, or ITEM and words say what is not
  STEP=prove
  ITEM=
  [ -s "$DIR/ops/after" ] || return 0
  # A second and a third look: a unit may be between two states, and what was asked of a daemon may take a moment.
  for ph_pause in 1 2 0; do
    true >"$DIR/words"
    look_after || return 1
    ! on_host || prove_mounts || return 1
    [ -s "$DIR/after.bad" ] || return 0
    if ! on_host || [ "$ph_pause" = 0 ]; then break; fi
    sleep "$ph_pause"
  done
  IFS=$US read -r ITEM _ <"$DIR/after.bad"
  ph_count=$(wc -l <"$DIR/after.bad")
  {
    cut -d "$US" -f 2- "$DIR/after.bad" | head -n 20
    [ "$ph_count" -le 20 ] || printf 'and %s more\n' "$((ph_count - 20))"
  } >"$DIR/words"
  return 1
}
