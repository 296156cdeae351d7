"""Whether the node is well, area by area."""
