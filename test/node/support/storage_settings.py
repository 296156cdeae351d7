# The settings of a node as the inventory's example renders them. For tests: paths and ports are replaced.

NODE = {"name": "ai-node", "address": "192.168.10.35", "account": "agent0", "readers": "citadel-models"}

PATHS = {
    "root": "/opt/citadel",
    "configs": "/opt/citadel/configs",
    "scripts": "/opt/citadel/scripts",
    "logs": "/opt/citadel/logs",
    "monitoring_logs": "/opt/citadel/logs/monitoring",
    "dashboards": "/opt/citadel/monitoring/dashboards",
    "environment": "/opt/citadel/vllm-env",
    "models_link": "/opt/citadel/models",
    "models_disk": "/mnt/citadel-models",
    "active": "/mnt/citadel-models/active",
    "staging": "/mnt/citadel-models/staging",
    "state": "/var/lib/citadel",
    "textfiles": "/var/lib/prometheus/node-exporter",
    "generations": "/var/lib/citadel-iac",
}

MOUNTS = [
    {"path": "/mnt/citadel-models", "source": "/dev/nvme1n1p1", "type": "ext4", "size_gib": 3500.0},
    {"path": "/mnt/citadel-backup", "source": "LABEL=citadel-backup", "type": "ext4", "size_gib": None},
]

DIRECTORIES = [
    {"path": "/mnt/citadel-models/active", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-models/staging", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-backup/models/daily", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/opt/citadel/logs", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/opt/citadel/logs/monitoring", "owner": "agent0", "group": "agent0", "mode": "0755"},
]

LINKS = [
    {"path": "/opt/citadel/models", "target": "/mnt/citadel-models/active"},
    {"path": "/mnt/citadel-models/active/mixtral", "target": "Mixtral-8x7B-Instruct-v0.1"},
    {"path": "/mnt/citadel-models/active/phi3", "target": "Phi-3-mini-128k-instruct"},
    {"path": "/mnt/citadel-models/active/vision", "target": "imp-v1_5-7b"},
]

GPUS = [
    {"index": 0, "memory_gib": 80.0, "power_limit_watts": 300.0},
    {"index": 1, "memory_gib": 80.0, "power_limit_watts": None},
]

MODELS = {
    "mixtral": {
        "unit": "citadel-mixtral.service",
        "account": "citadel-model-mixtral",
        "port": 11400,
        "directory": "Mixtral-8x7B-Instruct-v0.1",
        "path": "/mnt/citadel-models/active/Mixtral-8x7B-Instruct-v0.1",
        "served_name": "mixtral",
        "gpus": [0, 1],
        "gpu_memory_utilization": 0.38,
        "start": "boot",
        "load_timeout_sec": 1800,
        "weights_gib": 23.0,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "phi3": {
        "unit": "citadel-phi3.service",
        "account": "citadel-model-phi3",
        "port": 11403,
        "directory": "Phi-3-mini-128k-instruct",
        "path": "/mnt/citadel-models/active/Phi-3-mini-128k-instruct",
        "served_name": "phi3",
        "gpus": [0],
        "gpu_memory_utilization": 0.19,
        "start": "boot",
        "load_timeout_sec": 900,
        "weights_gib": 7.2,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "vision": {
        "unit": "citadel-vision.service",
        "account": "citadel-model-vision",
        "port": 11500,
        "directory": "imp-v1_5-7b",
        "path": "/mnt/citadel-models/active/imp-v1_5-7b",
        "served_name": "vision",
        "gpus": [1],
        "gpu_memory_utilization": 0.22,
        "start": "manual",
        "load_timeout_sec": 900,
        "weights_gib": None,
        "api_key_file": None,
        "conflicts": ["citadel-phi3.service"],
        "probe": "none",
    },
}

UNITS = {
    "all": "citadel-ai.target",
    "models": "citadel-models.target",
    "storage": "citadel-storage.service",
    "gpu": "citadel-gpu.service",
    "monitor": "citadel-monitor.service",
    "exporter": "citadel-metrics-exporter.service",
    "node_exporter": "prometheus-node-exporter.service",
}

BACKUP = {
    "directory": "/mnt/citadel-backup",
    "metadata": "/mnt/citadel-backup/backup_metadata.json",
    "daily": {"keep": 7, "max_age_sec": 108000},
    "weekly": {"keep": 4, "max_age_sec": 700000},
    "monthly": {"keep": 12, "max_age_sec": 3000000},
    "configs": {"keep": 96, "max_age_sec": 3600},
    "verify": {"max_age_sec": 700000},
    "cleanup_days": 30,
    "archive_days": 30,
    "compression_level": 3,
    "config_sources": ["/etc/fstab", "/opt/citadel/configs"],
}

EXPORTER = {"port": 8000, "health_port": 8001, "probe_interval_sec": 30}

MONITOR = {
    "interval_sec": 15,
    "keep_metrics": 2880,
    "keep_alerts": 1000,
    "restart_after_failures": 3,
    "restarts_per_hour": 3,
}

THRESHOLDS = {
    "cpu_percent": {"warning": 80.0, "critical": 95.0},
    "memory_percent": {"warning": 85.0, "critical": 95.0},
    "disk_percent": {"warning": 80.0, "critical": 90.0},
    "gpu_temperature_celsius": {"warning": 83.0, "critical": 90.0},
    "smart_used_percent": 90.0,
}

ENDPOINTS = {
    "prometheus": "http://192.168.10.36:9090",
    "alertmanager": "http://192.168.10.36:9093",
    "grafana": "http://192.168.10.36:3000",
}

DEPLOY = {"first_model": "phi3"}
