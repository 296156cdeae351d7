"""What can be started, stopped and looked at, by the names that people type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from citadel_node.program import UsageError
from citadel_node.settings import Model, Settings

GROUPS = ("models", "storage", "gpu", "monitor", "exporter", "all")


@dataclass(frozen=True)
class Subject:
    """A name and its units. `start` are asked to start, `stop` to stop; `models` are those that must then answer."""

    name: str
    start: tuple[str, ...]
    stop: tuple[str, ...]
    models: tuple[Model, ...]
    # What belongs around them: started with them, and left alone when they are restarted.
    around: tuple[str, ...] = ()


def all_names(settings: Settings) -> list[str]:
    return [*GROUPS, *settings.models]


def subject(settings: Settings, name: str) -> Subject:
    """Raises UsageError with the list of names, and the nearest of them, for a name that does not exist."""
    units = settings.units
    boot = tuple(settings.boot_models())
    boot_units = tuple(model.unit for model in boot)
    every_unit = tuple(model.unit for model in settings.models.values())
    watch = (units.monitor, units.exporter)
    match name:
        case "models":
            # The target first; the models by name as well, for it may be active while some of them are not, and
            # models that are started by hand are stopped with the others.
            return Subject(name, (units.models, *boot_units), (units.models, *every_unit), boot, (units.all,))
        case "storage":
            return Subject(name, (units.storage,), (units.storage,), ())
        case "gpu":
            return Subject(name, (units.gpu,), (units.gpu,), ())
        case "monitor":
            return Subject(name, (units.monitor,), (units.monitor,), ())
        case "exporter":
            return Subject(name, (units.exporter,), (units.exporter,), ())
        case "all":
            infrastructure = (units.storage, units.gpu)
            return Subject(
                name,
                (*infrastructure, units.all, units.models, *boot_units, *watch),
                (units.all, units.models, *every_unit, *watch, *infrastructure),
                boot,
            )
    model = settings.models.get(name)
    if model is None:
        raise unknown(name, all_names(settings), listing(settings))
    return Subject(name, (model.unit,), (model.unit,), (model,))


def listing(settings: Settings) -> str:
    return f"Models: {', '.join(settings.models) or 'none'}. Others: {', '.join(GROUPS)}."


def unknown(name: str, known: Iterable[str], names: str) -> UsageError:
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return UsageError(f"there is no {name!r}" + (f"; did you mean {near[0]}?" if near else ""), names)
