"""All checks of this node, side by side, so that one that hangs costs its own time limit and no more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from citadel_node.checks import FAILED, Check
from citadel_node.health import backups, hardware, services
from citadel_node.program import ProgramError
from citadel_node.settings import Settings
from citadel_node.storage import disks, links

Area = Callable[[Settings], list[Check]]

AREAS: dict[str, Area] = {
    "disks": lambda settings: [*disks.mount_checks(settings), *disks.level_checks(settings)],
    "links": links.check_all,
    "gpus": hardware.gpu_checks,
    "services": services.unit_checks,
    "models": services.model_checks,
    "monitoring": services.monitoring_checks,
    "backups": backups.backup_checks,
}


def all_checks(settings: Settings) -> list[Check]:
    """In the order of AREAS. An area that cannot be looked at at all is one failed check."""
    with ThreadPoolExecutor(max_workers=len(AREAS)) as pool:
        futures = {name: pool.submit(area, settings) for name, area in AREAS.items()}
        return [check for name, future in futures.items() for check in _guarded(name, future.result)]


def area_checks(settings: Settings, name: str) -> list[Check]:
    return _guarded(name, lambda: AREAS[name](settings))


def _guarded(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    try:
        return look()
    except ProgramError as error:
        return [Check(name, name, FAILED, error.what, error.fix)]
    except OSError as error:
        return [Check(name, name, FAILED, f"{error.filename or 'it'}: {error.strerror}", "")]
