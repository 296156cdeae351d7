"""Looking at the host with the engine's own program, the one that the operator's machine sends over."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from citadel_node.program import ProgramError
from citadel_node.rollback.document import primary_group
from citadel_node.rollback.state import (
    PATH_SECTIONS,
    Index,
    Observed,
    SeenBefore,
    SeenMount,
    SeenPath,
    SeenUnit,
    SeenUser,
)

_KINDS = {"f": "file", "d": "directory", "l": "symlink"}


def observe(program: Path, wanted: Mapping[str, Any], applied: Index, timeout: float = 120.0) -> Observed:
    """Everything that both generations name. Nothing is written. Raises ProgramError when something cannot be read."""
    request = Request(wanted, applied)
    try:
        done = subprocess.run(
            ["/bin/sh", str(program), "-"],
            input=request.encoded(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramError(
            f"looking at the host took more than {timeout:g} s; nothing was changed"
        ) from error
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise ProgramError(f"the host cannot be read: {words}", "Nothing was changed.")
    return parse(done.stdout, request)


class Request:
    """The names that are asked for: lists, sorted and each once."""

    def __init__(self, wanted: Mapping[str, Any], applied: Index) -> None:
        def keys(section: str) -> set[str]:
            return set(wanted.get(section) or {}) | set(applied.get(section) or {})

        users = wanted.get("users") or {}
        self.blocks = sorted(keys("blocks"))
        self.directories = sorted(wanted.get("directories") or {})
        # Directories that leave are asked for among the paths, so that it is known whether they are empty.
        leaving = {path for section in PATH_SECTIONS for path in applied.get(section) or {}}
        files = set(wanted.get("files") or {}) | set(wanted.get("symlinks") or {}) | leaving
        self.paths = sorted((files - set(self.directories)) | set(self.blocks))
        self.before = sorted(leaving - files_of(wanted) - set(wanted.get("blocks") or {}))
        items = {**(applied.get("files") or {}), **(applied.get("symlinks") or {})}
        # Of these the index does not say whether anything stood there: an older engine named them first.
        self.unmarked = [path for path in self.before if path in items and "adopted" not in items[path]]
        self.units = sorted(keys("units"))
        self.users = sorted(keys("users"))
        self.groups = sorted(keys("groups") | {primary_group(name, user) for name, user in users.items()})
        self.packages = keys("packages")
        self.mounts = keys("mounts")

    def encoded(self) -> bytes:
        lists = [
            _names(f".{path}" for path in self.paths),
            _names(f".{path}" for path in self.directories),
            _names(f".{path}" for path in self.blocks),
            _names(self.units),
            _names(self.users),
            _names(self.groups),
        ]
        past = [_names(f".{path}" for path in one) for one in (self.before, self.unmarked)]
        sizes = " ".join(str(len(one)) for one in lists)
        both = " ".join(str(len(one)) for one in past)
        header = f"citadel-observe 1 - {sizes} {int(bool(self.packages))} {int(bool(self.mounts))} {both}\n"
        return header.encode() + b"".join([*lists, *past])


def files_of(wanted: Mapping[str, Any]) -> set[str]:
    """Every path that is a directory, a file or a link in a document."""
    return {path for section in PATH_SECTIONS for path in wanted.get(section) or {}}


def _names(names: Any) -> bytes:
    return b"".join(str(name).encode() + b"\0" for name in names)


class _Fields:
    def __init__(self, output: bytes) -> None:
        self._fields = output.decode(errors="surrogateescape").split("\0")
        if self._fields.pop() != "":
            raise ProgramError("the host was not read to its end", "Nothing was changed. Run it again.")
        self._next = 0

    def take(self) -> str:
        if self._next == len(self._fields):
            raise ProgramError("the host was not read to its end", "Nothing was changed. Run it again.")
        self._next += 1
        return self._fields[self._next - 1]

    def section(self, name: str) -> Iterator[str]:
        """The tags of a section; whoever iterates takes the fields of each."""
        if self.take() != name:
            raise ProgramError(f"the host's answer has no {name} where it belongs")
        while (tag := self.take()) != ".":
            if tag == "error":
                what, words = self.take(), self.take()
                raise ProgramError(f"{what} could not be read: {words.strip()}", "Nothing was changed.")
            if tag == "missing":
                tool, package = self.take(), self.take()
                raise ProgramError(f"there is no {tool} here", f"Install it: sudo apt install {package}")
            yield tag


def parse(output: bytes, request: Request) -> Observed:
    """The output of observe.sh."""
    fields = _Fields(output)
    fields.take()
    fields.take()
    for tag in fields.section("record"):
        fields.take()
        if tag == "open":
            fields.take()
    paths: dict[str, dict[str, Any]] = {}
    contents: dict[str, bytes] = {}
    for section in ("paths", "directories", "blocks"):
        for tag in fields.section(section):
            _read_path(tag, fields, paths, contents)
    units: dict[str, SeenUnit] = {}
    for _ in fields.section("units"):
        units = _units(fields.take(), request.units)
    texts = {tag: fields.take() for tag in fields.section("accounts")}
    groups, users = _accounts(texts.get("passwd", ""), texts.get("group", ""))
    packages: dict[str, str] = {}
    for _ in fields.section("packages"):
        packages = _packages(fields.take(), request.packages)
    mounts: dict[str, SeenMount] = {}
    for _ in fields.section("mounts"):
        mounts = _mounts(fields.take(), request.mounts)
    before: dict[str, dict[str, Any]] = {}
    for tag in fields.section("before") if request.before else ():
        if tag == "original":
            before.setdefault(fields.take(), {})["copy"] = fields.take()
        elif tag == "made":
            before.setdefault(fields.take(), {})["made"] = True
        elif tag == "owner":
            before.setdefault(fields.take(), {})["owner"] = fields.take()
        else:
            _read_path(tag, fields, paths, contents)
    return Observed(
        {path: SeenPath(**facts) for path, facts in paths.items()},
        contents,
        units,
        packages,
        {name: gid for name, gid in groups.items() if name in request.groups},
        {name: user for name, user in users.items() if name in request.users},
        mounts,
        {path: SeenBefore(**facts) for path, facts in before.items()},
    )


def _read_path(
    tag: str, fields: _Fields, paths: dict[str, dict[str, Any]], contents: dict[str, bytes]
) -> None:
    if tag == "path":
        raw = [fields.take() for _ in range(9)]
        paths[raw[7][1:]] = _path(raw)
    elif tag == "entries":
        path = fields.take()[1:]
        paths[path]["entries"] = int(fields.take())
    elif tag == "content":
        path = fields.take()[1:]
        contents[path] = base64.b64decode(fields.take())
    else:
        digest, path = tag.split(" ", 1)
        paths[path[2:]]["sha256"] = digest


def _path(raw: list[str]) -> dict[str, Any]:
    kind, uid, gid, user, group, mode, size, _, target = raw
    facts = {
        "kind": _KINDS.get(kind, "other"),
        "owner": user,
        "group": group,
        "uid": int(uid),
        "gid": int(gid),
        "mode": mode.rjust(4, "0"),
        "size": int(size),
    }
    return {**facts, "target": target} if kind == "l" else facts


def _units(text: str, asked: list[str]) -> dict[str, SeenUnit]:
    paragraphs: list[dict[str, str]] = []
    current: dict[str, str] | None = None
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if not equals:
            current = None
            continue
        if current is None or key in current:
            current = {}
            paragraphs.append(current)
        current[key] = value
    if len(paragraphs) != len(asked):
        raise ProgramError(f"systemd answers for {len(paragraphs)} units where {len(asked)} were asked for")
    return {
        unit: SeenUnit(
            one.get("LoadState", "not-found"),
            one.get("ActiveState", "inactive"),
            one.get("UnitFileState", ""),
            one.get("NeedDaemonReload") == "yes",
        )
        for unit, one in zip(asked, paragraphs, strict=True)
    }


def _accounts(passwd: str, group: str) -> tuple[dict[str, int], dict[str, SeenUser]]:
    def lines(text: str, count: int) -> list[list[str]]:
        split = [line.split(":") for line in text.split("\n") if line and line[0] not in "#+-"]
        return [parts for parts in split if len(parts) == count and parts[2].isdigit()]

    groups: dict[str, int] = {}
    names: dict[int, str] = {}
    members: dict[str, set[str]] = {}
    for name, _, gid, who in lines(group, 4):
        groups.setdefault(name, int(gid))
        names.setdefault(int(gid), name)
        for user in filter(None, who.split(",")):
            members.setdefault(user, set()).add(name)
    users: dict[str, SeenUser] = {}
    for name, _, uid, gid, _, home, shell in lines(passwd, 7):
        primary = names.get(int(gid), gid)
        users.setdefault(
            name,
            SeenUser(int(uid), int(gid), primary, home, shell, tuple(sorted(members.get(name, ())))),
        )
    return groups, users


def _packages(text: str, asked: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, text.split("\n")):
        name, architecture, status, version = line.split("\t")
        if status == "installed":
            for key in (name, f"{name}:{architecture}"):
                if key in asked:
                    found.setdefault(key, version)
    return found


def _mounts(text: str, asked: set[str]) -> dict[str, SeenMount]:
    found: dict[str, SeenMount] = {}
    for one in json.loads(text)["filesystems"]:
        if one["target"] in asked:
            # Of mounts that cover one another, the last is the one that programs see.
            found[one["target"]] = SeenMount(
                one.get("source") or "",
                one["fstype"],
                tuple(filter(None, (one.get("options") or "").split(","))),
                one.get("label"),
                one.get("uuid"),
                one.get("partlabel"),
                one.get("partuuid"),
                one.get("fsroot"),
            )
    return found
