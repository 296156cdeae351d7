"""Plans cases from standard input (JSON, see rollback-planner.test.ts) and prints each transaction's files as JSON."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3] / "templates/ai-node/opt/citadel/lib"))

from citadel_node.program import ProgramError
from citadel_node.rollback.document import expand
from citadel_node.rollback.payload import Order, build_files, make_plan
from citadel_node.rollback.state import (
    Observed,
    SeenBefore,
    SeenMount,
    SeenPath,
    SeenUnit,
    SeenUser,
    Situation,
)
from citadel_node.rollback.way_in import way_in


def _observed(data: dict[str, Any]) -> Observed:
    def unit(one: dict[str, Any]) -> SeenUnit:
        return SeenUnit(one["load"], one["active"], one["fileState"], one["needDaemonReload"])

    def user(one: dict[str, Any]) -> SeenUser:
        return SeenUser(**{**one, "groups": tuple(one["groups"])})

    def mount(one: dict[str, Any]) -> SeenMount:
        return SeenMount(one["source"], one["type"], tuple(one["options"]), one.get("label"))

    return Observed(
        {path: SeenPath(**one) for path, one in data["paths"].items()},
        {path: base64.b64decode(one) for path, one in data["contents"].items()},
        {name: unit(one) for name, one in data["units"].items()},
        data["packages"],
        data["groups"],
        {name: user(one) for name, one in data["users"].items()},
        {path: mount(one) for path, one in data["mounts"].items()},
        {path: SeenBefore(**one) for path, one in data["before"].items()},
    )


def _files(case: dict[str, Any]) -> dict[str, str] | None:
    secrets = {name: value.encode() for name, value in case["secrets"].items()}
    observed = _observed(case["observed"])
    situation = Situation(expand(case["manifest"]), case["facts"], case["applied"], observed)
    try:
        plan = make_plan(situation, secrets, observed.contents.get)
    except ProgramError:
        return None
    order = Order("id", "who", "summary", 0, 60, 7, {}, {}, {}, secrets)
    files = build_files(plan, order)
    files["way-in"] = str(bool(way_in(situation, plan.changes, plan.actions))).lower().encode()
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


print(json.dumps([_files(case) for case in json.load(sys.stdin)]))
