"""A generation's document (manifest.json): its paths in full, the contents of its files, the secrets that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# In two pieces: this file itself is part of the document, where the whole would be taken for a reference.
_REFERENCE = re.compile("@@" + r"secret:([a-z][a-z0-9_]{0,62})@@")


class SecretMissing(KeyError):
    """The value of a secret is not at hand."""


def expand(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with users' keys as the directory and the file that they become."""
    directories: dict[str, Any] = {}
    files: dict[str, Any] = {}
    users: dict[str, Any] = {}
    for name, user in (manifest.get("users") or {}).items():
        users[name] = {key: value for key, value in user.items() if key != "authorizedKeys"}
        keys = user.get("authorizedKeys")
        if keys is None:
            continue
        folder = f"{user['home']}/.ssh"
        ownership = {"owner": name, "group": user.get("group") or name}
        directories[folder] = {**ownership, "mode": "0700"}
        text = "".join(f"{key}\n" for key in keys)
        files[f"{folder}/authorized_keys"] = {"content": text, **ownership, "mode": "0600"}
    return {
        **manifest,
        "users": users,
        "directories": {**directories, **(manifest.get("directories") or {})},
        "files": {**(manifest.get("files") or {}), **files},
    }


def secrets_of(file: Mapping[str, Any]) -> list[str]:
    """Names of the secrets that a file needs."""
    if file.get("secret") is not None:
        return [str(file["secret"])]
    return sorted(set(_REFERENCE.findall(file.get("content") or "")))


def materialise(file: Mapping[str, Any], values: Mapping[str, bytes]) -> bytes:
    """The bytes of a file with its secrets in it. Raises SecretMissing."""

    def value(name: str) -> bytes:
        if name not in values:
            raise SecretMissing(name)
        return values[name]

    if file.get("secret") is not None:
        return value(str(file["secret"]))
    parts = _REFERENCE.split(file.get("content") or "")
    # Text and names take turns.
    return b"".join(value(part) if at % 2 else part.encode() for at, part in enumerate(parts))


def primary_group(name: str, user: Mapping[str, Any]) -> str:
    return str(user.get("group") or name)


def is_below(path: str, tops: Iterable[str]) -> bool:
    return any(path.startswith(f"{top}/") for top in tops)
