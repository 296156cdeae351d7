"""The report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from citadel_node.output import time_text, width
from citadel_node.report.content import Section, Table
from citadel_node.report.data import Report


def markdown(report: Report, sections: Sequence[Section]) -> str:
    parts = [
        f"# {escape(report.node)}, {report.month}",
        f"Made {time_text(report.made_at)} by generate_monthly_report.py. Times are UTC.",
    ]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += [escape(words) for words in section.words]
        parts += [_table(table) for table in section.tables]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """What would be read as Markdown, and line ends."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _table(table: Table) -> str:
    lines = [[escape(cell) for cell in row] for row in (table.headers, *table.rows)]
    widths = [max(3, *(width(line[at]) for line in lines)) for at in range(len(table.headers))]

    def show(line: Sequence[str]) -> str:
        cells = []
        for at, cell in enumerate(line):
            space = " " * (widths[at] - width(cell))
            cells.append(space + cell if at in table.right else cell + space)
        return "| " + " | ".join(cells) + " |"

    rule = [("-" * (size - 1) + ":") if at in table.right else "-" * size for at, size in enumerate(widths)]
    return "\n".join([show(lines[0]), "| " + " | ".join(rule) + " |", *(show(line) for line in lines[1:])])
