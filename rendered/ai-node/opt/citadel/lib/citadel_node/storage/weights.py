"""The folders of models: are the weights there, and whole as far as can be told without reading them?"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from citadel_node.output import size_text
from citadel_node.settings import Model

_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
# Files of these suffixes that are not weights.
_OTHERS = ("training_args.bin", "optimizer.bin", "scheduler.bin")
_POINTER = b"version https://git-lfs"
_HEADER_LIMIT = 100 * 1024 * 1024
_GIB = 1024**3
# A difference that no budget notices.
_SMALL = 64 * 1024**2


@dataclass
class Weights:
    """What is in a model's folder. `problems` keep it from loading; `doubts` should be looked at."""

    files: int = 0
    size: int = 0
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def inspect(model: Model) -> Weights:
    """Looks at names, sizes and the heads of files: milliseconds, also for hundreds of gigabytes."""
    found = Weights()
    if not model.path.is_dir():
        found.problems.append("the folder is not there" if not model.path.exists() else "is not a folder")
        return found
    try:
        _inspect(model, found)
    except OSError as error:
        found.problems.append(f"{error.filename}: {error.strerror}")
    return found


def _inspect(model: Model, found: Weights) -> None:
    _json_object(model.path / "config.json", found)
    files = sorted(
        path
        for path in model.path.iterdir()
        if path.suffix in _SUFFIXES and path.name not in _OTHERS and path.is_file()
    )
    found.files = len(files)
    found.size = sum(path.stat().st_size for path in files)
    if not files:
        found.problems.append(f"no weights ({', '.join('*' + suffix for suffix in _SUFFIXES)})")
    for path in files:
        problem = _file_problem(path)
        if problem is not None:
            found.problems.append(f"{path.name} {problem}")
    for index in sorted(model.path.glob("*.index.json")):
        _shards(index, found)
    if files and model.weights_gib is not None:
        wanted = model.weights_gib * _GIB
        if abs(found.size - wanted) > max(0.2 * wanted, _SMALL):
            found.doubts.append(
                f"{size_text(found.size)} of weights, where the inventory says {size_text(wanted)}"
            )


def _file_problem(path: Path) -> str | None:
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(max(len(_POINTER), 8))
        if size == 0:
            return "is empty"
        if head.startswith(_POINTER):
            return "is a Git LFS pointer and not the weights (git lfs pull)"
        if path.suffix != ".safetensors":
            return None
        length = int.from_bytes(head[:8], "little")
        if len(head) < 8 or length > min(size - 8, _HEADER_LIMIT):
            return "is cut short, or no safetensors file"
        file.seek(8)
        return _safetensors_problem(file.read(length), size - 8 - length)


def _safetensors_problem(header: bytes, data_size: int) -> str | None:
    try:
        tensors = json.loads(header)
        ends = [entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"]
        missing = max(ends, default=data_size) - data_size
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return "has a damaged header"
    return f"is cut short: {missing} bytes are missing" if missing > 0 else None


def _shards(index: Path, found: Weights) -> None:
    data = _json_object(index, found)
    names = data.get("weight_map")
    if not isinstance(names, dict):
        return
    for name in sorted({str(one) for one in names.values()}):
        if os.path.basename(name) != name or not (index.parent / name).is_file():
            found.problems.append(f"{name} is not there, and {index.name} names it")


def _json_object(path: Path, found: Weights) -> dict[str, object]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        found.problems.append(f"{path.name} is not there")
        return {}
    except (ValueError, RecursionError):
        found.problems.append(f"{path.name} is not JSON")
        return {}
    if not isinstance(data, dict):
        found.problems.append(f"{path.name} is not a JSON object")
        return {}
    return data
