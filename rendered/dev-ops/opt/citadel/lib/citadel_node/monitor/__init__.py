"""citadel-monitor: keeps metrics.json and alerts.json, and restarts models that are up but dead."""
