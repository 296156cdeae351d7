"""citadel-metrics-exporter: what Prometheus reads of this node."""
