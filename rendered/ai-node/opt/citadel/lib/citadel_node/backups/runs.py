"""Runs of backups as the programs and cron start them: lock, every model in turn, metadata and metrics at every end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from citadel_node import output
from citadel_node.backups import metadata, metrics, models, names
from citadel_node.backups.calm import calm_down
from citadel_node.backups.metadata import Metadata, Run
from citadel_node.backups.store import MODELS, Store
from citadel_node.output import duration_text, size_text
from citadel_node.program import BusyError, ProgramError, UsageError
from citadel_node.settings import Model, Settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one model (or, with an empty name, of the configuration). `how` as in models.Done, or `failed`."""

    model: str
    how: str
    archive: Path | None
    source_bytes: int
    archive_bytes: int
    duration_sec: float
    error: str = ""
    fix: str = ""

    @property
    def failed(self) -> bool:
        return self.how == "failed"


def teller(as_json: bool) -> Say:
    """Words go to standard output, or next to the JSON to standard error."""
    if as_json:
        return output.warn
    return output.say


def chosen(settings: Settings, name: str | None) -> list[Model]:
    """The model of a name, or all. UsageError lists the names there are."""
    if name is None:
        return list(settings.models.values())
    if name not in settings.models:
        raise UsageError(f"there is no model {name!r}", f"Models: {', '.join(settings.models) or 'none'}")
    return [settings.models[name]]


def run_models(settings: Settings, kind: str, wanted: Sequence[Model], say: Say) -> list[Outcome]:
    """Backs up each; one that fails does not keep the others from it. Raises BusyError, and where the disk is missing."""
    store = Store(settings)
    with _told(settings, metadata.backup_name(kind)):
        store.require_disk()
        with store.locked(MODELS):
            for left in store.sweep(MODELS):
                say(f"removed {left}, which an interrupted run left behind")
            return [_one_model(settings, store, kind, model, say) for model in wanted]


def run_configs(settings: Settings, say: Say) -> Outcome:
    from citadel_node.backups import configs

    calm_down()
    store = Store(settings)
    started = time.time()
    with _told(settings, names.CONFIGS):
        store.require_disk()
        with store.locked(names.CONFIGS):
            for left in store.sweep(names.CONFIGS):
                say(f"removed {left}, which an interrupted run left behind")
            for missing in configs.sources(settings)[1]:
                say(f"note: {missing} is not there")
            with _recorded(settings, names.CONFIGS, "", started) as outcome:
                done = configs.back_up_configs(settings, store, metadata.read(settings))
                outcome.append(_outcome("", done, started))
                _prune(settings, store, names.CONFIGS, names.CONFIGS, say)
    say(_line(outcome[0]))
    return outcome[0]


def save_checked(settings: Settings, change: Callable[[Metadata], None]) -> Metadata:
    """Changes the metadata and writes the metrics from it. Metrics that cannot be written are a note, not a failure."""

    def tell(found: Metadata) -> None:
        try:
            metrics.write(settings, found)
        except OSError as error:
            output.warn(f"note: metrics could not be written: {error.filename}: {error.strerror}")

    with metadata.changed(settings, time.time(), tell) as found:
        change(found)
    return found


def _one_model(settings: Settings, store: Store, kind: str, model: Model, say: Say) -> Outcome:
    started = time.time()
    backup = metadata.backup_name(kind)
    with _recorded(settings, backup, model.name, started) as outcome:
        done = models.back_up(settings, store, metadata.read(settings), kind, model, say)
        outcome.append(_outcome(model.name, done, started))
        _prune(settings, store, kind, model.name, say)
    say(_line(outcome[0]))
    return outcome[0]


def _prune(settings: Settings, store: Store, kind: str, model: str, say: Say) -> None:
    found = metadata.read(settings)
    gone, freed = models.prune(store, found, kind, model, models.keep_of(settings, kind))
    for archive in gone:
        say(f"  removed {store.relative(archive.path)}: the newest {models.keep_of(settings, kind)} are kept")
    if freed:
        say(f"  freed {size_text(freed)}")


@contextlib.contextmanager
def _recorded(settings: Settings, backup: str, model: str, started: float) -> Iterator[list[Outcome]]:
    """Writes down how it ended. A ProgramError becomes an outcome; anything else is written down and goes on."""
    outcomes: list[Outcome] = []
    try:
        yield outcomes
    except ProgramError as error:
        outcomes[:] = [_failure(model, error.what, error.fix, started)]
    except OSError as error:
        words = f"{error.filename or settings.backup.directory}: {error.strerror}"
        outcomes[:] = [_failure(model, words, "Look: df -h; journalctl -k -n 50", started)]
    except BaseException:
        _write_down(settings, backup, _failure(model, "interrupted", "", started))
        raise
    _write_down(settings, backup, outcomes[0])


def _write_down(settings: Settings, backup: str, outcome: Outcome) -> None:
    ended = Run(time.time(), not outcome.failed, outcome.duration_sec, outcome.error or outcome.how)

    def change(found: Metadata) -> None:
        known = {*settings.models, ""}
        found.runs = {key: run for key, run in found.runs.items() if key[1] in known}
        found.runs[(backup, outcome.model)] = ended

    save_checked(settings, change)


@contextlib.contextmanager
def _told(settings: Settings, backup: str) -> Iterator[None]:
    """A run that could not begin is a failed run for the metrics too; one that found another running is not."""
    try:
        yield
    except BusyError:
        raise
    except (ProgramError, OSError):
        with contextlib.suppress(OSError, ValueError):
            metrics.write_failure(settings, backup, time.time())
        raise


def _outcome(model: str, done: models.Done, started: float) -> Outcome:
    took = time.time() - started
    return Outcome(model, done.how, done.archive, done.source_size, done.archive_size, took)


def _failure(model: str, what: str, fix: str, started: float) -> Outcome:
    return Outcome(model, "failed", None, 0, 0, time.time() - started, what, fix)


def _line(outcome: Outcome) -> str:
    name = outcome.model or "configuration"
    if outcome.failed:
        return f"{name}: failed: {outcome.error}" + (f"\n  {outcome.fix}" if outcome.fix else "")
    how = {
        "written": f"{size_text(outcome.source_bytes)} in {size_text(outcome.archive_bytes)}",
        "linked": "unchanged: a second name for the last archive",
        "same": "read, and the same as the last archive: a second name for it",
    }[outcome.how]
    return f"{name}: {outcome.archive} ({how}, {duration_text(outcome.duration_sec)})"
