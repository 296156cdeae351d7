"""The view as rich tables. Everything that comes from elsewhere is a Text: no word of it can be markup."""

from __future__ import annotations

from citadel_node import output
from citadel_node.dashboard.data import View
from citadel_node.monitor.observation import ModelFacts
from citadel_node.monitor.rules import counts_words
from citadel_node.settings import Settings
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

BAR_CELLS = 12


def screen(view: View, settings: Settings, hint: str = "") -> RenderableType:
    return Group(
        overview(view, settings, hint),
        models(view, settings),
        gpus(view),
        disks(view, settings),
        backups(view),
        alerts(view),
    )


def overview(view: View, settings: Settings, hint: str) -> Panel:
    seen = view.seen
    counts = {
        name: sum(1 for each in view.alerts if each["severity"] == name) for name in ("critical", "warning")
    }
    colour = "red" if counts["critical"] else "yellow" if counts["warning"] else "green"
    serving = sum(1 for model in seen.models.values() if _serves(model))
    line = Text()
    line.append(f"{serving} of {len(settings.models)} models serve", "bold")
    line.append("   ")
    line.append(counts_words(counts), f"bold {colour}")
    line.append(
        f"\ncpu {_percent(seen.cpu_percent)}   memory {_percent(seen.memory_percent)}   load {_number(seen.load1)}"
    )
    if seen.boot_time is not None:
        line.append(f"   up {output.duration_text(view.at - seen.boot_time)}")
    if seen.source != "exporter":
        line.append("\nthe metrics exporter does not answer: measured here", "yellow")
    title = f"{settings.node.name} ({settings.node.address})  {output.time_text(view.at)}"
    return Panel(line, title=Text(title), subtitle=Text(hint) if hint else None, box=box.ROUNDED)


def models(view: View, settings: Settings) -> Table:
    table = _table("Models", "model", "port", "state", ">probe", ">restarts")
    for name, model in settings.models.items():
        facts = view.seen.models.get(name)
        word, colour = state_of(facts)
        probe = "-" if facts is None or facts.probe_sec is None else f"{1000 * facts.probe_sec:.0f} ms"
        table.add_row(
            Text(name),
            Text(str(model.port)),
            Text(word, colour),
            Text(probe),
            Text(str(view.restarts.get(name, 0))),
        )
    return table


def state_of(facts: ModelFacts | None) -> tuple[str, str]:
    """(word, colour) for a person."""
    if facts is None or facts.up is None:
        return "unknown", "dim"
    if facts.up:
        if facts.probe is False:
            return "answers, serves nothing", "red"
        return ("serves" if facts.probe else "answers"), "green"
    if facts.active:
        return "active, does not answer", "red"
    return "not running", "yellow"


def gpus(view: View) -> Table:
    table = _table("GPUs", "gpu", "memory", "", ">load", ">temperature", ">power")
    for name, gpu in view.seen.gpus.items():
        used, total = gpu.memory_used_bytes, gpu.memory_total_bytes
        share = 100 * used / total if used is not None and total else None
        memory = (
            "-" if used is None or total is None else f"{output.size_text(used)} of {output.size_text(total)}"
        )
        table.add_row(
            Text(name),
            _bar(share),
            Text(memory),
            Text(_percent(gpu.utilization_percent)),
            Text("-" if gpu.temperature_celsius is None else f"{gpu.temperature_celsius:.0f} °C"),
            Text("-" if gpu.power_watts is None else f"{gpu.power_watts:.0f} W"),
        )
    if not view.seen.gpus:
        words = "nvidia-smi does not answer" if view.seen.gpu_query is False else "nothing known"
        table.add_row(Text("-"), Text(words, "red" if view.seen.gpu_query is False else "dim"))
    return table


def disks(view: View, settings: Settings) -> Table:
    table = _table("Disks", "mount point", "used", ">", ">left")
    threshold = settings.thresholds.disk_percent
    for path, mount in view.seen.mounts.items():
        if not mount.mounted:
            table.add_row(Text(path), Text("not mounted", "red"))
            continue
        level = "ok" if mount.used_percent is None else threshold.level(mount.used_percent)
        left = "-" if mount.available_bytes is None else output.size_text(mount.available_bytes)
        colour = {"critical": "red", "warning": "yellow"}.get(level, "green")
        table.add_row(
            Text(path), _bar(mount.used_percent, colour), Text(_percent(mount.used_percent)), Text(left)
        )
    for path, ok in view.seen.links.items():
        if not ok:
            table.add_row(Text(path), Text("broken link", "yellow"))
    return table


def backups(view: View) -> Table:
    table = _table("Backups", "backup", "last good", "state", ">size")
    for each in view.backups:
        overdue = each.overdue(view.at)
        ago = (
            "never"
            if each.last_success is None
            else f"{output.duration_text(view.at - each.last_success)} ago"
        )
        state = (
            "failed"
            if each.last_run_ok is False
            else "overdue"
            if overdue
            else "-"
            if each.last_success is None
            else "ok"
        )
        size = "-" if each.size_bytes is None else output.size_text(each.size_bytes)
        table.add_row(
            Text(each.name),
            Text(ago),
            Text(state, {"ok": "green", "-": "dim"}.get(state, "yellow")),
            Text(size),
        )
    return table


def alerts(view: View) -> Table:
    table = _table("Alerts", "severity", "since", "what, and what to do")
    for each in view.alerts:
        colour = "red" if each["severity"] == "critical" else "yellow"
        what = Text(output.clean(each["message"]))
        what.append(f"\n{output.clean(each['fix'])}", "dim")
        table.add_row(Text(each["severity"], colour), Text(each["since"]), what)
    if not view.alerts:
        table.add_row(Text("none", "green"))
    return table


def _serves(facts: ModelFacts) -> bool:
    return bool(facts.up) and facts.probe is not False


def _table(title: str, *columns: str) -> Table:
    """A column whose name begins with `>` stands on the right."""
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title_style="bold",
        expand=False,
    )
    for name in columns:
        table.add_column(
            name.removeprefix(">"), justify="right" if name.startswith(">") else "left", overflow="fold"
        )
    return table


def _bar(percent: float | None, colour: str = "cyan") -> Text:
    if percent is None:
        return Text("-", "dim")
    full = min(BAR_CELLS, max(0, round(percent / 100 * BAR_CELLS)))
    return Text("█" * full, colour) + Text("░" * (BAR_CELLS - full), "dim")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
