# Which files have an access control list, for whoever compares them with a document, which says of a file no more than its
# owner, group and mode: a list lets others in besides. ls(1) marks it, and needs no package that a host may lack.
#
# Not in a directory that has a list itself: it may give one to any file that is written there (setfacl -d).
# shellcheck disable=SC2016 # the inner shell's own variables
FILES_WITH_ACL='
files_with_acl() {
  ls -ldn --zero --time-style=+ -- "$@" 2>/dev/null |
    sed -z -n "s/^-.\{9\}+ *[0-9]* *[0-9]* *[0-9]* *[0-9]* *//p" | tr "\0" "\n" | while IFS= read -r file; do
      case $(ls -ldn -- "${file%/*}/" 2>/dev/null) in ??????????+*) ;; *) printf "%s\0" "$file" ;; esac
    done
}
'
