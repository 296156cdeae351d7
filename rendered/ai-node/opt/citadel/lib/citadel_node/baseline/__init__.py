"""performance_baseline.py: how fast this node is, and whether it was faster."""
