"""A plan to go back, and the files of the transaction that carries it out: the form is the engine's."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from citadel_node.rollback import operations
from citadel_node.rollback.actions import reinstalled_units, unit_actions
from citadel_node.rollback.document import is_below, materialise
from citadel_node.rollback.items import earlier_memberships, item_changes
from citadel_node.rollback.operations import US, record
from citadel_node.rollback.paths import PathDiff, wanted_content
from citadel_node.rollback.state import SECTIONS, Change, Index, Situation, UnitAction, is_adopted, last_path

_LETTERS = {"file": "f", "directory": "d", "symlink": "l", "other": "o"}


@dataclass(frozen=True)
class Plan:
    """Everything that is known before anything is touched. `notes`: what stays although it left."""

    situation: Situation
    changes: tuple[Change, ...]
    actions: tuple[UnitAction, ...]
    written: Mapping[str, bytes]
    notes: tuple[str, ...]


def make_plan(it: Situation, secrets: Mapping[str, bytes], read: Callable[[str], bytes | None]) -> Plan:
    """Compares and decides. `read` gives the present content of a unit's file, or None."""
    notes: list[str] = []
    paths = PathDiff(it, notes)
    changes = sorted(
        [*item_changes(it, notes), *paths.changes],
        key=lambda one: (SECTIONS.index(one.section), one.key),
    )
    written: dict[str, bytes] = {}
    for change in changes:
        if change.section == "blocks":
            written[change.key] = wanted_content(it, change.key)
        elif (
            change.section == "files"
            and change.action != "delete"
            and change.key in paths.touched
            and change.key in it.wants("files")
        ):
            written[change.key] = materialise(it.wants("files")[change.key], secrets)
    current = {
        path: content
        for path in written
        if path.startswith("/etc/systemd/system/")
        and path in it.observed.paths
        and (content := read(path)) is not None
    }
    actions = unit_actions(it, changes, paths.touched, reinstalled_units(it, written, current))
    return Plan(it, tuple(changes), tuple(actions), written, tuple(notes))


@dataclass(frozen=True)
class Order:
    """How the transaction is to run. `record` are files of the generation to be taken over: manifest.json, digest."""

    id: str
    who: str
    summary: str
    wait_sec: int
    deadline_sec: int
    generation: int | None
    retention: Mapping[str, str]
    record: Mapping[str, bytes]
    programs: Mapping[str, bytes]
    secrets: Mapping[str, bytes]


def build_files(plan: Plan, order: Order) -> dict[str, bytes]:
    """File name within the transaction's folder → bytes; the last one proves that all have arrived."""
    it = plan.situation
    files: dict[str, bytes] = {f"bin/{name}": text for name, text in order.programs.items()}
    files.update(order.record)
    files["index.json"] = _json(next_index(it))
    files["who"] = f"{order.who}\n".encode()
    files["summary"] = f"{order.summary}\n".encode()
    mounting = [
        one.key
        for one in plan.changes
        if one.section == "mounts"
        and one.action != "delete"
        and it.wants("mounts")[one.key]["state"] == "mounted"
    ]
    every, texts = operations.block_texts(it, operations.path_operations(it, plan.changes, plan.written))
    late = [one for one in every if is_below(one[1], mounting)]
    owned = [("attr", *one[1:]) for one in every if one[0] == "dir" and one[1] in mounting]
    texts["paths-a"] = "".join(record(*one) for one in every if one not in late)
    texts["paths-b"] = "".join(record(*one) for one in [*owned, *late])
    adopted = operations.adopted_paths(it)
    texts["adopt-a"] = "".join(record(path) for path in adopted if not is_below(path, mounting))
    texts["adopt-b"] = "".join(record(path) for path in adopted if is_below(path, mounting))
    _add_tree(files, texts, every, plan.written)
    texts["validate"] = operations.validations(it, every)
    texts["mounts"] = "".join(record(path) for path in mounting)
    # What is mounted within another mount goes before it.
    texts["umounts"] = "".join(
        record(one.key)
        for one in reversed(plan.changes)
        if one.section == "mounts" and one.action == "delete"
    )
    texts["packages-install"], texts["packages-remove"] = operations.package_lines(it, plan.changes)
    texts.update(operations.account_lines(it, plan.changes))
    texts["units-before"], texts["units"] = operations.unit_lines(it, plan.actions)
    texts["units-known"] = "".join(record(unit) for unit in sorted(it.wants("units")))
    texts["units-rest"] = operations.rest_lines(it)
    texts["checks"] = operations.check_lines(it.wants("checks"))
    files.update({f"ops/{name}": text.encode() for name, text in texts.items()})
    files.update({f"secrets/{name}": value for name, value in order.secrets.items()})
    files["expect.request"], files["expect.records"] = _expectation(plan, order.generation)
    files["meta"] = _meta(plan, order, operations.needs_reload(it, plan.actions, every))
    files["complete"] = b""
    return files


def archive(id_: str, files: Mapping[str, bytes]) -> bytes:
    """What the engine's receiving program reads: the transaction's id on a line, then a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return f"{id_}\n".encode() + buffer.getvalue()


def _add_tree(
    files: dict[str, bytes],
    texts: dict[str, str],
    every: list[operations.Operation],
    written: Mapping[str, bytes],
) -> None:
    groups: dict[str, list[str]] = {}
    for one in every:
        if one[0] == "file":
            files[f"tree{one[1]}"] = written[one[1]]
            groups.setdefault(US.join(one[2:]), []).append(f".{one[1]}")
    texts["own"] = ""
    for at, key in enumerate(sorted(groups)):
        texts["own"] += record(at, *key.split(US))
        files[f"own/{at}"] = "".join(f"{path}\0" for path in groups[key]).encode()


def next_index(it: Situation) -> dict[str, Any]:
    """What the new generation makes of each item: the old one's facts, and whether it was here before us all."""
    index: dict[str, Any] = {}
    for section, items in it.facts.items():
        index[section] = {}
        for key, facts in items.items():
            plain = {
                name: value
                for name, value in facts.items()
                if not (name == "adopted" and isinstance(value, bool))
            }
            index[section][key] = {**plain, **_mark(it, section, key)}
            if section == "users" and (had := earlier_memberships(it, key)):
                index[section][key]["had"] = had
    return index


def _mark(it: Situation, section: str, key: str) -> dict[str, bool]:
    """Of a file or link it also says that nothing stood there; what an older engine named first has no mark."""
    if section not in ("files", "symlinks"):
        return {"adopted": True} if _adopted(it, section, key) else {}
    last = last_path(it, key)
    if last is None:
        return {"adopted": key in it.observed.paths}
    if last.get("type") == "directory":
        return {"adopted": is_adopted(last)}
    mark = last.get("adopted")
    return {"adopted": mark} if isinstance(mark, bool) else {}


def _adopted(it: Situation, section: str, key: str) -> bool:
    last = last_path(it, key) if section == "directories" else it.last(section).get(key)
    if last is not None:
        # A directory in the place of a file or link did not stand there, whatever did.
        return is_adopted(last) and not (section == "directories" and last.get("type") != "directory")
    seen = it.observed
    if section == "directories":
        return key in seen.paths and seen.paths[key].kind == "directory"
    if section == "units":
        return seen.unit(key).active == "active" or seen.unit(key).enabled
    present: dict[str, Mapping[str, Any]] = {
        "packages": seen.packages,
        "groups": seen.groups,
        "users": seen.users,
        "mounts": seen.mounts,
    }
    return key in present.get(section, {})


def _expectation(plan: Plan, generation: int | None) -> tuple[bytes, bytes]:
    current = "./var/lib/citadel-iac/current"
    changed = [one for one in plan.changes if one.section in ("directories", "files", "blocks", "symlinks")]
    known = plan.situation.observed.before
    # Also the copies that will be put back.
    copies = {
        known[one.key].copy or one.key for one in changed if one.action != "delete" and one.key in known
    }
    paths = sorted({one.key for one in changed} | copies)
    records: list[str] = []
    for path in paths:
        seen = plan.situation.observed.paths.get(path)
        if seen is None:
            continue
        if seen.kind == "symlink":
            records.append(US.join((f".{path}", "l", seen.target or "")))
            continue
        mode = seen.mode.lstrip("0") or "0"
        records.append(US.join((f".{path}", _LETTERS[seen.kind], str(seen.uid), str(seen.gid), mode)))
        if seen.sha256 is not None:
            records.append(US.join((f".{path}", "sha256", seen.sha256)))
    if generation is not None:
        records.append(US.join((current, "l", f"generations/{generation}")))
    request = "".join(f".{path}\0" for path in paths) + f"{current}\0"
    return request.encode(), b"".join(sorted(f"{one}\0".encode() for one in records))


def _meta(plan: Plan, order: Order, reload_: bool) -> bytes:
    waves = {action.wave for action in plan.actions}
    waves |= {int(check["wave"]) for check in plan.situation.wants("checks").values()}
    values = {
        "id": order.id,
        "nonce": "-",
        "who": order.who,
        "deadline": order.deadline_sec + order.wait_sec,
        # Nobody can be asked to connect anew: who works on the host sees for himself.
        "confirm": 0,
        "wait": order.wait_sec,
        **order.retention,
        "daemon_reload": int(reload_),
        "waves": " ".join(str(wave) for wave in sorted(waves)),
    }
    return "".join(f"{key}={value}\n" for key, value in values.items()).encode()


def _json(value: Index | Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
