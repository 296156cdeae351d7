"""Python literals and where they stand in their file. Nothing of the file is ever executed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from citadel_node.program import ProgramError

_T = TypeVar("_T")
_LIMIT_BYTES = 4 * 1024 * 1024
_FIX = (
    "The file is rendered from the inventory: apply it again from the operator's machine (citadel-iac apply)."
)


class SettingsError(ProgramError):
    """The settings cannot be used. Names file, line and key."""


@dataclass(frozen=True)
class Literal:
    """A value of the file: `key` is its path in it (`MODELS["phi3"]["port"]`)."""

    file: Path
    key: str
    node: ast.expr

    def wrong(self, what: str) -> SettingsError:
        return SettingsError(f"{self.file}:{self.node.lineno}: {self.key} {what}", _FIX)

    def value(self) -> object:
        try:
            return ast.literal_eval(self.node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise self.wrong("is not a plain value (text, number, list or dictionary)") from None

    def text(self) -> str:
        value = self.value()
        if not isinstance(value, str):
            raise self.wrong(f"must be a text, not {_named(value)}")
        if "\0" in value or "\n" in value:
            raise self.wrong("must be one line")
        return value

    def word(self) -> str:
        """A text that is not empty."""
        if not self.text():
            raise self.wrong("is empty")
        return self.text()

    def path(self) -> Path:
        """An absolute path."""
        text = self.text()
        if not text.startswith("/"):
            raise self.wrong(f"must be an absolute path, not {text!r}")
        return Path(text)

    def number(self, minimum: float = 0.0, maximum: float = float("inf")) -> float:
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(f"must be a number, not {_named(value)}")
        if not minimum <= value <= maximum:
            upper = "" if maximum == float("inf") else f" and {maximum:g}"
            raise self.wrong(
                f"must be {'between' if upper else 'at least'} {minimum:g}{upper}, not {value!r}"
            )
        return float(value)

    def integer(self, minimum: int = 0, maximum: int = 2**53) -> int:
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(f"must be a whole number, not {_named(value)}")
        if not minimum <= value <= maximum:
            raise self.wrong(f"must be between {minimum} and {maximum}, not {value}")
        return value

    def choice(self, *options: str) -> str:
        value = self.text()
        if value not in options:
            raise self.wrong(f"must be one of {', '.join(options)}, not {value!r}")
        return value

    def maybe(self, read: Callable[[Literal], _T]) -> _T | None:
        """None, or what `read` makes of it."""
        return None if isinstance(self.node, ast.Constant) and self.node.value is None else read(self)

    def items(self) -> list[Literal]:
        if not isinstance(self.node, (ast.List, ast.Tuple)):
            raise self.wrong("must be a list")
        return [Literal(self.file, f"{self.key}[{at}]", node) for at, node in enumerate(self.node.elts)]

    def entries(self) -> dict[str, Literal]:
        if not isinstance(self.node, ast.Dict):
            raise self.wrong("must be a dictionary")
        found: dict[str, Literal] = {}
        for key, value in zip(self.node.keys, self.node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise self.wrong("must have texts for keys")
            if key.value in found:
                raise Literal(self.file, self.key, key).wrong(f"has {key.value!r} twice")
            found[key.value] = Literal(self.file, f'{self.key}["{key.value}"]', value)
        return found

    def __getitem__(self, name: str) -> Literal:
        entry = self.entries().get(name)
        if entry is None:
            raise self.wrong(f'has no "{name}"')
        return entry


def read_assignments(path: Path) -> dict[str, Literal]:
    """`NAME = literal` lines of a Python file. Anything else in it but comments and docstrings is an error."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist", _FIX) from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", f"Look at it: ls -l {path}") from None
    if len(raw) > _LIMIT_BYTES:
        raise SettingsError(f"{path} has {len(raw)} bytes; no settings file is that large", _FIX)
    try:
        tree = ast.parse(raw.decode("utf-8"), filename=str(path))
    except SyntaxError as error:
        raise SettingsError(f"{path}:{error.lineno or 1}: not Python: {error.msg}", _FIX) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise SettingsError(f"{path} is not a text in Python: {error}", _FIX) from None
    found: dict[str, Literal] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                raise SettingsError(
                    f"{path}:{statement.lineno}: only `NAME = value` lines may stand here", _FIX
                )
        if name in found:
            raise SettingsError(f"{path}:{statement.lineno}: {name} is there twice", _FIX)
        found[name] = Literal(path, name, value)
    return found


def _named(value: object) -> str:
    return "None" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
