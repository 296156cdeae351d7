# What differs between the host and the generation that it is to go to, item by item: no more than a comparison of what the
# planner prepared for both generations (way/want) with what the host shows ($W/live).
# $W/changes: ACTION US SECTION US KEY US WHAT US NOTE; WHAT is "put", "access" (owner or mode alone), "go", "restore COPY",
# "given OWNER GROUP MODE" of a directory that was there before, or "enable" or "disable" of a unit that leaves.
# $W/stays, $W/hand: sentences, and keys that a person changed. $W/lost: USER US GROUP of memberships that go;
# $W/returning.access: lines of ops/users-access for those who get back what they were of use for. $W/returning: lines of ops/users for users who leave and were there before.
# shellcheck disable=SC2016 # awk's own variables

compare_items() {
  {
    sed "s/^/from$US/" "$FROM/way/want"
    sed "s/^/to$US/" "$TO/way/want"
    sed "s/^/mark$US/" "$FROM/way/items"
    sed -n "s/^\(paths-[ab]\)$US\([^$US]*\)$US.*/leave$US\2/p" "$FROM/way/leave"
    sed -n "s/^\([^$US]*\)${US}secret$US.*/secret$US\1/p" "$FROM/way/parts"
    sed "s/^/left$US/" "$FROM/way/mounts-left" 2>/dev/null
    sed "s/^/block$US/" "$W/blocks"
    cat "$W/live"
  } | awk -F "$US" -v OFS="$US" -v host="$(on_host && echo 1)" -v stays="$W/stays" -v hand="$W/hand" -v lost="$W/lost" \
    -v returning="$W/returning" -v returning_access="$W/returning.access" -v holds_file="$W/holds" \
    -v parents_file="$W/merge/ops/parents" '
    function rest(first,  i, text) { for (i = first; i <= NF; i++) text = text (i > first ? FS : "") $i; return text }
    function is_path(section) { return section ~ /^(directories|files|symlinks)$/ }
    function change(action, section, key, what, note) { print action, section, key, what, note }
    function stay(what, why) { print what " left the configuration and stays" (why == "" ? "" : ": " why) >stays }
    # Whether what is there is as wanted; of a path, "access" if only its owner or mode is not.
    function path_holds(want, seen,  w, s) {
      split(want, w, FS); split(seen, s, FS)
      if (want == "-") return seen == "" ? "yes" : ""
      if (seen == "" || w[1] != s[1]) return ""
      if (w[1] == "l") return w[2] == s[2] ? "yes" : ""
      # No change of its mode takes the list of a file away ("+"): it is put again.
      if (w[1] == "f" && (w[5] != s[5] || (w[4] != s[4] && s[4] ~ /[+]$/))) return ""
      return w[4] == s[4] && (!accounts || (w[2] == s[2] && w[3] == s[3])) ? "yes" : "access"
    }
    # Whether it can be used no longer than wanted. Nothing is said of one that has no line in shadow(5).
    function access_holds(day, lock, seen,  s) {
      split(seen, s, FS)
      if (s[6] == "?" || day == "") return 1
      return lock == "" ? s[6] ~ ("^" day " ") : s[6] == day " " lock
    }
    function user_holds(want, seen,  w, s, n, all, i) {
      split(want, w, FS); split(seen, s, FS)
      if (w[1] == "-") return seen == "" || access_holds(w[2], "locked", seen)
      if (!access_holds(w[6], "", seen)) return 0
      if (seen == "" || (w[1] != "*" && w[1] != s[1]) || w[2] != s[2] || w[3] != s[3] || w[4] != s[4]) return 0
      n = split(w[5], all, " ")
      for (i = 1; i <= n; i++) if (all[i] != s[2] && index(" " s[5] " ", " " all[i] " ") == 0) return 0
      return 1
    }
    # Memberships that the generation of now gave, and the one to go to does not: whose were there before it stay.
    function lost_groups(key, want,  w, f, s, n, all, i, list) {
      split(want, w, FS); split(from["users", key], f, FS); split(user[key], s, FS)
      n = split(f[5], all, " ")
      for (i = 1; i <= n; i++) {
        if (all[i] == w[2] || index(" " w[5] " ", " " all[i] " ") || index(had[key], "\"" all[i] "\"") || !index(" " s[5] " ", " " all[i] " ")) continue
        print key, all[i] >lost
        list = list (list == "" ? "" : ", ") all[i]
      }
      return list
    }
    # Home, shell and primary group of before the first generation, as far as they are still as the one of now made them.
    function returns(key,  w, f, s, i, n) {
      if (!(key in was) || split(was[key], w, FS) != 3) return ""
      split(from["users", key], f, FS); split(user[key], s, FS)
      for (i = 1; i <= 3; i++) { n = i + 1; if (f[n] != s[n]) w[i] = s[n] }
      if (!(w[1] in group)) w[1] = s[2]
      if (w[1] == s[2] && w[2] == s[3] && w[3] == s[4]) return ""
      print key, "", w[1], w[2], w[3], "", "true", "update" >returning
      return "what it was before it was managed is put back"
    }
    # What an account was of use for before the generation of now said otherwise, as far as no one changed that since.
    function access_returns(key,  w, f, s, day, lock) {
      split(from["users", key], f, FS); split(user[key], s, FS)
      day = f[1] == "-" ? f[2] : f[6]
      if (!(key in access) || day == "" || s[6] !~ ("^" day " ")) return ""
      split(access[key], w, FS)
      lock = f[1] == "-" && w[2] == "" ? "unlock" : ""
      if (w[1] == f[6] && lock == "") return ""
      print key, w[1], lock >returning_access
      return "can be used as before it was managed"
    }
    function no_access(want,  w) { return split(want, w, FS) < 6 || w[6] == "" }
    function said(a, b) { return a == "" ? b : b == "" ? a : a "; " b }
    # A member of an item that is JSON, if it is a plain text.
    function text_of(json, name,  at) {
      if (!match(json, "\"" name "\":\"[^\"\\\\]*\"")) return ""
      at = RSTART + length(name) + 4
      return substr(json, at, RSTART + RLENGTH - 1 - at)
    }
    function runs(active) { return active ~ /^(active|reloading|refreshing|activating)$/ }
    function unit_holds(want, seen,  w, s) {
      split(want, w, FS); split(seen, s, FS)
      if (s[4] != "" && host) return 0
      if (w[1] != "any" && s[3] !~ /^(static|generated|transient|alias|indirect)$/ && (w[1] == "enabled") != (s[3] == "enabled")) return 0
      if (!host) return 1
      if (s[5] == "loop") return w[2] == "any"
      return !(w[2] == "running" && ((!runs(s[2]) && s[5] != "skipped") || s[1] == "masked")) && !(w[2] == "stopped" && runs(s[2]))
    }
    function mount_holds(key, want) {
      if (want ~ /^present/) return 1
      if (!(key in mount) || want != from["mounts", key]) return 0
      return mount[key] == "autofs" || left[key] == "autofs" || mount[key] == left[key]
    }
    function one_holds(want, seen) { return want == "-" ? seen == "" : seen != "" && (want == "*" || want == seen) }
    function version_of(want) { sub(FS "hold$", "", want); return want }
    # Held because the generation of now says so, and nothing did before.
    function is_let_go(key) { return held[key] && from["packages", key] ~ (FS "hold$") && !held_before[key] }
    function let_go(key) { print key, "unhold" >holds_file }
    function holds(section, key, want) {
      if (is_path(section)) return path_holds(want, path[key])
      if (section == "packages") return !host || (one_holds(version_of(want), package[key]) && (want !~ (FS "hold$") || held[key]))
      if (section == "groups") return !accounts || one_holds(want, group[key])
      if (section == "users") return !accounts || user_holds(want, user[key])
      if (section == "mounts") return !host || mount_holds(key, want)
      if (section == "units") return !units || unit_holds(want, unit[key])
      return 1
    }
    function seen_of(section, key) {
      if (is_path(section)) return path[key]
      if (section == "packages") return package[key]
      if (section == "groups") return group[key]
      if (section == "users") return user[key]
      if (section == "mounts") return mount[key]
      return unit[key] ~ /^not-found/ ? "" : unit[key]
    }
    function needed(key,  other) {
      for (other in to_path) if (other == key || index(other, key "/") == 1) return 1
      return 0
    }
    function put_back(key, seen) {
      change(seen == "" ? "create" : "update", copy[key] ~ /^l/ ? "symlinks" : "files", key, "restore " copy_at[key], \
        "what stood here before it was managed is put back")
    }
    function given_back(key, seen) {
      split(copy[key], parts, FS)
      change(seen == "" ? "create" : "update", "directories", key, "given " parts[2] " " parts[3] " " parts[4], \
        "what stood here before it was managed is put back")
    }
    function mark_of(section, key) { return key in made ? 0 : marks[section, key] }
    # Whether a file or link of ours is left where it is: something may have stood there before us, of which no copy is kept.
    function stays_as_ours(section, key) {
      return !needed(key) && copy[key] !~ /^[fl]/ && (key in owner || mark_of(section, key) != 0) && !(key in secret)
    }
    function leaving_path(section, key,  seen, mark, note) {
      seen = path[key]; mark = mark_of(section, key)
      # It was to be absent: what came since is no matter of ours.
      if (from[section, key] == "-") {
        if (seen != "" || needed(key)) return
        if (copy[key] ~ /^d/) given_back(key, seen); else if (copy[key] ~ /^[fl]/) put_back(key, seen)
        return
      }
      if (!(key in leaves)) { if (seen != "") stay(key, "it is not on the disk, or nothing that a document may hold"); return }
      if (section == "directories") {
        if (seen == "") return
        if (seen !~ /^d/) stay("directory " key, "it is no directory any more")
        else if (copy[key] ~ /^d/ && path_holds(copy[key], seen) != "yes") {
          split(copy[key], parts, FS)
          change("update", section, key, "given " parts[2] " " parts[3] " " parts[4], "owner and mode go back to what they were before it was managed")
        } else if (mark == 1 || copy[key] ~ /^d/) stay("directory " key, "it was there before it was managed")
        # From now on it is one that no one declared.
        else if (needed(key)) { if (copy[key] == "") print key >parents_file }
        else if (copy[key] ~ /^[fl]/) put_back(key, seen)
        else change("delete", section, key, "go", "removed only if it is empty by then")
        return
      }
      if (seen ~ /^d/) { stay(key, "it is a directory now, and not ours"); return }
      if (copy[key] ~ /^d/ && !(key in made)) { given_back(key, seen); return }
      if (copy[key] ~ /^[fl]/ && !needed(key)) {
        if (path_holds(copy[key], seen) == "yes") { stay(key, "it is as it was before it was managed"); return }
        put_back(key, seen)
        return
      }
      if (seen == "") return
      if (stays_as_ours(section, key)) {
        stay(key, key in owner ? "it belongs to the package " owner[key] ", and no copy of its own version is kept" : \
          "something may have stood there before it was managed, and no copy of that is kept")
        return
      }
      note = key in owner || mark != 0 ? (key in secret ? "it goes because it holds a secret" : "") : ""
      change("delete", section, key, "go", note)
    }
    # Where systemd looks for the files of a unit; as diff/unit-files.ts.
    BEGIN { folders = split("/etc /run /usr/local/lib /usr/lib /lib", folder, " ") }
    # The section that has a file or link at this path, unless it is one that is to be absent.
    function section_of(path) {
      if (("files", path) in from) return from["files", path] == "-" ? "" : "files"
      return ("symlinks", path) in from ? "symlinks" : ""
    }
    # Whether the file of a unit, or of its template, is ours.
    function has_own_file(unit,  template, i, at) {
      template = unit
      if (unit ~ /@[^@]/ && match(unit, /\.[a-z]+$/)) template = substr(unit, 1, index(unit, "@")) substr(unit, RSTART)
      for (i = 1; i <= folders; i++) {
        at = folder[i] "/systemd/system/"
        if (section_of(at unit) != "" || section_of(at template) != "") return 1
      }
      return 0
    }
    # A unit of which no file is left when ours goes was not there before, whatever ran under its name.
    function file_leaves(unit,  i, own, section, goes) {
      for (i = 1; i <= folders; i++) {
        own = folder[i] "/systemd/system/" unit
        section = section_of(own)
        if (section == "" || own in to_path) continue
        if (copy[own] != "" || stays_as_ours(section, own)) return 0
        goes = 1
      }
      return goes && (host ? !(unit in covered) : marks["units", unit] != 1)
    }
    function stood_before(unit) { return marks["units", unit] == 1 && !file_leaves(unit) }
    # A unit that stays, of which the document no longer says whether it is enabled. One whose file is of the document was not
    # there before, and so was not enabled.
    function enablement_released(key) {
      if (file_leaves(key)) return
      if (enablement[key] == "" && marks["units", key] != 1 && has_own_file(key)) enablement[key] = "disabled"
      enablement_returns(key)
    }
    # A unit that was enabled or disabled by us alone, and is no longer to be.
    function enablement_returns(key,  s, w) {
      split(unit[key], s, FS); split(from["units", key], w, FS)
      if (enablement[key] == "enabled" && w[1] == "disabled" && s[3] == "disabled") change("update", "units", key, "enable", "is enabled as before it was managed, and not started")
      else if (enablement[key] == "disabled" && w[1] == "enabled" && s[3] == "enabled") change("update", "units", key, "disable", "is disabled as before it was managed, and not stopped")
      else return 0
      return 1
    }
    function leaving(section, key, want,  seen, s, w, gone, before_us) {
      seen = seen_of(section, key)
      if (is_path(section)) { if (!(key in to_path)) leaving_path(section, key); return }
      # It was to be absent: what came since is no matter of ours.
      if (section == "blocks" || seen == "" || (section == "packages" && want == "-")) return
      if (section == "units") {
        split(seen, s, FS); split(want, w, FS)
        before_us = stood_before(key)
        if (before_us && enablement_returns(key)) return
        if (!(host && w[2] == "running" && runs(s[2])) && !(w[1] == "enabled" && s[3] == "enabled")) return
        if (before_us) { stay("unit " key, "it ran before it was managed"); return }
      }
      if (section == "mounts" && (!host || want ~ /^present/)) return
      if (section == "groups" && (("users", key) in to) && to["users", key] ~ ("^[^" FS "]*" FS key FS)) return
      if (section == "users" && accounts && (marks[section, key] == 1 || want ~ /^-/)) {
        if (want !~ /^-/) gone = lost_groups(key, "")
        gone = said(gone == "" ? "" : key " loses " gone, want ~ /^-/ ? "" : returns(key))
        gone = said(gone, access_returns(key))
        if (gone != "") change("update", section, key, "put", gone)
      }
      if (section == "users" && want ~ /^-/) return
      if (section == "users" && seen ~ /^0[^0-9]/) { stay("user " key, "it is root"); return }
      if (section == "packages" && is_let_go(key)) {
        let_go(key)
        if (marks[section, key] == 1) change("update", section, key, "hold", "apt holds it no longer")
      }
      if (section != "units" && marks[section, key] == 1) { stay(substr(section, 1, length(section) - 1) " " key, "it was there before it was managed"); return }
      if (section == "users") split(seen, s, FS)
      change("delete", section, key, "go", section == "users" ? "the home directory " s[3] " is kept" : \
        section == "mounts" ? "is unmounted; what is on the disk stays" : section == "packages" && seen != "" ? seen " is removed" : "")
    }
    $1 == "from" || $1 == "to" {
      if ($1 == "from") { from[$2, $3] = rest(4); from_key[++nf] = $3; from_section[nf] = $2 }
      else { to[$2, $3] = rest(4); to_key[++nt] = $3; to_section[nt] = $2
        if (is_path($2) || $2 == "blocks" || $2 == "mounts") to_path[$3] }
      next
    }
    $1 == "mark" {
      marks[$2, $3] = $4
      if ($2 == "users" && match($0, /"had":\[[^]]*\]/)) had[$3] = substr($0, RSTART, RLENGTH)
      if ($2 == "users" && match($0, /"access":\{"expires":(null|"[0-9-]*"),"locked":(true|false)\}/)) {
        one = substr($0, RSTART, RLENGTH)
        access[$3] = text_of(one, "expires") OFS (one ~ /"locked":true/ ? "locked" : "")
      }
      if ($2 == "packages" && /"heldBefore":true/) held_before[$3] = 1
      if ($2 == "units") enablement[$3] = text_of($0, "was")
      if ($2 == "users" && match($0, /,"was":\{.*/)) {
        one = substr($0, RSTART)
        if (text_of(one, "home") != "" && text_of(one, "shell") != "") was[$3] = text_of(one, "group") OFS text_of(one, "home") OFS text_of(one, "shell")
      }
      next
    }
    $1 == "leave" { leaves[$2]; next }
    $1 == "secret" { secret[$2]; next }
    $1 == "covered" { covered[$2]; next }
    $1 == "left" { left[$2] = rest(3); next }
    $1 == "path" { path[$2] = rest(3); next }
    $1 == "copy" { copy_at[$2] = $3; copy[$2] = rest(4); next }
    $1 == "owner" { owner[$2] = $3; next }
    $1 == "made" { made[$2]; next }
    $1 == "accounts" { accounts = 1; next }
    $1 == "group" { group[$2] = $3; next }
    $1 == "user" { user[$2] = rest(3); next }
    $1 == "package" { package[$2] = $3; held[$2] = $4 == "hold"; next }
    $1 == "unit" { units = 1; unit[$2] = rest(3); next }
    $1 == "mount" { mount[$2] = rest(3); next }
    $1 == "block" { block[$2] = $3; block_note[$2] = $4; next }
    END {
      for (i = 1; i <= nt; i++) {
        section = to_section[i]; key = to_key[i]; want = to[section, key]; seen = seen_of(section, key)
        if (section == "blocks") continue
        it = holds(section, key, want)
        gone = section == "users" && accounts && (section, key) in from ? lost_groups(key, want) : ""
        if (gone != "") it = 0
        # Of one that goes on without what was said of its access.
        if (section == "users" && accounts && (section, key) in from && want !~ /^-/ && no_access(want)) {
          note = access_returns(key)
          if (note != "") { gone = said(gone == "" ? "" : key " loses " gone, note); it = 0 }
        }
        if (section == "units" && want ~ /^any/ && (section, key) in from) enablement_released(key)
        # Owners of an offline root are not compared with the host, but between the two documents.
        if (it == "yes" && (section, key) in from && from[section, key] != want && want != "-") it = "access"
        if (section == "packages" && host && want !~ (FS "hold$") && is_let_go(key)) {
          let_go(key)
          if (it == 1) { change("update", section, key, "hold", "apt holds it no longer"); continue }
        }
        if (it == "yes" || it == 1) continue
        if (section == "packages" && want != "-" && one_holds(version_of(want), seen)) { change("update", section, key, "hold", "apt holds it"); continue }
        if (want == "-") {
          if (section == "files" && seen ~ /^d/) section = "directories"
          change("delete", section, key, "go", section == "packages" ? seen " is removed" : "it is to be absent")
          continue
        }
        note = is_path(section) && seen ~ /^d/ && section != "directories" ? "what is in it goes with it, and a copy is kept with the new generation" : ""
        if (section == "mounts") note = "is mounted again; what is on the disk stays"
        if (gone != "") note = gone ~ / / ? gone : key " loses " gone
        change(seen == "" ? "create" : "update", section, key, it == "access" ? it : "put", note)
      }
      for (i = 1; i <= nf; i++) {
        section = from_section[i]; key = from_key[i]; want = from[section, key]
        if (!((section, key) in to)) leaving(section, key, want)
        it = holds(section, key, want)
        if (section != "mounts" && section != "blocks" && !(it == "yes" || it == 1) && seen_of(section, key) != "")
          print (section == "units" ? "unit" : is_path(section) ? "path" : "other"), key >hand
      }
      for (key in block) if (block[key] != "same") change(block[key], "blocks", key, "put", block_note[key])
    }' >"$W/unsorted" || return 1
  for ci_section in packages groups users directories files blocks symlinks mounts units; do
    grep "^[^$US]*$US$ci_section$US" "$W/unsorted" | sort -t "$US" -k 3,3
  done >"$W/changes"
  return 0
}
