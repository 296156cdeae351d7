"""The settings of the node: /opt/citadel/configs/storage_settings.py, checked, as frozen dataclasses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from citadel_node.literals import Literal, SettingsError, read_assignments
from citadel_node.thresholds import Thresholds, read_thresholds

__all__ = [
    "Backup",
    "Directory",
    "Endpoints",
    "Exporter",
    "Gpu",
    "Link",
    "Model",
    "Monitor",
    "Mount",
    "Node",
    "Paths",
    "Retention",
    "Settings",
    "SettingsError",
    "Units",
    "load",
    "settings_file",
]

DEFAULT_FILE = Path("/opt/citadel/configs/storage_settings.py")
_SECTIONS = [
    "NODE",
    "PATHS",
    "MOUNTS",
    "DIRECTORIES",
    "LINKS",
    "GPUS",
    "MODELS",
    "UNITS",
    "BACKUP",
    "EXPORTER",
    "MONITOR",
    "THRESHOLDS",
    "ENDPOINTS",
    "DEPLOY",
]
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*\Z", re.IGNORECASE)
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]+\.(service|target|socket|timer|mount)\Z")


@dataclass(frozen=True)
class Node:
    """`account` is that of people and programs, `readers` the group that reads weights."""

    name: str
    address: str
    account: str
    readers: str


@dataclass(frozen=True)
class Paths:
    root: Path
    configs: Path
    scripts: Path
    logs: Path
    monitoring_logs: Path
    dashboards: Path
    environment: Path
    models_link: Path
    models_disk: Path
    active: Path
    staging: Path
    state: Path
    textfiles: Path
    generations: Path


@dataclass(frozen=True)
class Mount:
    """A file system that must be there. `source` as in fstab (a device, LABEL=…, UUID=…)."""

    path: Path
    source: str
    type: str
    size_gib: float | None


@dataclass(frozen=True)
class Directory:
    """A directory that `storage_manager.py create-dirs` makes. `mode` is a number (0o755)."""

    path: Path
    owner: str
    group: str
    mode: int


@dataclass(frozen=True)
class Link:
    """A symbolic link that we own. `target` may be relative to the link's directory."""

    path: Path
    target: str


@dataclass(frozen=True)
class Gpu:
    index: int
    memory_gib: float
    power_limit_watts: float | None


@dataclass(frozen=True)
class Model:
    """A model and its service. `path` holds the weights; `gpu_memory_utilization` is a share of each of `gpus`."""

    name: str
    unit: str
    account: str
    port: int
    directory: str
    path: Path
    served_name: str
    gpus: tuple[int, ...]
    gpu_memory_utilization: float | None
    start: str
    load_timeout_sec: float
    weights_gib: float | None
    api_key_file: Path | None
    conflicts: tuple[str, ...]
    probe: str

    @property
    def at_boot(self) -> bool:
        return self.start == "boot"


@dataclass(frozen=True)
class Units:
    all: str
    models: str
    storage: str
    gpu: str
    monitor: str
    exporter: str
    node_exporter: str


@dataclass(frozen=True)
class Retention:
    """How many backups of a kind are kept, and how old the newest may be (seconds)."""

    keep: int
    max_age_sec: float


@dataclass(frozen=True)
class Backup:
    directory: Path
    metadata: Path
    daily: Retention
    weekly: Retention
    monthly: Retention
    configs: Retention
    verify_max_age_sec: float
    cleanup_days: int
    archive_days: int
    compression_level: int
    config_sources: tuple[Path, ...]


@dataclass(frozen=True)
class Exporter:
    port: int
    health_port: int
    probe_interval_sec: float


@dataclass(frozen=True)
class Monitor:
    interval_sec: float
    keep_metrics: int
    keep_alerts: int
    restart_after_failures: int
    restarts_per_hour: int


@dataclass(frozen=True)
class Endpoints:
    """Services of the other host, as URLs; None where there is none."""

    prometheus: str | None
    alertmanager: str | None
    grafana: str | None


@dataclass(frozen=True)
class Settings:
    file: Path
    node: Node
    paths: Paths
    mounts: tuple[Mount, ...]
    directories: tuple[Directory, ...]
    links: tuple[Link, ...]
    gpus: tuple[Gpu, ...]
    models: Mapping[str, Model]
    units: Units
    backup: Backup
    exporter: Exporter
    monitor: Monitor
    thresholds: Thresholds
    endpoints: Endpoints
    first_model: str | None

    def boot_models(self) -> list[Model]:
        """Models that start with the host, in the order of the file."""
        return [model for model in self.models.values() if model.at_boot]

    def mount_of(self, path: Path) -> Mount | None:
        """The expected mount that a path lies on: the longest that contains it."""
        holders = [mount for mount in self.mounts if path == mount.path or mount.path in path.parents]
        return max(holders, key=lambda mount: len(mount.path.parts)) if holders else None


def settings_file() -> Path:
    """The file's path: `CITADEL_SETTINGS`, or the one of the guide."""
    return Path(os.environ.get("CITADEL_SETTINGS") or DEFAULT_FILE)


def load(path: Path | None = None) -> Settings:
    """Reads and checks the settings. Raises SettingsError with file, line and key. Unknown keys are left alone."""
    file = path or settings_file()
    found = read_assignments(file)

    missing = [name for name in _SECTIONS if name not in found]
    if missing:
        raise SettingsError(
            f"{file}: {', '.join(missing)} missing",
            "The file is rendered from the inventory: apply it again from the operator's machine.",
        )

    def top(name: str) -> Literal:
        return found[name]

    models = _models(top("MODELS"))
    first = top("DEPLOY")["first_model"]
    first_model = first.maybe(Literal.word)
    if first_model is not None and first_model not in models:
        raise first.wrong(f"names {first_model!r}, which is not in MODELS")
    return Settings(
        file=file,
        node=Node(*(top("NODE")[key].word() for key in ("name", "address", "account", "readers"))),
        paths=Paths(**{key: top("PATHS")[key].path() for key in Paths.__dataclass_fields__}),
        mounts=tuple(
            Mount(m["path"].path(), m["source"].word(), m["type"].word(), m["size_gib"].maybe(Literal.number))
            for m in top("MOUNTS").items()
        ),
        directories=tuple(
            Directory(d["path"].path(), d["owner"].word(), d["group"].word(), _mode(d["mode"]))
            for d in top("DIRECTORIES").items()
        ),
        links=tuple(Link(one["path"].path(), one["target"].word()) for one in top("LINKS").items()),
        gpus=tuple(
            Gpu(g["index"].integer(), g["memory_gib"].number(), g["power_limit_watts"].maybe(Literal.number))
            for g in top("GPUS").items()
        ),
        models=models,
        units=Units(**{key: _unit(top("UNITS")[key]) for key in Units.__dataclass_fields__}),
        backup=_backup(top("BACKUP")),
        exporter=Exporter(
            _port(top("EXPORTER")["port"]),
            _port(top("EXPORTER")["health_port"]),
            top("EXPORTER")["probe_interval_sec"].number(0.1),
        ),
        monitor=Monitor(
            top("MONITOR")["interval_sec"].number(0.1),
            *(
                top("MONITOR")[key].integer()
                for key in ("keep_metrics", "keep_alerts", "restart_after_failures", "restarts_per_hour")
            ),
        ),
        thresholds=read_thresholds(top("THRESHOLDS")),
        endpoints=Endpoints(**{key: _url(top("ENDPOINTS")[key]) for key in Endpoints.__dataclass_fields__}),
        first_model=first_model,
    )


def _models(table: Literal) -> Mapping[str, Model]:
    models: dict[str, Model] = {}
    ports: dict[int, str] = {}
    for name, entry in table.entries().items():
        if not _NAME.match(name):
            raise entry.wrong("is not a name (letters, digits, `.`, `_`, `-`)")
        port = _port(entry["port"])
        if port in ports:
            raise entry["port"].wrong(f"is {port}, which {ports[port]} has already")
        ports[port] = name
        models[name] = Model(
            name=name,
            unit=_unit(entry["unit"]),
            account=entry["account"].word(),
            port=port,
            directory=entry["directory"].word(),
            path=entry["path"].path(),
            served_name=entry["served_name"].word(),
            gpus=tuple(one.integer() for one in entry["gpus"].items()),
            gpu_memory_utilization=entry["gpu_memory_utilization"].maybe(lambda one: one.number(0.0, 1.0)),
            start=entry["start"].choice("boot", "manual"),
            load_timeout_sec=entry["load_timeout_sec"].number(0.1),
            weights_gib=entry["weights_gib"].maybe(Literal.number),
            api_key_file=entry["api_key_file"].maybe(Literal.path),
            conflicts=tuple(one.word() for one in entry["conflicts"].items()),
            probe=entry["probe"].choice("completion", "embedding", "none"),
        )
    return MappingProxyType(models)


def _backup(entry: Literal) -> Backup:
    def retention(name: str) -> Retention:
        return Retention(entry[name]["keep"].integer(1), entry[name]["max_age_sec"].number(1))

    return Backup(
        directory=entry["directory"].path(),
        metadata=entry["metadata"].path(),
        daily=retention("daily"),
        weekly=retention("weekly"),
        monthly=retention("monthly"),
        configs=retention("configs"),
        verify_max_age_sec=entry["verify"]["max_age_sec"].number(1),
        cleanup_days=entry["cleanup_days"].integer(1),
        archive_days=entry["archive_days"].integer(1),
        compression_level=entry["compression_level"].integer(1, 19),
        config_sources=tuple(one.path() for one in entry["config_sources"].items()),
    )


def _mode(entry: Literal) -> int:
    text = entry.text()
    if not re.match(r"0?[0-7]{3,4}\Z", text):
        raise entry.wrong(f'must be an octal mode such as "0755", not {text!r}')
    return int(text, 8)


def _unit(entry: Literal) -> str:
    text = entry.text()
    if not _UNIT.match(text):
        raise entry.wrong(f"must be a unit such as citadel-phi3.service, not {text!r}")
    return text


def _port(entry: Literal) -> int:
    return entry.integer(1, 65535)


def _url(entry: Literal) -> str | None:
    text = entry.maybe(Literal.word)
    if text is not None and not text.startswith(("http://", "https://")):
        raise entry.wrong(f"must be an http:// or https:// URL, not {text!r}")
    return text
