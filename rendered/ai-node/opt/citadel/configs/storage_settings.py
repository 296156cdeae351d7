# Settings of this node, made from the inventory: a change here is undone by the next deployment.

NODE = {"name": "ai-node", "address": "192.168.10.35", "account": "agent0"}

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
    {"path": "/mnt/citadel-backup", "source": "/dev/sda1", "type": "ext4", "size_gib": 7200.0},
    {"path": "/mnt/citadel-models", "source": "/dev/nvme1n1p1", "type": "ext4", "size_gib": 3500.0},
]

DIRECTORIES = [
    {"path": "/mnt/citadel-backup", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-backup/logs", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-backup/models", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {
        "path": "/mnt/citadel-backup/models/archive",
        "owner": "agent0",
        "group": "agent0",
        "mode": "0755",
    },
    {
        "path": "/mnt/citadel-backup/models/daily",
        "owner": "agent0",
        "group": "agent0",
        "mode": "0755",
    },
    {
        "path": "/mnt/citadel-backup/models/monthly",
        "owner": "agent0",
        "group": "agent0",
        "mode": "0755",
    },
    {
        "path": "/mnt/citadel-backup/models/weekly",
        "owner": "agent0",
        "group": "agent0",
        "mode": "0755",
    },
    {"path": "/mnt/citadel-backup/system", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {
        "path": "/mnt/citadel-backup/system/configs",
        "owner": "agent0",
        "group": "agent0",
        "mode": "0750",
    },
    {
        "path": "/mnt/citadel-backup/system/snapshots",
        "owner": "agent0",
        "group": "agent0",
        "mode": "0750",
    },
    {"path": "/mnt/citadel-backup/temp", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-models", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-models/active", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-models/archive", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-models/cache", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-models/downloads", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/mnt/citadel-models/staging", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/opt/citadel", "owner": "root", "group": "root", "mode": "0755"},
    {"path": "/opt/citadel/configs", "owner": "root", "group": "root", "mode": "0755"},
    {"path": "/opt/citadel/lib", "owner": "root", "group": "root", "mode": "0755"},
    {"path": "/opt/citadel/logs", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/opt/citadel/logs/monitoring", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/opt/citadel/logs/reports", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/opt/citadel/monitoring", "owner": "root", "group": "root", "mode": "0755"},
    {
        "path": "/opt/citadel/monitoring/dashboards",
        "owner": "root",
        "group": "root",
        "mode": "0755",
    },
    {"path": "/opt/citadel/scripts", "owner": "root", "group": "root", "mode": "0755"},
    {"path": "/var/lib/citadel", "owner": "agent0", "group": "agent0", "mode": "0755"},
    {"path": "/var/lib/citadel/baselines", "owner": "agent0", "group": "agent0", "mode": "0755"},
]

LINKS = [
    {"path": "/mnt/citadel-models/active/coder", "target": "deepseek-coder-14b-instruct-v1.5"},
    {"path": "/mnt/citadel-models/active/hermes", "target": "Nous-Hermes-2-Mixtral-8x7B-DPO"},
    {"path": "/mnt/citadel-models/active/mixtral", "target": "Mixtral-8x7B-Instruct-v0.1"},
    {"path": "/mnt/citadel-models/active/openchat", "target": "openchat-3.5-1210"},
    {"path": "/mnt/citadel-models/active/phi3", "target": "Phi-3-mini-128k-instruct"},
    {"path": "/mnt/citadel-models/active/vision", "target": "imp-v1_5-7b"},
    {"path": "/mnt/citadel-models/active/yi34b", "target": "Yi-34B-Chat"},
    {"path": "/opt/citadel/models", "target": "/mnt/citadel-models/active"},
]

GPUS = [
    {"index": 0, "memory_gib": 80.0, "power_limit_watts": None},
    {"index": 1, "memory_gib": 80.0, "power_limit_watts": None},
]

MODELS = {
    "coder": {
        "unit": "citadel-coder.service",
        "port": 11405,
        "directory": "deepseek-coder-14b-instruct-v1.5",
        "path": "/mnt/citadel-models/active/deepseek-coder-14b-instruct-v1.5",
        "served_name": "coder",
        "gpus": [1],
        "gpu_memory_utilization": 0.19,
        "start": "boot",
        "load_timeout_sec": 420,
        "weights_gib": 9.0,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "hermes": {
        "unit": "citadel-hermes.service",
        "port": 11401,
        "directory": "Nous-Hermes-2-Mixtral-8x7B-DPO",
        "path": "/mnt/citadel-models/active/Nous-Hermes-2-Mixtral-8x7B-DPO",
        "served_name": "hermes",
        "gpus": [0],
        "gpu_memory_utilization": 0.38,
        "start": "boot",
        "load_timeout_sec": 540,
        "weights_gib": 23.0,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "mixtral": {
        "unit": "citadel-mixtral.service",
        "port": 11400,
        "directory": "Mixtral-8x7B-Instruct-v0.1",
        "path": "/mnt/citadel-models/active/Mixtral-8x7B-Instruct-v0.1",
        "served_name": "mixtral",
        "gpus": [0],
        "gpu_memory_utilization": 0.38,
        "start": "boot",
        "load_timeout_sec": 540,
        "weights_gib": 23.0,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "openchat": {
        "unit": "citadel-openchat.service",
        "port": 11402,
        "directory": "openchat-3.5-1210",
        "path": "/mnt/citadel-models/active/openchat-3.5-1210",
        "served_name": "openchat",
        "gpus": [1],
        "gpu_memory_utilization": 0.24,
        "start": "boot",
        "load_timeout_sec": 480,
        "weights_gib": 13.5,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "phi3": {
        "unit": "citadel-phi3.service",
        "port": 11403,
        "directory": "Phi-3-mini-128k-instruct",
        "path": "/mnt/citadel-models/active/Phi-3-mini-128k-instruct",
        "served_name": "phi3",
        "gpus": [0],
        "gpu_memory_utilization": 0.19,
        "start": "boot",
        "load_timeout_sec": 420,
        "weights_gib": 7.2,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "vision": {
        "unit": "citadel-vision.service",
        "port": 11500,
        "directory": "imp-v1_5-7b",
        "path": "/mnt/citadel-models/active/imp-v1_5-7b",
        "served_name": "vision",
        "gpus": [1],
        "gpu_memory_utilization": 0.22,
        "start": "boot",
        "load_timeout_sec": 480,
        "weights_gib": 14.0,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
    },
    "yi34b": {
        "unit": "citadel-yi34b.service",
        "port": 11404,
        "directory": "Yi-34B-Chat",
        "path": "/mnt/citadel-models/active/Yi-34B-Chat",
        "served_name": "yi34b",
        "gpus": [1],
        "gpu_memory_utilization": 0.3,
        "start": "boot",
        "load_timeout_sec": 540,
        "weights_gib": 18.0,
        "api_key_file": None,
        "conflicts": [],
        "probe": "completion",
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
    "daily": {"keep": 7, "max_age_sec": 109440},
    "weekly": {"keep": 4, "max_age_sec": 757440},
    "monthly": {"keep": 12, "max_age_sec": 3349440},
    "configs": {"keep": 96, "max_age_sec": 3600},
    "verify": {"max_age_sec": 781680},
    "cleanup_days": 30,
    "archive_days": 30,
    "compression_level": 3,
    "config_sources": [
        "/etc/cron.d",
        "/etc/default/prometheus-node-exporter",
        "/etc/fstab",
        "/etc/logrotate.d",
        "/etc/nftables.conf",
        "/etc/polkit-1/rules.d",
        "/etc/sudoers.d",
        "/etc/systemd/system",
        "/opt/citadel/configs",
    ],
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
    "gpu_temperature_celsius": {"warning": 80.0, "critical": 90.0},
}

ENDPOINTS = {
    "prometheus": "http://192.168.10.36:9090",
    "alertmanager": "http://192.168.10.36:9093",
    "grafana": "http://192.168.10.36:3000",
}

DEPLOY = {"first_model": "phi3"}
