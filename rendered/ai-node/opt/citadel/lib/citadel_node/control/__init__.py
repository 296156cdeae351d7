"""The `citadel` command: starting, stopping and looking."""
