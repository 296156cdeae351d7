# Prints the contents of files as a tar stream; writes nothing. Follows common.sh in the same program.
# Standard input: paths relative to the root ("./etc/x"), each ended by NUL.
# Links are not followed; a path that has gone is an error, because the reader has just seen it.
cd -- "$ROOT/" || exit 1
exec tar --create --file=- --format=pax --pax-option=delete=atime,delete=ctime --no-recursion \
  --null --verbatim-files-from --files-from=-
