# The transaction that goes to a generation: of the operations prepared for both (way/put of the one, way/leave of the other)
# those whose items differ. $W/stage is its folder; tx-main.sh says what each file is.
# shellcheck disable=SC2016 # awk's own variables

build_paths() { # ops/paths-*, adopt-*, own, validate; $W/touched: what changes in substance
  {
    sed "s/^/change$US/" "$W/changes"
    sed -n "s/^path$US/seen$US/p" "$W/live"
    sed "s/^/put$US/" "$TO/way/put"
    sed "s/^/leave$US/" "$FROM/way/leave"
    sed "s/^/from$US/" "$FROM/way/want"
    sed "s/^/based$US/" "$W/blocks.base"
    sed "s/^/unblock$US/" "$W/blocks.unblock"
    awk -F "$US" -v OFS="$US" '{ print "number", $1, $4 }' "$W/blocks"
  } | awk -F "$US" -v OFS="$US" -v ops="$W/stage/ops" -v touched="$W/touched" '
    function rest(first,  i, text) { for (i = first; i <= NF; i++) text = text (i > first ? FS : "") $i; return text }
    function is_path(section) { return section ~ /^(directories|files|symlinks|blocks)$/ }
    # Where a path below a link of ours really is: the link may go in the same transaction.
    function behind(path,  top, all, i, n, text, stack, m) {
      for (top in ours) if (index(path, top "/") == 1) {
        text = ours[top]
        if (text !~ /^\//) { i = top; sub(/\/[^\/]*$/, "", i); text = i "/" text }
        n = split(text substr(path, length(top) + 1), all, "/")
        for (i = 1; i <= n; i++) if (all[i] == "..") { if (m) m-- } else if (all[i] != "" && all[i] != ".") stack[++m] = all[i]
        text = ""
        for (i = 1; i <= m; i++) text = text "/" stack[i]
        return text
      }
      return path
    }
    function below(path, tops,  top) { for (top in tops) if (index(path, top "/") == 1) return 1; return 0 }
    function emit(line, path,  f) {
      split(line, f, FS)
      print line >(ops "/paths-" (below(path, mounting) ? "b" : "a"))
      if (f[1] == "file") print f[3], f[4], f[5], path
    }
    $1 == "change" && $3 == "mounts" && $2 != "delete" { mounting[$4]; next }
    $1 == "change" && is_path($3) {
      changed[$4]
      if ($5 ~ /^given /) { split(substr($5, 7), access, " "); given[$4] = access[1] OFS access[2] OFS access[3]; next }
      if ($5 != "access") print $4 >touched
      if ($3 == "blocks") { wanted[$4]; block[$4]; next }
      if ($5 ~ /^restore /) { restore[$4] = substr($5, 9); going[++ng] = $4 }
      else if ($2 == "delete") { going[++ng] = $4; drop[$4] = $3 == "directories" ? "rmdir" : "del" }
      else wanted[$4] = $5
      next }
    $1 == "seen" { if ($3 == "l") link[$2] = $4; if ($3 == "d") directory[$2]; next }
    $1 == "from" && $2 == "symlinks" { ours[$3] = $5 }
    # A mode without the mark of an access control list: carry_attributes brings the list.
    $1 == "based" { sub(/[+]$/, "", $5); base[$2] = $3 OFS $4 OFS $5; next }
    $1 == "unblock" { unblock[$2] = OFS $3; next }
    $1 == "number" { number[$2] = $3; next }
    $1 == "from" && is_path($2) && $2 != "blocks" { known[$3]; next }
    $1 == "put" && $2 ~ /^paths-/ { if ($3 in wanted) { line[++n] = rest(4); at[n] = $3; phase[n] = $2 } next }
    $1 == "put" && $2 ~ /^adopt-/ { adopt[++na] = $3; next }
    $1 == "put" && $2 == "validate" { validate[++nv] = $3; validator[nv] = rest(4); next }
    $1 == "leave" && $2 == "validate" { returning[$3] = rest(4); next }
    END {
      for (i = 1; i <= na; i++) if (!(adopt[i] in known)) print adopt[i] unblock[adopt[i]] >(ops "/adopt-" (below(adopt[i], mounting) ? "b" : "a"))
      for (i = 1; i <= n; i++) if (line[i] ~ /^(file|link)/) replaced[at[i]]
      for (path in block) replaced[path]
      # What stands in the way goes first: a file where a directory comes.
      for (i = 1; i <= ng; i++) if (drop[going[i]] == "del") for (path in wanted) if (index(path, going[i] "/") == 1) first[going[i]]
      for (path in given) if (!(path in directory) && !below(path, replaced) && !below(path, link)) emit("dir" OFS path OFS given[path], path)
      for (path in first) if (!below(path, replaced) && !below(path, link)) emit("del" OFS path, path)
      for (i = 1; i <= n; i++) {
        path = at[i]
        if (path in block) continue
        # The second operation on a mount point is for the root of what is mounted.
        if (phase[i] == "paths-b" && line[i] ~ /^attr/) { if (path in mounting) print line[i] >(ops "/paths-b"); continue }
        if (wanted[path] == "access") sub(/^file/, "attr", line[i])
        emit(line[i], path)
      }
      for (path in block) emit(path in base ? "file" OFS path OFS base[path] : "block" OFS path OFS number[path], path)
      for (path in given) if (path in directory && !below(path, replaced) && !below(path, link)) emit("attr" OFS path OFS given[path], path)
      for (path in link) if (link[path] == ours[path]) delete link[path]
      # From the bottom up. Below what becomes a link or a file all goes with its directory, and what is below a link that is not
      # ours never was.
      for (i = 1; i <= ng; i++) for (j = i + 1; j <= ng; j++) if (going[j] > going[i]) { path = going[i]; going[i] = going[j]; going[j] = path }
      for (i = 1; i <= ng; i++) {
        path = going[i]
        if (path in first || path in wanted || below(path, replaced) || below(path, link)) continue
        place = behind(path)
        emit(path in restore ? "original" OFS place OFS restore[path] : drop[path] OFS place, place)
      }
      for (i = 1; i <= nv; i++) {
        folder = validate[i]; sub(/\/[^\/]*$/, "", folder)
        take = validate[i] in changed
        if (!take && folder != "" && folder != "/etc") for (path in changed) if (index(path, folder "/") == 1) take = 1
        if (take) print validator[i] >(ops "/validate")
      }
      for (path in restore) if (path in returning) print returning[path] >(ops "/validate")
    }' | sort >"$W/owned" || return 1
  sort -t "$US" -k 2,2 -o "$W/stage/ops/validate" "$W/stage/ops/validate"
  awk -F "$US" -v OFS="$US" -v folder="$W/stage" '
    { access = $1 OFS $2 OFS $3 }
    access != last { print n++, access >(folder "/ops/own"); last = access }
    { printf ".%s\n", $4 >(folder "/own.lines/" n - 1) }' "$W/owned" || return 1
  for bp_list in "$W/stage/own.lines"/*; do
    [ ! -e "$bp_list" ] || tr '\n' '\0' <"$bp_list" >"$W/stage/own/${bp_list##*/}" || return 1
  done
  rm -r "$W/stage/own.lines"
}

build_tree() {
  cut -d "$US" -f 4 "$W/owned" >"$W/files"
  sed "s/$US.*//" "$W/blocks.base" | sort >"$W/files.blocks"
  sort "$W/files" | comm -23 - "$W/files.blocks" | write_contents "$TO" "$W/stage/tree" || return 1
  while IFS= read -r bt_path; do
    ! grep -qxF -- "$bt_path" "$W/files.blocks" || { mkdir -p "$W/stage/tree${bt_path%/*}" && cp -- "$W/tree$bt_path" "$W/stage/tree$bt_path"; } || return 1
  done <"$W/files"
  # No content is taken on trust that it is the one of then.
  (cd -- "$W/stage/tree" && find . -type f -print0 | xargs -0 -r sha256sum -z -- | tr '\0' '\n') | sed "s/^\([0-9a-f]*\)  \.\(.*\)\$/\2$US\1/" |
    awk -F "$US" 'FILENAME == ARGV[1] { sum[$1] = $2; next } $1 == "files" && $2 in sum && sum[$2] != $7 { print $2; bad = 1 } END { exit bad }' - "$TO/way/want" >"$W/bad" ||
    stop "the content of $(head -n 1 "$W/bad") that generation ${TO##*/} keeps is damaged" "Nothing was changed. From the operator's machine: citadel-iac rollback HOST --to ${TO##*/}"
}

build_items() { # packages, accounts, mounts
  [ ! -e "$W/lost" ] || cp -- "$W/lost" "$W/stage/ops/members-remove" || return 1
  {
    sed "s/^/change$US/" "$W/changes"
    sed "s/^/put$US/" "$TO/way/put"
    sed "s/^/leave$US/" "$FROM/way/leave"
  } | awk -F "$US" -v OFS="$US" -v ops="$W/stage/ops" -v host="$(on_host && echo 1)" '
    function rest(first,  i, text) { for (i = first; i <= NF; i++) text = text (i > first ? FS : "") $i; return text }
    BEGIN { split("packages-install packages packages-hold packages groups groups users users users-access users mounts mounts", p, " ")
      for (i = 1; i in p; i += 2) put[p[i]] = p[i + 1]
      split("packages-remove packages users-remove users groups-remove groups umounts mounts", p, " ")
      for (i = 1; i in p; i += 2) leave[p[i]] = p[i + 1] }
    $1 == "change" { action[$3, $4] = $2; if ($5 == "hold") as_it_is[$4]; next }
    $1 == "put" && $2 == "packages-install" && $3 in as_it_is { next }
    $1 == "put" && $2 in put && (put[$2], $3) in action && action[put[$2], $3] != "delete" {
      line = rest(4)
      # Prepared for a host that has none of it.
      if ($2 == "users" && action["users", $3] == "update") sub(FS "create$", FS "update", line)
      print line >(ops "/" $2)
    }
    $1 == "put" && $2 == "packages-remove" && action["packages", $3] == "delete" { unwanted[$3]; print rest(4) >(ops "/" $2); next }
    $1 == "leave" && $2 == "packages-remove" && $3 in unwanted { next }
    $1 == "leave" && $2 in leave && action[leave[$2], $3] == "delete" { print rest(4) >(ops "/" $2) }
    $1 == "put" && ($2 == "units-known" || $2 == "units-rest" || $2 == "units-settle" || ($2 == "checks" && host)) { print rest(4) >(ops "/" $2) }' &&
    cat -- "$W/returning" >>"$W/stage/ops/users" && cat -- "$W/returning.access" >>"$W/stage/ops/users-access" &&
    cat -- "$W/holds" >>"$W/stage/ops/packages-hold"
}

reinstalled() { # units whose [Install] section changes while they are enabled: their links are made again
  grep '/systemd/system/[^/]*$' "$W/touched" | while IFS= read -r ri_path; do
    ri_unit=${ri_path##*/}
    if [ ! -f "$ROOT$ri_path" ] || [ ! -f "$W/stage/tree$ri_path" ]; then continue; fi
    for ri_file in "$ROOT$ri_path" "$W/stage/tree$ri_path"; do
      awk '{ gsub(/^[ \t]+|[ \t]+$/, "") } /^\[/ { inside = $0 == "[Install]"; next } inside && $0 != "" && !/^[#;]/' "$ri_file" | sha256sum
    done | uniq | sed -n '2s/.*/again/p' | grep -q . && printf '%s\n' "$ri_unit"
  done
  return 0
}

build_units() { # what units are asked to do, by what their files and states are
  reinstalled >"$W/reinstalled"
  {
    sed "s/^/change$US/" "$W/changes"
    sed "s/^/touched$US/" "$W/touched"
    sed "s/^/again$US/" "$W/reinstalled"
    grep "^unit$US" "$W/live"
    sed -n "s/^units$US/want$US/p" "$TO/way/want"
    sed "s/^/when$US/" "$TO/way/restarts"
    sed "s/^/was$US/" "$FROM/way/restarts"
    sed -n "s/^\(directories\|files\|symlinks\|blocks\)$US\([^$US]*\).*/stays$US\2/p" "$TO/way/want"
    sed -n "s/^units-before$US/leave$US/p" "$FROM/way/leave"
  } | awk -F "$US" -v OFS="$US" -v ops="$W/stage/ops" -v host="$(on_host && echo 1)" '
    function runs(active) { return active ~ /^(active|reloading|refreshing|activating)$/ }
    # A name that ends in a slash stands for all that is in that directory.
    function is_touched(name,  path) {
      if (name !~ /\/$/) return name in touched
      for (path in touched) if (index(path, name) == 1) return 1
      return 0
    }
    # What leaves concerns a unit as it did in the generation of now, and its own file or drop-in whatever that says.
    function leaves_now(name,  path) {
      if (name !~ /\/$/) return name in touched && !(name in stays)
      for (path in touched) if (index(path, name) == 1 && !(path in stays)) return 1
      return 0
    }
    # As plan/unit-actions.ts has it: 1 stop, 2 restart, 3 start, 4 reload.
    function verb_of(u,  run) {
      run = runs(active[u])
      if (state[u] == "stopped") return run ? 1 : 0
      if (how[u] == "loop") return state[u] == "running" || (u, "restart") in verb ? 2 : 0
      if (!run && state[u] != "running") return 0
      if (!run) return how[u] == "skipped" && !((u, "restart") in verb) && !(u in changed) ? 0 : 3
      if (how[u] == "job") return 0
      return (u, "restart") in verb ? 2 : (u, "reload") in verb ? 4 : 0
    }
    $1 == "change" && $3 == "units" && $5 == "enable" { print $5, $4, 0 >(ops "/units"); next }
    $1 == "change" && $3 == "units" && $5 == "disable" { print $5, $4 >(ops "/units-before"); next }
    $1 == "change" && $3 == "units" { changed[$4]; if ($2 == "delete") leaves[$4]; next }
    $1 == "touched" { touched[$2]; if (match($2, /\/systemd\/system\/[^\/]+$/)) own_file[substr($2, RSTART + 16)]; next }
    $1 == "again" { again[$2]; next }
    $1 == "unit" { units = 1; load[$2] = $3; active[$2] = $4; file[$2] = $5; how[$2] = $7; next }
    $1 == "want" { order[++n] = $2; enabled[$2] = $3; state[$2] = $4; wave[$2] = $5; if ($5 > last) last = $5; waves[$5]; next }
    $1 == "when" { if (is_touched($4)) verb[$2, $3]; next }
    $1 == "stays" { stays[$2]; next }
    $1 == "was" { was[++nw] = $2; was_verb[nw] = $3; was_path[nw] = $4; next }
    $1 == "leave" && $2 in leaves && (($3 == "stop" && runs(active[$2])) || ($3 == "disable" && file[$2] == "enabled")) { print $3, $4 >(ops "/units-before") }
    END {
      if (!units) exit
      for (i = 1; i <= n; i++) { u = order[i]
        if (enabled[u] == "disabled") { if (file[u] == "enabled") print "disable", u, wave[u] >(ops "/units"); continue }
        if ((load[u] == "masked" || file[u] ~ /^masked/) && (enabled[u] == "enabled" || state[u] == "running")) print "unmask", u, wave[u] >(ops "/units")
        if (enabled[u] == "any") continue
        if (file[u] == "enabled") { if (u in again) print "disable" OFS u OFS wave[u] "\n" "enable" OFS u OFS wave[u] >(ops "/units") }
        else if (u in changed || u in own_file) print "enable", u, wave[u] >(ops "/units")
      }
      if (!host) exit
      for (i = 1; i <= nw; i++) if (leaves_now(was_path[i])) verb[was[i], was_verb[i]]
      for (path in touched) if (!(path in stays) && match(path, /\/systemd\/system\/[^\/]+(\.d\/[^\/]+)?$/)) {
        u = substr(path, RSTART + 16); sub(/\.d\/.*$/, "", u); verb[u, "restart"]
      }
      # One that was there before us, and left, runs on with the files of before.
      for (u in active) if (!(u in state) && !(u in leaves) && runs(active[u]) && how[u] != "job") {
        if ((u, "restart") in verb) print "restart", u, 0 >(ops "/units")
        else if ((u, "reload") in verb) print "reload", u, 0 >(ops "/units")
      }
      for (w = 0; w <= last; w++) if (w in waves) for (v = 1; v <= 4; v++) for (i = 1; i <= n; i++) { u = order[i]
        if (wave[u] != w) continue
        if (verb_of(u) == v) print v == 1 ? "stop" : v == 2 ? "restart" : v == 3 ? "start" : "reload", u, w >(ops "/units")
      }
    }'
}

build_index() { # what the new generation makes of each item; an item that the last one had keeps its mark
  {
    sed "s/^/from$US/" "$FROM/way/items"
    sed "s/^/to$US/" "$TO/way/items"
    cat "$W/live"
  } | awk -F "$US" -v OFS="$US" -v items="$W/stage/way/items" '
    function rest(first,  i, text) { for (i = first; i <= NF; i++) text = text (i > first ? FS : "") $i; return text }
    function group_of(section) { return section == "directories" || section == "symlinks" ? "files" : section }
    # What an item was before us is told by the generation of now; of one that it does not name, by the host.
    function with_was(json, was) {
      sub(/,?"was":\{.*/, "}", json)
      if (was ~ /\\/) was = ""
      return was == "" ? json : substr(json, 1, length(json) - 1) (json == "}" ? "" : ",") was "}"
    }
    function with_enablement(json, was) {
      sub(/,?"was":"[a-z]*"/, "", json)
      return was !~ /^(enabled|disabled)$/ ? json : substr(json, 1, length(json) - 1) (json == "}" ? "" : ",") "\"was\":\"" was "\"}"
    }
    $1 == "from" && $2 == "units" && match($0, /"was":"[a-z]*"/) { was_of[$3] = substr($0, RSTART + 7, RLENGTH - 8) }
    $1 == "unit" { file[$2] = $5 }
    $1 == "from" && $2 == "users" && match($0, /"was":\{[^}]*\}\}$/) { was_of[$3] = substr($0, RSTART, RLENGTH - 1) }
    $1 == "from" { last[group_of($2), $3] = $4; was[group_of($2), $3] = $2; next }
    $1 == "user" { account[$2] = "\"was\":{\"group\":\"" $4 "\",\"home\":\"" $5 "\",\"shell\":\"" $6 "\"}" }
    $1 == "path" { seen["files", $2]; if ($3 == "d") seen["directories", $2]; next }
    $1 == "package" || $1 == "group" || $1 == "user" || $1 == "mount" { seen[$1 "s", $2]; next }
    $1 == "unit" { if ($4 == "active" || $5 == "enabled") seen["units", $2]; next }
    $1 == "to" { n++; section[n] = $2; key[n] = $3; mark[n] = $4; name[n] = $5; facts[n] = rest(6) }
    END {
      for (i = 1; i <= n; i++) { s = section[i]; g = group_of(s)
        if (s == "blocks" || s == "checks") mark[i] = 0
        else if (!((g, key[i]) in last)) mark[i] = ((s == "directories" ? s : g), key[i]) in seen ? 1 : 0
        # A directory in the place of a file or link did not stand there, whatever did.
        else if (s == "directories" && was[g, key[i]] != s) mark[i] = 0
        else mark[i] = last[g, key[i]]
        if (s == "users") facts[i] = with_was(facts[i], (g, key[i]) in last ? was_of[key[i]] : account[key[i]])
        if (s == "units") facts[i] = with_enablement(facts[i], (g, key[i]) in last ? was_of[key[i]] : file[key[i]])
        print s, key[i], mark[i], name[i], facts[i] >items
      }
      printf "{"
      for (i = 1; i <= n; i++) { s = section[i]
        if (s != section[i - 1]) printf "%s\"%s\":{", (i > 1 ? "}," : ""), s
        else printf ","
        shown = s == "files" || s == "symlinks" ? (mark[i] == "-" ? "" : mark[i] == 1 ? "\"adopted\":true" : "\"adopted\":false") : (mark[i] == 1 ? "\"adopted\":true" : "")
        printf "%s:{%s%s%s", name[i], shown, (shown != "" && facts[i] != "}" ? "," : ""), facts[i]
      }
      printf "%s}", (n ? "}" : "")
    }' >"$W/stage/index.json"
}

build_expectation() { # what stands there now must stand there when it begins
  {
    sed -n "s/^[^$US]*$US\(directories\|files\|blocks\|symlinks\)$US\([^$US]*\)$US.*/.\2/p" "$W/changes"
    sed -n "s/.*${US}restore \([^$US]*\)$US.*/.\1/p" "$W/changes"
    printf './var/lib/citadel-iac/current\n'
  } | sort -u | tr '\n' '\0' >"$W/stage/expect.request"
  /bin/sh "$BASE/current/bin/expect.sh" "$ROOT" <"$W/stage/expect.request" >"$W/stage/expect.records"
}

build() { # WHO WAIT
  bu_number=${TO##*/}
  rm -rf "$W/stage" && mkdir -p "$W/stage/ops" "$W/stage/own" "$W/stage/own.lines" "$W/stage/tree" "$W/stage/bin" "$W/stage/secrets" || return 1
  : >"$W/touched"
  while IFS= read -r bu_file; do : >"$W/stage/ops/$bu_file"; done <"$TO/way/ops-files"
  build_paths && build_tree && build_items && build_units && cp -- "$TO/way/after" "$W/stage/ops/after" || return 1
  cp -R -- "$TO/way" "$W/stage/way" && rm -f "$W/stage/way/mounts-left" && build_index && build_expectation || return 1
  cp -- "$BASE/current/bin"/* "$W/stage/bin/" && cp -R -- "$W/merge/ops/." "$W/stage/ops/" || return 1
  [ ! -d "$TO/secrets" ] || cp -R -- "$TO/secrets" "$W/stage/" || return 1
  document "$bu_number" manifest.json >"$W/stage/manifest.json" && cp -- "$TO/digest" "$W/stage/digest" || return 1
  ID=$(head -c 12 "$TO/digest")-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s\n' "$1" >"$W/stage/who"
  # The document is that commit's, and these programs are those of the current generation.
  [ ! -e "$GENERATIONS/$bu_number/commit" ] || cp -- "$GENERATIONS/$bu_number/commit" "$W/stage/commit" || return 1
  [ ! -e "$FROM/tool" ] || cp -- "$FROM/tool" "$W/stage/tool" || return 1
  printf 'rollback to %s on the host by %s: %s\n' "$bu_number" "$1" "$(summary)" >"$W/stage/summary"
  {
    printf 'id=%s\nnonce=-\nwho=%s\ndeadline=%s\nconfirm=0\nwait=%s\n' "$ID" "$1" "$((1800 + $2))" "$2"
    grep -sE '^(keep|max_age_days|settle)=[0-9]+$' "$BASE/current/meta"
    # The first is also that of units which only the generation of now names.
    printf 'daemon_reload=1\nwaves=%s\n' "$({ printf '0\n' && tr ' ' '\n' <"$TO/way/waves"; } | grep . | sort -nu | paste -s -d ' ')"
  } >"$W/stage/meta"
  : >"$W/stage/complete"
}

summary() { # 3 changes: files 2, units 1
  cut -d "$US" -f 2 "$W/changes" | uniq -c | awk '{ n += $1; list = list (list == "" ? "" : ", ") $2 " " $1 }
    END { if (!n) print "no change"; else print n (n == 1 ? " change: " : " changes: ") list }'
}
