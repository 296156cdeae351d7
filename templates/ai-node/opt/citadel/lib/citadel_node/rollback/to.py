"""Going back to a generation: what would be done, and doing it by the engine's own transaction."""

from __future__ import annotations

import base64
import os
import secrets as random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citadel_node.program import EXIT_BUSY, EXIT_FAILED, EXIT_OK, ProgramError
from citadel_node.rollback.generations import Store
from citadel_node.rollback.observe import observe
from citadel_node.rollback.operations import US, summary
from citadel_node.rollback.payload import Order, Plan, archive, build_files, make_plan
from citadel_node.rollback.state import Situation

DEADLINE_SEC = 1800


@dataclass(frozen=True)
class Prepared:
    """Everything that is needed to go to generation `number`."""

    number: int
    current: int
    plan: Plan
    order: Order

    @property
    def needed(self) -> bool:
        """Whether anything would differ afterwards, if only the record."""
        return bool(self.plan.changes or self.plan.actions) or self.number != self.current


@dataclass(frozen=True)
class Outcome:
    """`word`: committed, rolled-back, refused, locked, undo-failed, interrupted; `generation`: where the host is."""

    word: str
    generation: int | None
    failure: str = ""
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        return {"committed": EXIT_OK, "locked": EXIT_BUSY}.get(self.word, EXIT_FAILED)


def prepare(store: Store, number: int, who: str, wait_sec: int) -> Prepared:
    """Looks at the host and plans. Raises ProgramError, with nothing touched, when the generation is not complete."""
    store.need(number)
    programs = store.programs()
    current = store.current()
    assert current is not None, "a host with programs has a current generation"
    content = store.complete(number)
    if content.missing:
        raise ProgramError(
            f"generation {number} cannot be had from what this host keeps. Missing: {'; '.join(content.missing)}",
            f"Nothing was changed. From the operator's machine: citadel-iac rollback HOST --to {number}",
        )
    applied = store.document(current, "index.json")
    observed = observe(store.path(current) / "bin/observe.sh", content.wanted, applied)
    situation = Situation(content.wanted, content.facts, applied, observed)
    plan = make_plan(situation, content.secrets, _read)
    digest = (store.path(number) / "digest").read_bytes()
    order = Order(
        id=f"{digest.decode().strip()[:12]}-{random.token_hex(4)}",
        who=who,
        summary=f"rollback to {number} on the host by {who}: {summary(plan.changes)}",
        wait_sec=wait_sec,
        deadline_sec=DEADLINE_SEC,
        generation=current,
        retention=store.retention(),
        record={"manifest.json": store.document_bytes(number, "manifest.json"), "digest": digest},
        programs=programs,
        secrets=content.secrets,
    )
    return Prepared(number, current, plan, order)


def carry_out(store: Store, prepared: Prepared, tell: Callable[[str], None]) -> Outcome:
    """Hands the transaction over and follows it. It goes on without us, whatever becomes of us."""
    data = archive(prepared.order.id, build_files(prepared.plan, prepared.order))
    program = store.path(prepared.current) / "bin/apply.sh"
    process = subprocess.Popen(
        ["/bin/sh", str(program), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C here must not stop what is at work.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as pipe:
        pipe.write(data)
    reader = _Reader(tell)
    for line in process.stdout:
        reader.read(line.decode(errors="replace").rstrip("\n"))
    process.wait()
    return reader.outcome()


class _Reader:
    """The records of tx-journal.sh."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._word = "interrupted"
        self._generation: int | None = None
        self._failure = ""
        self._notes: list[str] = []

    def read(self, line: str) -> None:
        kind, *fields = line.split(US)
        if kind == "step":
            self._tell(" ".join(fields).strip())
        elif kind == "note":
            self._note(fields[0])
        elif kind == "idle":
            self._note(f"did not start again with the files of before: {fields[0]}")
        elif kind == "left":
            what = fields[1] if fields[0] == "path" else " ".join(fields[:2]).strip()
            self._note(f"could not be undone: {what}: {fields[2]}")
        elif kind == "failure":
            where = f"{fields[0]} {fields[1]}".strip()
            self._failure = f"{where}: {_decoded(fields[2])}"
        elif kind == "locked":
            self._failure = (
                f"{fields[0]} is at work on this host since {fields[1] if len(fields) > 1 else '?'}"
            )
        elif kind == "unstaged":
            self._word, self._failure = "refused", _decoded(fields[0])
        elif kind == "end":
            self._word = fields[0]
            self._generation = int(fields[1]) if fields[1:] and fields[1].isdigit() else None

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._tell(text)

    def outcome(self) -> Outcome:
        return Outcome(self._word, self._generation, self._failure, tuple(self._notes))


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace").strip()


def _read(path: str) -> bytes | None:
    file = Path(path)
    return file.read_bytes() if file.is_file() and os.stat(file).st_size <= 1 << 20 else None
