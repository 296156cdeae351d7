# The tools of the host, tried out before anything is touched: a set of them in which one behaves otherwise (there are
# rewritten ones) would end a transaction half way, or as it commits.

tool_words() { # COMMAND WHAT
  tw_version=$("$1" --version 2>/dev/null | head -n 1)
  printf '%s of this host (%s, %s) does not do what this tool needs: %s. Install the one of GNU coreutils, tar or mawk.\n' \
    "$1" "$(command -v "$1")" "${tw_version:-it tells no version}" "$2" >"$DIR/words"
}

try_tools() { # in a folder of our own; false, with words, at the first that behaves otherwise
  tt_dir=$DIR/undo/tools
  rm -rf "$tt_dir" && mkdir -p "$tt_dir/one" "$tt_dir/two" 2>"$DIR/words" || return 1
  (cd "$tt_dir" && tools_behave)
  tt_status=$?
  rm -rf "$tt_dir"
  return "$tt_status"
}

# shellcheck disable=SC2015 # whichever part of a line fails, the words are the same
tools_behave() {
  ln -s one current && ln -sfn two current 2>/dev/null && [ "$(readlink current)" = two ] ||
    { tool_words ln 'ln -sfn NEW LINK, where LINK leads to a directory'; return 1; }
  ln -s one next && mv -fT next current 2>/dev/null && [ ! -e next ] && [ "$(readlink current)" = one ] && [ ! -e two/next ] ||
    { tool_words mv 'mv -T LINK LINK, where the second leads to a directory'; return 1; }
  printf 'x' >file && chmod 0640 file && [ "$(stat -c '%a %s %F' -- file 2>/dev/null)" = '640 1 regular file' ] &&
    [ "$(stat -L -c %d -- current)" = "$(stat -c %d -- one)" ] || { tool_words stat 'stat -c FORMAT'; return 1; }
  printf './file\0./current\0' >list && tar -C . --no-recursion --null --verbatim-files-from -T list -cf archive 2>/dev/null &&
    tar -C two -xpf archive 2>/dev/null && cmp -s file two/file && [ "$(readlink two/current)" = one ] ||
    { tool_words tar 'tar --null --verbatim-files-from -T LIST'; return 1; }
  [ "$(printf 'a\037b c\037\n' | TRIED='d\e' awk -F '\037' '{ sub(/c/, "x"); print $2 ENVIRON["TRIED"] NF }' 2>/dev/null)" = 'b xd\e3' ] ||
    { tool_words awk 'fields that end with the byte 0x1f'; return 1; }
  [ "$(printf 'b\0a\0' | sort -z 2>/dev/null | tr '\0' ,)" = a,b, ] || { tool_words sort 'sort -z'; return 1; }
  [ "$(find file -maxdepth 0 -printf '%y\037%m\0' 2>/dev/null | tr '\0\037' ',.')" = f.640, ] || { tool_words find 'find -printf'; return 1; }
  [ "$(printf 'x\0' | sed -z 's/x/y/' 2>/dev/null | tr '\0' ,)" = y, ] || { tool_words sed 'sed -z'; return 1; }
}
