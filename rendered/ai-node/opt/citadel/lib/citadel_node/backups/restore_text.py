"""What `backup_manager.py restore` says of a model."""

from __future__ import annotations

import time

from citadel_node.backups.restore import Outcome
from citadel_node.output import duration_text, size_text


def line(outcome: Outcome) -> str:
    lines = [f"{outcome.model}: {_words(outcome)}"]
    lines.extend(f"  not from {one.archive}: {one.why}" for one in outcome.skipped)
    if outcome.fix:
        lines.append(f"  {outcome.fix}")
    return "\n".join(lines)


def _words(outcome: Outcome) -> str:
    age = "" if outcome.created is None else f", {duration_text(time.time() - outcome.created)} old"
    match outcome.how:
        case "whole":
            return f"is whole, as {outcome.source} has it"
        case "unverified":
            return "is there; no archive has the same to compare it with"
        case "restored" | "copied":
            took = duration_text(outcome.seconds)
            return f"{outcome.how} from {outcome.source} ({size_text(outcome.bytes)} in {took}{age})"
        case "restore":
            return f"would be restored from {outcome.source} ({size_text(outcome.bytes)}{age})"
        case "copy":
            return f"would be copied from {outcome.source}"
        case _:
            return f"{outcome.how}: {outcome.error}"
