# Brings back what is missing. Before weights.sh in the same program.
set -- restore --json
