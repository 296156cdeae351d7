"""Going back: stopping everything, and the generations and backups of this host's configuration."""
