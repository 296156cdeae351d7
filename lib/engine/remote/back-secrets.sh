# Which value a secret comes back with: that of the newest generation which has it, because one that was rotated since is no longer
# good, or, with --old-secrets, the one that it had then.
# $W/renewed: NAME US GENERATION of secrets of the generation that was looked at last whose value is not the one of then.
# shellcheck disable=SC2016 # awk's own variables

secret_names() { # GENERATION
  sed -n "s/^[^$US]*${US}secret$US\(.*\)/\1/p" "$1/way/parts" | sort -u
}

value_of() { # NAME GENERATION: sets VALUE to a file, or to nothing
  VALUE=
  if [ -n "${OLD_SECRETS-}" ]; then
    [ ! -f "$2/secrets/$1" ] || VALUE=$2/secrets/$1
    return 0
  fi
  for vo_number in $(numbers); do
    [ ! -f "$GENERATIONS/$vo_number/secrets/$1" ] || VALUE=$GENERATIONS/$vo_number/secrets/$1
  done
}

find_values() { # GENERATION: prints a record of each secret that can be had, and writes down those that are others by now
  : >"$W/renewed"
  secret_names "$1" >"$W/secret.names"
  while IFS= read -r fv_name; do
    value_of "$fv_name" "$1"
    [ -n "$VALUE" ] || continue
    printf 'there%ssecret%s%s\n' "$US" "$US" "$fv_name"
    if ! cmp -s -- "$VALUE" "$1/secrets/$fv_name"; then
      fv_from=${VALUE%/secrets/*}
      printf '%s%s%s\n' "$fv_name" "$US" "${fv_from##*/}" >>"$W/renewed"
    fi
  done <"$W/secret.names"
}

secret_paths() { # GENERATION unchanged|renewed: files whose values are all those of then, or the others
  awk -F "$US" -v which="$2" '
    FILENAME == ARGV[1] { renewed[$1]; next }
    $2 == "secret" { path[$1]; if ($3 in renewed) new[$1] }
    END { for (one in path) if ((one in new) == (which == "renewed")) print one }' "$W/renewed" "$1/way/parts" | sort
}

content_sums() { # GENERATION: of files with secrets, whose paths are on standard input
  rm -rf "$W/proof"
  write_contents "$1" "$W/proof" || return 1
  while IFS= read -r cs_path; do
    cs_sum=$(sha256sum <"$W/proof$cs_path") && printf '%s%s%s\n' "$cs_path" "$US" "${cs_sum%% *}" || return 1
  done <"$W/write.paths"
  rm -rf "$W/proof"
}

# Makes TO a copy of that generation in which the secrets have the values of now: digests of the files that they are in
# change with them.
renew_secrets() {
  [ -s "$W/renewed" ] || return 0
  rs_to=$W/to/${TO##*/}
  mkdir -p "$rs_to/secrets" && cp -R -- "$TO/way" "$rs_to/" && cp -- "$TO/digest" "$rs_to/" || return 1
  while IFS= read -r rs_name; do
    value_of "$rs_name" "$TO"
    cp -- "$VALUE" "$rs_to/secrets/$rs_name" || return 1
  done <"$W/secret.names"
  secret_paths "$TO" renewed | content_sums "$rs_to" >"$W/sums" || return 1
  for rs_file in want items after; do
    awk -F "$US" -v OFS="$US" -v file="$rs_file" '
      FILENAME == ARGV[1] { sum[$1] = $2; next }
      !($2 in sum) { print; next }
      file == "want" && $1 == "files" || file == "after" && $1 == "path" { $7 = sum[$2] }
      file == "items" && $1 == "files" { sub(/"sha256":"[0-9a-f]*"/, "\"sha256\":\"" sum[$2] "\"") }
      { print }' "$W/sums" "$TO/way/$rs_file" >"$rs_to/way/$rs_file" || return 1
  done
  TO=$rs_to
}
