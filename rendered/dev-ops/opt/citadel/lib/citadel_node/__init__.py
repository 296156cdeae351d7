"""What the programs of the node share. They live in /opt/citadel/scripts and /usr/local/bin."""
