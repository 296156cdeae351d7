"""generate_monthly_report.py: a month of this node, for people."""
