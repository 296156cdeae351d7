# Prints what stands at each path in a form that two runs can be compared by, byte for byte; writes nothing.
# Follows common.sh, digests.sh and acls.sh in the same program.
#
# Standard input: paths relative to the root, each ended by NUL. Standard output: sorted fields ended by NUL, for
# each path that exists one "PATH<US>KIND<US>…" (files and directories: owner, group and mode in numbers; links:
# target), for each file one "PATH<US>sha256<US>DIGEST", and "PATH<US>acl" where it has such a list. observe/expectation.ts makes the same from a plan.
exec 3>&1
# shellcheck disable=SC2016
FACTS=$FILE_DIGESTS$FILES_WITH_ACL'
find "$@" -maxdepth 0 \( -type l -printf "%p\037l\037%l\0" -o \( -type f -o -type d \) \
  -printf "%p\037%y\037%U\037%G\037%m\0" -o -printf "%p\037o\037%U\037%G\037%m\0" \) 2>/dev/null
file_digests "$@" |
  sed -z "s/^\([0-9a-f]*\)  \(.*\)\$/\2$US""sha256$US\1/"
files_with_acl "$@" | sed -z "s/\$/$US""acl/"
exit 0'
export US
cd -- "$ROOT/" && xargs -0 -r sh -c "$FACTS" citadel-expect | sort -z
