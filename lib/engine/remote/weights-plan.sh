# Asks what would be brought back, and writes nothing. Before weights.sh in the same program.
set -- restore --json --dry-run
