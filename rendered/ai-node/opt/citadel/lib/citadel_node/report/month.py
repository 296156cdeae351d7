"""A calendar month in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from citadel_node.program import UsageError


@dataclass(frozen=True, order=True)
class Month:
    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @staticmethod
    def of(at: float) -> Month:
        there = datetime.fromtimestamp(at, UTC)
        return Month(there.year, there.month)

    @staticmethod
    def parse(text: str) -> Month:
        """`2026-11`. UsageError for anything else."""
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) or text < "1970":
            raise UsageError(f"{text!r} is not a month", "Write it as 2026-11.")
        return Month(int(text[:4]), int(text[5:]))

    @property
    def before(self) -> Month:
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    @property
    def after(self) -> Month:
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    @property
    def begin(self) -> float:
        return datetime(self.year, self.number, 1, tzinfo=UTC).timestamp()

    @property
    def end(self) -> float:
        """The first second that is not in it."""
        return self.after.begin

    @property
    def days(self) -> int:
        return round((self.end - self.begin) / 86400)

    def day_of(self, at: float) -> int:
        """1 … days."""
        return int((at - self.begin) // 86400) + 1
