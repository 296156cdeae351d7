# The generations of a host, read for the way to one of them. Follows common.sh in the same program.
# shellcheck disable=SC2016 # awk's own variables

GENERATIONS=$BASE/generations

on_host() { [ -z "$ROOT" ]; }

numbers() { # of the generations that are kept, oldest first
  find "$GENERATIONS" -mindepth 1 -maxdepth 1 -name '[1-9]*' -printf '%f\n' 2>/dev/null | grep -x '[0-9]*' | sort -n
}

current_generation() { # its number, or nothing
  cg_name=$(readlink "$BASE/current" 2>/dev/null) && printf '%s' "${cg_name##*/}"
}

first_line() { # FILE
  [ ! -e "$1" ] || head -n 1 -- "$1"
}

document() { # GENERATION NAME: of older generations it is compressed
  if [ -e "$GENERATIONS/$1/$2" ]; then cat -- "$GENERATIONS/$1/$2"; else gzip -dc -- "$GENERATIONS/$1/$2.gz"; fi
}

# Of this version of its form: another one is for the programs that wrote it.
has_way() { [ "$(first_line "$GENERATIONS/$1/way/version")" = 1 ]; }

first_with_way() { # the oldest generation of all from which on the host can go by itself
  for fw_number in $(numbers); do
    if has_way "$fw_number"; then
      printf '%s' "$fw_number"
      return
    fi
  done
}

# The contents of files of a generation, from their pieces: texts and values of secrets. Reads paths, one a line; a file
# without contents is empty.
write_contents() { # GENERATION'S-FOLDER FOLDER
  cat >"$W/write.paths" || return 1
  sed "s|^\(.*\)/[^/]*\$|$(printf '%s' "$2" | sed 's/[|\\&]/\\&/g')\1|" "$W/write.paths" | sort -u | tr '\n' '\0' | xargs -0 -r mkdir -p -- || return 1
  while IFS= read -r wc_path; do true >"$2$wc_path" || return 1; done <"$W/write.paths"
  awk -F "$US" -v OFS="$US" 'FNR == NR { want[$1] = 1; next } $1 in want { print ($2 == "text" ? "way/objects/" : "secrets/") $3, $1 }' \
    "$W/write.paths" "$1/way/parts" >"$W/write.parts" || return 1
  while IFS=$US read -r wc_piece wc_path; do
    cat -- "$1/$wc_piece" >>"$2$wc_path" || return 1
  done <"$W/write.parts"
}

lacks() { # GENERATION: what is missing to go to it, one thing a line
  la_dir=$GENERATIONS/$1
  if [ -e "$la_dir/way/version" ] && ! has_way "$1"; then
    printf 'the way to it, for a newer citadel-iac made it\n'
    return
  fi
  if ! has_way "$1"; then
    la_first=$(first_with_way)
    if [ -n "$la_first" ]; then la_first="by itself this host goes to generation $la_first and later ones"; fi
    printf 'the way to it, for an older citadel-iac made it (%s)\n' "${la_first:-by itself this host goes nowhere before the next apply}"
    return
  fi
  [ -e "$la_dir/manifest.json" ] || [ -e "$la_dir/manifest.json.gz" ] || printf 'manifest.json\n'
  {
    find "$la_dir/way/objects" -type f -printf 'there\037text\037%f\n'
    find_values "$la_dir"
  } 2>/dev/null >"$W/there"
  awk -F "$US" '
    $1 == "there" && NF == 3 && FILENAME == ARGV[1] { there[$2, $3] = 1; next }
    ($2, $3) in there { next }
    $2 == "text" { print "the content of " $1; next }
    !($3 in first) { first[$3] = $1; order[++n] = $3; seen[$3, $1] = 1; next }
    !(($3, $1) in seen) { seen[$3, $1] = 1; more[$3]++ }
    END { for (i = 1; i <= n; i++) print "the secret " order[i] ", which " first[order[i]] \
      (more[order[i]] ? " and " more[order[i]] " more" : "") " needs" }' "$W/there" "$la_dir/way/parts" >"$W/lacks"
  awk -F "$US" -v OFS="$US" '
    FILENAME == ARGV[1] { there["text", $3]; next }
    !(("text", $3) in there) { print "the content of the block " $2 " in " $1 }' "$W/there" "$la_dir/way/blocks" >"$W/lacks.blocks"
  cat "$W/lacks" "$W/lacks.blocks"
  [ ! -s "$W/lacks" ] || return 0
  # A value that is damaged makes another file.
  secret_paths "$la_dir" unchanged | content_sums "$la_dir" >"$W/sums" || return 0
  awk -F "$US" '
    FILENAME == ARGV[1] { sum[$1] = $2; next }
    FILENAME == ARGV[2] { if ($2 == "secret" && !(($1, $3) in seen)) { seen[$1, $3]; names[$1] = names[$1] (names[$1] == "" ? "" : ", ") $3 }; next }
    $1 == "files" && $2 in sum && sum[$2] != $7 { print "the content of " $2 " (its secrets: " names[$2] ")" }' \
    "$W/sums" "$la_dir/way/parts" "$la_dir/way/want"
}
