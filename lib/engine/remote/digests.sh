# Digests of files, for whoever compares them with a document: as sha256sum -z prints them. No document can hold 512 MiB
# (a string of the engine cannot), so a larger file is another one without being read, which may take an hour: what stands for
# its digest are 64 decimal digits, of its size and its time.
# shellcheck disable=SC2016 # the inner shell's own variables
FILE_DIGESTS='
file_digests() {
  find "$@" -maxdepth 0 -type f -size -536870912c -print0 2>/dev/null | xargs -0 -r sha256sum -z --
  find "$@" -maxdepth 0 -type f ! -size -536870912c -printf "%s.%Ts  %p\0" 2>/dev/null |
    sed -z "s/^\([0-9]*\)\.-\{0,1\}\([0-9]*\)[^ ]*  /0000000000000000000000000000000000000000000000000000000000000000\1\2  /;s/^[0-9]*\([0-9]\{64\}\)  /\1  /"
}
'
