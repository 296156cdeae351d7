"""Charts as SVG text: no script, colours from the page's variables, words for those who do not see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 30


def line_chart(
    identity: str,
    title: str,
    description: str,
    points: Sequence[tuple[float, float]],
    *,
    begin: float,
    end: float,
    top: float,
    gap: float,
    ticks: Sequence[tuple[float, str]],
    unit: str,
) -> str:
    """One series over time. `top` is the upper end of the scale; a gap in time longer than `gap` interrupts the line."""
    across, up = _scales(begin, end, top)
    pieces: list[list[str]] = []
    before: float | None = None
    for x, y in points:
        if before is None or x - before > gap:
            pieces.append([])
        pieces[-1].append(f"{across(x):.1f},{up(min(y, top)):.1f}")
        before = x
    body = "".join(
        f'<polyline class="line" points="{" ".join(piece)}"/>'
        if len(piece) > 1
        else f'<circle class="dot" cx="{piece[0].split(",")[0]}" cy="{piece[0].split(",")[1]}" r="2.5"/>'
        for piece in pieces
    )
    return _svg(identity, title, description, _axes(across, up, top, ticks, unit) + body)


def day_bars(
    identity: str, title: str, description: str, days: Sequence[tuple[int, int, int]], last_day: int
) -> str:
    """(day, critical, warning), one bar a day, critical below. Both are told apart by pattern as well as by colour."""
    most = max((critical + warning for _, critical, warning in days), default=0)
    top = max(4, -(-most // 4) * 4)
    across, up = _scales(0.5, last_day + 0.5, float(top))
    wide = (across(2) - across(1)) * 0.7
    body = []
    for day, critical, warning in days:
        left = across(day) - wide / 2
        words = escape(f"day {day}: {critical} critical, {warning} warning")
        rects = ""
        for name, low, high in (("critical", 0, critical), ("warning", critical, critical + warning)):
            if high > low:
                rects += (
                    f'<rect class="{name}" x="{left:.1f}" y="{up(high):.1f}" width="{wide:.1f}" '
                    f'height="{up(low) - up(high):.1f}"/>'
                )
        if rects:
            body.append(f"<g><title>{words}</title>{rects}</g>")
    ticks = [(float(day), str(day)) for day in range(1, last_day + 1, 3)]
    return _svg(identity, title, description, _axes(across, up, float(top), ticks, "") + "".join(body))


def share_bar(share: float, label: str) -> str:
    """A bar of a table's row: 0 to 1."""
    full = max(0.0, min(1.0, share)) * 120
    return (
        f'<svg class="share" viewBox="0 0 120 10" width="120" height="10" role="img" aria-label="{escape(label)}">'
        f'<rect class="track" width="120" height="10" rx="2"/><rect class="fill" width="{full:.1f}" height="10" rx="2"/></svg>'
    )


def _scales(
    begin: float, end: float, top: float
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    span = max(end - begin, 1e-9)

    def across(x: float) -> float:
        return LEFT + (x - begin) / span * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - y / max(top, 1e-9) * (HEIGHT - TOP - BOTTOM)

    return across, up


def _axes(
    across: Callable[[float], float],
    up: Callable[[float], float],
    top: float,
    ticks: Sequence[tuple[float, str]],
    unit: str,
) -> str:
    found = []
    for step in range(5):
        value = top * step / 4
        y = up(value)
        found.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        found.append(
            f'<text class="scale" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(f"{value:g}{unit}")}</text>'
        )
    for x, words in ticks:
        found.append(
            f'<text class="scale" x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(words)}</text>'
        )
    return "".join(found)


def _svg(identity: str, title: str, description: str, body: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{identity}-t {identity}-d">'
        f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(description)}</desc>{body}</svg>'
    )
