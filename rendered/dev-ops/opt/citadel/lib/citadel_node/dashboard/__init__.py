"""monitoring_dashboard.py: the node at a glance."""
