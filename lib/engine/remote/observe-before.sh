# What stood at paths that leave before us, and whose they are. Follows common.sh; observe.sh, which follows in the same
# program, has field, each and LOOK.

# Whether GENERATION named the path whose form as a key of its index is KEY.
named() { # GENERATION KEY
  if [ -e "$BASE/generations/$1/index.json" ]; then
    grep -qF -- "$2:{" "$BASE/generations/$1/index.json"
  else
    gzip -dc -- "$BASE/generations/$1/index.json.gz" 2>/dev/null | grep -qF -- "$2:{"
  fi
}

# Older versions of this tool kept no originals. What stood at a path before the first generation that named it is in
# what that generation's undo kept; if it was equal then, in what the first one that changed it kept.
from_undo() { # PATH: a line "original PATH COPY" or "made PATH", or nothing when that can no longer be told
  fu_key=\"$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')\"
  fu_current=$(readlink -- "$BASE/current") && fu_current=${fu_current##*/} || return 0
  fu_at=$fu_current
  while [ "$fu_at" -gt 1 ]; do
    [ -d "$BASE/generations/$((fu_at - 1))" ] || return 0
    named "$((fu_at - 1))" "$fu_key" || break
    fu_at=$((fu_at - 1))
  done
  fu_first=$fu_at
  while [ "$fu_at" -le "$fu_current" ] && [ -e "$BASE/generations/$fu_at/undo/a.saved" ]; do
    for fu_undo in "$BASE/generations/$fu_at/undo/a" "$BASE/generations/$fu_at/undo/b"; do
      if [ -f "$fu_undo.tree$1" ] || [ -L "$fu_undo.tree$1" ]; then
        printf '%s\n' "original$US$1$US${fu_undo#"$ROOT"}.tree$1"
        return 0
      fi
      if [ -e "$fu_undo.tree$1" ] || ! grep -qsxF -- "$1" "$fu_undo.absent"; then continue; fi
      [ "$fu_at" != "$fu_first" ] || printf '%s\n' "made$US$1"
      return 0
    done
    fu_at=$((fu_at + 1))
  done
}

copies() { # reads paths, one a line; UNMARKED has those of which an older generation must tell
  co_made=$NL$(cat -- "$BASE/parents" 2>/dev/null)$NL
  co_known=$NL$(find "$BASE/originals" -mindepth 2 -maxdepth 2 -name path -exec cat {} + 2>/dev/null)$NL
  while IFS= read -r co_path; do
    co_path=${co_path#.}
    case $co_made in *"$NL$co_path$NL"*) printf '%s\n' "made$US$co_path" ;; esac
    # A process only for what may be kept: there may be many paths.
    if [ -z "$UNMARKED" ]; then case $co_known in *"$NL$co_path$NL"*) ;; *) continue ;; esac; fi
    co_id=$(printf '%s' "$co_path" | sha256sum)
    co_copy=$BASE/originals/${co_id%% *}/copy
    if [ -e "$co_copy" ] || [ -L "$co_copy" ]; then
      printf '%s\n' "original$US$co_path$US${co_copy#"$ROOT"}"
    elif [ -e "${co_copy%copy}made" ]; then
      printf '%s\n' "made$US$co_path"
    else
      case $NL$UNMARKED$NL in *"$NL.$co_path$NL"*) from_undo "$co_path" ;; esac
    fi
  done
}

# A line "PACKAGE, PACKAGE: PATH" for each path that dpkg knows; others have none, and neither has a root without dpkg.
owners() { # reads paths, one a line
  if ! command -v dpkg-query >/dev/null || [ ! -d "$ROOT/var/lib/dpkg" ]; then
    cat >/dev/null
    return
  fi
  sed -e 's/^\.//' -e 's/[][*?\\]/\\&/g' | tr '\n' '\0' |
    xargs -0 -r dpkg-query --admindir="$ROOT/var/lib/dpkg" -S -- 2>/dev/null | grep -v '^diversion by '
}

before() { # BYTES BYTES: what stood at paths before us
  be_paths=$(head -c "$1" | tr '\0' '\n')
  UNMARKED=$(head -c "$2" | tr '\0' '\n')
  be_copies=$(printf '%s\n' "$be_paths" | copies)
  printf '%s\n' "$be_copies" | while IFS=$US read -r be_tag be_path be_copy; do
    case $be_tag in
      original) field original "$be_path" "$be_copy" ;;
      made) field made "$be_path" ;;
    esac
  done
  printf '%s\n' "$be_copies" | sed -n "s/^original$US.*$US/./p" | tr '\n' '\0' | FILES=1 each 1000000000 "$LOOK"
  printf '%s\n' "$be_paths" | owners | while IFS= read -r be_line; do
    field owner "${be_line#*: }" "${be_line%%: *}"
  done
}
