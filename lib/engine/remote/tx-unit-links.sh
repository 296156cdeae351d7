# Which units are enabled, as links below /etc/systemd/system: what they were, what this transaction makes of them, the way back.

# The enablement of all units, as links: exact, and the same for an offline root. The link by which a boot finds the
# way back is not a part of it: it must outlive the undo.
unit_links() { # FILE: written, complete or not at all
  find "$ROOT/etc/systemd/system" -type l ! -name citadel-iac-recover.service -printf '%P\037%l\n' >"$1.found" 2>"$DIR/words" ||
    [ ! -d "$ROOT/etc/systemd/system" ] || return 1
  sort "$1.found" >"$1" && rm -f "$1.found"
}

# What this transaction made of the links, by what stands there when its own steps are over: what others do to them later is
# theirs. undo/links.made and undo/links.gone; undo/links.from: as they were when the step began that is not over.
links_changed() { # FROM
  unit_links "$DIR/undo/links.now" && own_unit_names >"$DIR/undo/links.units" || return 1
  comm -13 "$1" "$DIR/undo/links.now" | own_links >>"$DIR/undo/links.made" &&
    comm -23 "$1" "$DIR/undo/links.now" | own_links >>"$DIR/undo/links.gone"
} 2>"$DIR/words"

own_unit_names() {
  known_units
  cat "$DIR/ops/units" "$DIR/ops/units-before" 2>/dev/null | cut -d "$US" -f 2
}

# While apt works for minutes, others may enable and mask what is no matter of this transaction. Its own are links of its units, and
# with packages those that lead to units of packages.
own_links() { # PATH US TARGET on standard input
  ol_packages=
  [ ! -s "$DIR/ops/packages-install" ] && [ ! -s "$DIR/ops/packages-remove" ] || ol_packages=1
  # shellcheck disable=SC2016 # awk's own variables
  awk -F "$US" -v packages="$ol_packages" '
    function name(path) { sub(/.*\//, "", path); return path }
    FILENAME == ARGV[1] { own[$0]; next }
    name($1) in own || name($2) in own || (packages && $2 ~ /^(\/usr)?\/lib\/systemd\/system\//)' "$DIR/undo/links.units" -
}

# Directories of links that were there before, with something in them or not: undo/links.dirs.
link_directories() {
  [ ! -d "$ROOT/etc/systemd/system" ] || find "$ROOT/etc/systemd/system" -mindepth 1 -type d -printf '%P\n'
} >"$DIR/undo/links.dirs" 2>"$DIR/words"

begin_links() { unit_links "$DIR/undo/links.from"; }

end_links() { links_changed "$DIR/undo/links.from" && rm -f "$DIR/undo/links.from"; }

undo_links() { # the enablement of before, as far as this transaction changed it
  [ -e "$DIR/undo/links" ] || return 0
  if [ -e "$DIR/undo/links.from" ]; then
    end_links || return 1
  elif [ ! -e "$DIR/undo/links.made" ]; then
    # Of a version that knew only how they were before.
    links_changed "$DIR/undo/links" || return 1
  fi
  unit_links "$DIR/undo/links.now" || return 1
  ul_status=0
  sort -u "$DIR/undo/links.made" | comm -12 - "$DIR/undo/links.now" | comm -13 "$DIR/undo/links" - | while IFS=$US read -r ul_path _; do
    rm -f -- "$ROOT/etc/systemd/system/$ul_path" || exit 1
    # A directory "x.target.wants" that only held our link, unless it was there before.
    case $ul_path in
      */*) grep -qsxF -- "${ul_path%/*}" "$DIR/undo/links.dirs" || rmdir -- "$ROOT/etc/systemd/system/${ul_path%/*}" 2>/dev/null ;;
    esac
    true
  done || ul_status=1
  sort -u "$DIR/undo/links.gone" | comm -12 - "$DIR/undo/links" | while IFS=$US read -r ul_path ul_target; do
    # What stands there now, others put there.
    ! exists "$ROOT/etc/systemd/system/$ul_path" || continue
    (umask 022 && mkdir -p -- "$ROOT/etc/systemd/system/$(dirname -- "$ul_path")") &&
      ln -sfn -- "$ul_target" "$ROOT/etc/systemd/system/$ul_path" || exit 1
  done || ul_status=1
  return "$ul_status"
}
