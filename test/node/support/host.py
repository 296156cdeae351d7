"""A node in a directory, for tests: nothing outside of it is touched."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from support.server import ModelDouble

HERE = Path(__file__).parent
TEMPLATES = HERE.parent.parent.parent / "templates/ai-node"
LIBRARY = TEMPLATES / "opt/citadel/lib"
PREFIXES = ("/opt/citadel", "/mnt/citadel-models", "/mnt/citadel-backup", "/var/lib/")
PORTS = {"mixtral": 11400, "phi3": 11403, "vision": 11500}


class FakeHost:
    """`root` is the host's `/`. Units are all known and inactive; disks are mounted; models have weights; all is linked.

    Make it misbehave: `fault(hang="show")` (systemctl hangs at that verb), `fault(fail=[unit])` (cannot be started),
    `fault(refuse=True)` (only through sudo), `gpus(hangSec=60)`, `gpus(fail="words")`, `refuse_sudo()`,
    `mount(type_={...})`, `host.servers["phi3"].wedged = True`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "doubles"
        self.state.mkdir()
        self.settings_file = root / "storage_settings.py"
        self.mountinfo = root / "mountinfo"
        self.servers = {name: ModelDouble(self, name) for name in PORTS}
        self.write_settings()
        self._make_units()
        self.fault()
        self.gpus()
        self.mount()
        (self.state / "journal").write_text("loading weights\nCUDA out of memory\n")
        self._make_tree()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{HERE / 'bin'}:/usr/bin:/bin",
            "CITADEL_SETTINGS": str(self.settings_file),
            "CITADEL_LIB": str(LIBRARY),
            "CITADEL_MOUNTINFO": str(self.mountinfo),
            "DOUBLE_STATE": str(self.state),
            "NO_COLOR": "1",
        }

    def path(self, absolute: str) -> Path:
        """Where a path of the host is here."""
        return self.root / absolute.lstrip("/")

    def settings_text(self) -> str:
        text = (HERE / "storage_settings.py").read_text()
        for prefix in PREFIXES:
            text = text.replace(f'"{prefix}', f'"{self.root}{prefix}')
        for name, port in PORTS.items():
            text = text.replace(f'"port": {port}', f'"port": {self.servers[name].port}')
        return re.sub(r'"(owner|group)": "agent0"', lambda m: f'"{m[1]}": "{_me(m[1])}"', text)

    def write_settings(self, *changes: tuple[str, str]) -> None:
        """Writes the settings; each change is (old text, new text), and the old one must be there."""
        text = self.settings_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.settings_file.write_text(text)

    def serve_exporter(self) -> None:
        """The exporter answers while its unit is active; no disk of this machine is too full."""
        exporter = ModelDouble(self, "metrics-exporter")
        self.servers["exporter"] = exporter
        self.write_settings(
            ('"health_port": 8001', f'"health_port": {exporter.port}'),
            (
                '"disk_percent": {"warning": 80.0, "critical": 90.0}',
                '"disk_percent": {"warning": 100.0, "critical": 100.0}',
            ),
        )

    def fault(self, **faults: object) -> None:
        (self.state / "faults.json").write_text(json.dumps(faults))

    def gpus(self, **said: object) -> None:
        gpu = {
            "name": "NVIDIA A100 80GB PCIe",
            "utilization.gpu": 7,
            "memory.used": 40960,
            "memory.total": 81920,
            "temperature.gpu": 41,
            "power.draw": "68.00",
            "power.limit": "300.00",
            "ecc.errors.uncorrected.volatile.total": 0,
            "persistence_mode": "Enabled",
        }
        both = [{**gpu, "index": index, "uuid": f"GPU-{index}"} for index in (0, 1)]
        (self.state / "gpus.json").write_text(json.dumps({"gpu": both, "compute-apps": [], **said}))

    def refuse_sudo(self) -> None:
        (self.state / "no-sudo").touch()

    def mount(self, **types: str) -> None:
        """Says what is mounted: type by `models` and `backup`; an empty text for nothing."""
        lines = ["21 1 0:20 / / rw - ext4 /dev/root rw"]
        for at, (name, source) in enumerate(
            (("models", "/dev/nvme1n1p1"), ("backup", "LABEL=citadel-backup"))
        ):
            type_, _, option = types.get(name, "ext4").partition(",")
            path = self.path(f"/mnt/citadel-{name}")
            path.mkdir(parents=True, exist_ok=True)
            if type_:
                lines.append(
                    f"3{at} 21 259:{at} / {path} {option or 'rw'},relatime shared:1 - {type_} {source} rw"
                )
        self.mountinfo.write_text("\n".join(lines) + "\n")

    def units(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = json.loads((self.state / "units.json").read_text())
        return found

    def set_unit(self, name: str, **properties: str) -> None:
        known = self.units()
        known.setdefault(name, {}).update(properties)
        (self.state / "units.json").write_text(json.dumps(known))

    def forget_unit(self, name: str) -> None:
        known = self.units()
        del known[name]
        (self.state / "units.json").write_text(json.dumps(known))

    def activate(self, *units: str) -> None:
        since = f"@{int(time.time()) - 3600}"
        for unit in units:
            self.set_unit(
                unit, ActiveState="active", SubState="running", MainPID="4242", ActiveEnterTimestamp=since
            )

    def active(self) -> list[str]:
        return sorted(name for name, unit in self.units().items() if unit.get("ActiveState") == "active")

    def calls(self) -> list[str]:
        """What systemctl was asked to do, less looking."""
        file = self.state / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in lines if not line.startswith("show")]

    def run(self, program: str, *arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Runs a program by its path on the host (`/usr/local/bin/citadel`)."""
        base = TEMPLATES.parent / "base" / program.lstrip("/")
        words = (
            ["/bin/sh", str(base)]
            if base.exists()
            else [sys.executable, "-B", str(TEMPLATES / program.lstrip("/"))]
        )
        return subprocess.run(
            [*words, *arguments],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def close(self) -> None:
        for server in self.servers.values():
            server.close()

    def _make_units(self) -> None:
        models = [f"citadel-{name}.service" for name in PORTS]
        boot = models[:2]
        watch = ["citadel-monitor.service", "citadel-metrics-exporter.service"]
        plain = [
            "citadel-storage.service",
            "citadel-gpu.service",
            "citadel-lan.service",
            *watch,
            "prometheus-node-exporter.service",
        ]
        known: dict[str, dict[str, str]] = {unit: {} for unit in plain}
        for unit in models:
            known[unit] = {"PartOf": json.dumps(["citadel-models.target"])}
        known["citadel-models.target"] = {"Wants": json.dumps([*boot, *watch])}
        known["citadel-ai.target"] = {
            "Wants": json.dumps(
                ["citadel-storage.service", "citadel-gpu.service", "citadel-models.target", *watch]
            )
        }
        (self.state / "units.json").write_text(json.dumps(known))

    def _make_tree(self) -> None:
        for directory in (
            "/mnt/citadel-models/active",
            "/mnt/citadel-models/staging",
            "/mnt/citadel-backup/models/daily",
            "/opt/citadel/logs/monitoring",
            "/var/lib/citadel",
            "/var/lib/prometheus/node-exporter",
        ):
            self.path(directory).mkdir(parents=True, exist_ok=True)
        active = self.path("/mnt/citadel-models/active")
        for short, folder in (
            ("mixtral", "Mixtral-8x7B-Instruct-v0.1"),
            ("phi3", "Phi-3-mini-128k-instruct"),
            ("vision", "imp-v1_5-7b"),
        ):
            (active / folder).mkdir()
            (active / folder / "config.json").write_text('{"model_type": "llama"}')
            with open(active / folder / "model.safetensors", "wb") as weights:
                weights.write(b"\x08\0\0\0\0\0\0\0{}      ")
                weights.truncate(8 * 1024 * 1024)
            (active / short).symlink_to(folder)
        self.path("/opt/citadel/models").symlink_to(active)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _me(kind: str) -> str:
    import grp
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name if kind == "owner" else grp.getgrgid(os.getegid()).gr_name
