"""The report as one HTML page: no script, nothing from elsewhere, readable in the dark, on paper and by a screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from citadel_node.output import time_text
from citadel_node.report.chart import share_bar
from citadel_node.report.content import Section, Table
from citadel_node.report.data import Report

# Contrast against the background: text at least 7:1, marks at least 3:1, in both schemes.
_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --quiet: #4f5863; --rule: #d5dae0; --line: #0b62a8;
  --critical: #b3261e; --warning: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171b; --text: #e8ebee; --quiet: #aab3bd; --rule: #363d45; --line: #6cb6ff;
    --critical: #ff8a80; --warning: #e3b341; }
}
body { margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 56rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { margin: .4rem 0; } .quiet { color: var(--quiet); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th.right, td.right { text-align: right; }
figure { margin: 1rem 0; } figcaption { color: var(--quiet); }
svg { display: block; width: 100%; height: auto; } svg.share { width: 7.5rem; display: inline-block; }
.grid { stroke: var(--rule); stroke-width: 1; } .scale { fill: var(--quiet); font-size: 11px; }
.line { fill: none; stroke: var(--line); stroke-width: 2; stroke-linejoin: round; } .dot { fill: var(--line); }
rect.critical { fill: var(--critical); } rect.warning { fill: none; stroke: var(--warning); stroke-width: 1.5; }
rect.track { fill: var(--rule); } rect.fill { fill: var(--line); }
@media print { body { max-width: none; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
"""


def page(report: Report, sections: Sequence[Section]) -> str:
    title = escape(f"{report.node}, {report.month}")
    body = "".join(_section(section) for section in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Whatever stands in the data: nothing is ever fetched or run.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f'<p class="quiet">Made {escape(time_text(report.made_at))} by generate_monthly_report.py. Times are UTC.</p>\n'
        f"{body}</main>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    words = "".join(f"<p>{escape(each)}</p>\n" for each in section.words)
    charts = "".join(
        f"<figure>{each}<figcaption>{_caption(each)}</figcaption></figure>\n" for each in section.charts
    )
    tables = "".join(_table(section.title, each) for each in section.tables)
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{words}{charts}{tables}</section>\n"


def _caption(svg: str) -> str:
    """The chart's own title, which only some see otherwise. It is escaped already."""
    return svg.partition("<title")[2].partition(">")[2].partition("</title>")[0]


def _table(name: str, table: Table) -> str:
    def cell(tag: str, at: int, text: str) -> str:
        side = ' class="right"' if at in table.right else ""
        scope = ' scope="col"' if tag == "th" else ""
        return f"<{tag}{side}{scope}>{escape(text)}</{tag}>"

    head = "".join(cell("th", at, text) for at, text in enumerate(table.headers))
    if table.shares:
        head += '<th scope="col"><span class="quiet">share</span></th>'
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(cell("td", at, text) for at, text in enumerate(row))
        if table.shares:
            cells += (
                f"<td>{share_bar(table.shares[number], f'{100 * table.shares[number]:.1f} percent')}</td>"
            )
        rows.append(f"<tr>{cells}</tr>\n")
    return (
        f'<div class="wide"><table aria-label="{escape(name)}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table></div>\n"
    )
