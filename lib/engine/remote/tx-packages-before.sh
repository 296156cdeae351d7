# What apt would not do, or would do to packages that no one named, by its own simulation as it will be run: known before
# anything is touched. ops/packages-install: NAME VERSION SOURCE; ops/packages-remove: NAME, and "absent" where that is declared.

# CERTAIN: new lists of packages would not help.
CERTAIN=
foresee_packages() {
  on_host || return 0
  [ -s "$DIR/ops/packages-install" ] || [ -s "$DIR/ops/packages-remove" ] || return 0
  ITEM=
  [ ! -s "$DIR/ops/packages-hold" ] || MAY_CHANGE_HELD=true
  dpkg_is_whole && none_is_held && foresee_install && foresee_removal
}

package_names() { # FILE...: of ops/, one a line
  cat -- "$@" | cut -d "$US" -f 1
}

advise() { # TEXT...: lines after apt's own
  printf '%s\n' "$@" >>"$DIR/words"
}

# apt-get check waits for another dpkg, as every run of apt does, and refuses where dpkg was interrupted. What else it finds
# (dependencies that are broken, sources that cannot be read) this very transaction may put right: the simulations tell.
dpkg_is_whole() {
  if ! apt check && grep -q -e 'dpkg was interrupted' -e '^E: .* lock' "$DIR/words"; then return 1; fi
  package_names "$DIR/ops/packages-install" "$DIR/ops/packages-remove" | sed 's/:.*//' | sort >"$DIR/words.named"
  # shellcheck disable=SC2016 # dpkg-query's own variables
  dw_unfinished=$(dpkg-query -W -f '${Package} ${db:Status-Status} ${db:Status-Eflag}\n' 2>/dev/null |
    awk -v named="$DIR/words.named" '
      BEGIN { while ((getline name < named) > 0) ours[name] }
      ($2 !~ /^(installed|config-files|not-installed|triggers-awaited|triggers-pending)$/ || $3 == "reinstreq") && !($1 in ours) {
        list = list (list == "" ? "" : ", ") $1 " (" $2 ")" }
      END { print list }')
  [ -n "$dw_unfinished" ] || return 0
  printf 'dpkg has not finished %s on this host, and apt would go on with that in this apply.\n' "$dw_unfinished" >"$DIR/words"
  advise 'Finish it first: dpkg --configure -a (what is wrong is told by: dpkg --audit). For what cannot be: apt-get --fix-broken install'
  return 1
}

held_advice() { # NAMES
  printf 'held on this host (apt-mark hold), and this apply would change or remove it: %s\n' "$1" >"$DIR/words"
  advise "To let it: apt-mark unhold $1. To keep it as it is, take the change out of the document."
}

not_ours_to_hold() { # of names on standard input
  [ -s "$DIR/ops/packages-hold" ] || { cat && return; }
  package_names "$DIR/ops/packages-hold" >"$DIR/words.ours"
  grep -vxF -f "$DIR/words.ours" || true
}

none_is_held() { # of those that are to change or go
  # shellcheck disable=SC2016
  dpkg-query -W -f '${db:Status-Want} ${db:Status-Status} ${Package}\n${db:Status-Want} ${db:Status-Status} ${Package}:${Architecture}\n' 2>/dev/null |
    sed -n 's/^hold installed //p' | sort -u >"$DIR/words.held"
  nh_held=$(package_names "$DIR/ops/packages-install" "$DIR/ops/packages-remove" | sort -u | comm -12 - "$DIR/words.held" | not_ours_to_hold | paste -s -d ' ')
  [ -n "$nh_held" ] || return 0
  ITEM=${nh_held%% *}
  held_advice "$nh_held"
  return 1
}

# After a simulation that failed: whether it did for packages that are held, and words that say which.
is_for_held() {
  ih_held=$(sed -n '/^The following held packages will be changed:/,/^[^ ]/s/^  *//p' "$DIR/words" | tr -s ' \n' '  ')
  ih_held=${ih_held% }
  if [ -n "$ih_held" ]; then
    held_advice "$ih_held"
    return 0
  fi
  ! grep -q 'held packages' "$DIR/words" || [ ! -s "$DIR/words.held" ] ||
    advise "Held on this host: $(grep -v : "$DIR/words.held" | paste -s -d ' '). To let one change: apt-mark unhold NAME"
  return 1
}

# What goes by a simulation of apt's without leaving the configuration: names. It was never managed, or is still wanted.
others_that_go() { others_with '^Remv '; }

# By that of a removal, also what would come or be upgraded in exchange.
others_in_removal() { others_with -e '^Remv ' -e '^Inst '; }

others_with() { # PATTERN...
  grep "$@" "$DIR/words" | sed 's/^[A-Za-z]* \([^ :]*\).*/\1/' | sort -u >"$DIR/words.go"
  package_names "$DIR/ops/packages-remove" | sed 's/:.*//' | sort -u | comm -13 - "$DIR/words.go" | paste -s -d ' '
}

package_words() { # sets PACKAGES: one line for each package, as apt-get takes it
  PACKAGES=
  while IFS=$US read -r pw_name pw_version pw_source; do
    if [ -n "$pw_source" ]; then
      PACKAGES="$PACKAGES$pw_source$NL"
    else
      PACKAGES="$PACKAGES$pw_name${pw_version:+=$pw_version}$NL"
    fi
  done <"$DIR/ops/packages-install"
}

apt_lines() { # WORD...: apt-get with these words and the lines of PACKAGES
  # shellcheck disable=SC2086 # one word for each line, and no pattern
  (IFS=$NL && set -f && "$@" -- $PACKAGES)
}

simulate_install() { # of the lines of PACKAGES
  CERTAIN=
  if ! apt_lines apt install -s --allow-downgrades; then
    if is_for_held || is_for_virtual; then CERTAIN=1; fi
    return 1
  fi
  si_held=$(sed -n '/^The following held packages will be changed:/,/^[^ ]/s/^  *//p' "$DIR/words" | tr -s ' ' '\n' | grep . | not_ours_to_hold | paste -s -d ' ')
  if [ -n "$si_held" ]; then
    CERTAIN=1
    held_advice "$si_held"
    return 1
  fi
  si_others=$(others_that_go)
  if [ -n "$si_others" ]; then
    CERTAIN=1
    printf 'apt would remove what stays in the configuration or was never in it: %s\nIf it is to go, say so: AptPackage with state "absent" (in a manifest: "packages": { "%s": { "state": "absent" } }).\n' \
      "$si_others" "${si_others%% *}" >"$DIR/words"
    return 1
  fi
  each_by_its_name || { CERTAIN=1 && return 1; }
}

# A virtual package is none: what provides it would be installed in its stead, the document would never come true, and nothing
# would take the provider away again.
each_by_its_name() { # after a simulation that succeeded
  while IFS=$US read -r en_name en_version en_source <&3; do
    ! grep -q "^Inst ${en_name%:*}\\(:[a-z0-9]*\\)\\{0,1\\} " "$DIR/words" || continue
    # shellcheck disable=SC2016
    ! dpkg-query -W -f '${db:Status-Status}\n' -- "$en_name" 2>/dev/null | grep -q -x -e installed -e 'triggers-.*' -e half-configured -e unpacked ||
      continue
    ITEM=$en_name
    if [ -n "$en_source" ]; then
      printf '%s holds the package %s. Name it so in the document, not %s.\n' "$en_source" "$(dpkg-deb -f "$en_source" Package 2>/dev/null)" "$en_name" >"$DIR/words"
    else
      virtual_words "$en_name"
    fi
    return 1
  done 3<"$DIR/ops/packages-install"
}

providers() { # NAME: of a virtual package, one a line; of others nothing
  apt-cache showpkg -- "$1" 2>/dev/null | awk '
    /^Versions:/ { part = "versions"; next } /^Reverse Provides:/ { part = "provides"; next } /^[A-Z][A-Za-z ]*:/ { part = ""; next }
    part == "versions" && NF { real = 1 } part == "provides" && NF && !($1 in seen) { seen[$1]; print $1 }
    END { if (real) exit 1 }' >"$DIR/words.provide" && cat "$DIR/words.provide"
}

virtual_words() { # NAME
  vw_all=$(providers "$1" | paste -s -d ' ' | sed 's/ /, /g')
  printf '%s is a virtual package, which others provide. Name the one that is meant instead: %s\n' "$1" "${vw_all:-apt-cache showpkg $1}" >"$DIR/words"
}

is_for_virtual() { # after a simulation that failed: whether one of the names is provided by several
  while IFS=$US read -r iv_name _ iv_source <&3; do
    if [ -n "$iv_source" ] || ! grep -q "^Package ${iv_name%:*} is a virtual package provided by" "$DIR/words"; then continue; fi
    ITEM=$iv_name
    virtual_words "$iv_name"
    return 0
  done 3<"$DIR/ops/packages-install"
  return 1
}

with_new_lists() { # COMMAND...: once more with new lists where these may help: they may be old, or absent on a new host
  "$@" && return 0
  [ -z "$CERTAIN" ] || return 1
  cp "$DIR/words" "$DIR/words.install"
  # If they cannot be had, the first words say more than the second.
  if ! apt update; then
    cat "$DIR/words.install" "$DIR/words" >"$DIR/words.all"
    cp "$DIR/words.all" "$DIR/words"
    return 1
  fi
  "$@"
}

# Where apt's own configuration changes in this transaction, its answer of now says little; it is asked again when that stands.
changes_apt() {
  grep -q "^[a-z]*$US/etc/apt/" "$DIR/ops/paths-a"
}

foresee_install() {
  [ -s "$DIR/ops/packages-install" ] && ! changes_apt || return 0
  ITEM=$(package_names "$DIR/ops/packages-install" | head -n 1)
  package_words
  with_new_lists fetch_packages
}

# Into apt's cache: that a mirror does not have what its list says, or cannot be reached, is known by trying.
fetch_packages() {
  simulate_install && apt_lines apt install --download-only --allow-downgrades
}

is_unwanted() { # NAME: whether it is declared absent
  grep -qxF -- "$1${US}absent" "$DIR/ops/packages-remove"
}

# Sets LEAVING: of what is to go, that which nothing else needs. STAYING: "NAME, because others need it: ...", one a line.
leaving_packages() {
  STAYING=
  LEAVING=$(package_names "$DIR/ops/packages-remove")
  # shellcheck disable=SC2086 # package names have no white space
  if apt remove -s -- $LEAVING && [ -z "$(others_in_removal)" ]; then return 0; fi
  lp_all=$LEAVING
  LEAVING=
  for ITEM in $lp_all; do
    lp_others=
    if apt remove -s -- "$ITEM"; then
      lp_others=$(others_in_removal)
    else
      # Those that need it may be held: then nothing can be found by which it could go.
      cp "$DIR/words" "$DIR/words.remove"
      ! apt remove -s -o APT::Ignore-Hold=true --allow-change-held-packages --allow-remove-essential -- "$ITEM" ||
        lp_others=$(others_in_removal)
      cp "$DIR/words.remove" "$DIR/words"
      if [ -z "$lp_others" ]; then
        is_for_held || advise "apt does not remove $ITEM. Leave it in the document, or remove it by hand if it is to go."
        return 1
      fi
    fi
    if [ -z "$lp_others" ]; then
      LEAVING="$LEAVING $ITEM"
    elif is_unwanted "$ITEM"; then
      printf '%s is to be absent, and what stays on this host needs it: %s\n' "$ITEM" "$lp_others" >"$DIR/words"
      advise "If that is to go as well, declare it absent too. Otherwise take $ITEM out of the document."
      return 1
    else
      STAYING="$STAYING$ITEM stays, because others need it: $lp_others$NL"
    fi
  done
}

# Before what comes has come. It may be what needs one that is to be absent no longer: then both are simulated together.
foresee_removal() {
  [ -s "$DIR/ops/packages-remove" ] || return 0
  if leaving_packages || changes_apt; then return 0; fi
  [ -s "$DIR/ops/packages-install" ] && is_unwanted "$ITEM" || return 1
  cp "$DIR/words" "$DIR/words.leaving"
  package_words
  PACKAGES=$PACKAGES$(sed -n "s/${US}absent\$/-/p" "$DIR/ops/packages-remove")$NL
  if apt_lines apt install -s --allow-downgrades && [ -z "$(others_that_go)" ]; then return 0; fi
  cp "$DIR/words.leaving" "$DIR/words"
  return 1
}
