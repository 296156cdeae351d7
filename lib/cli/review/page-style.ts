/** The page's whole style. Colours have names, so that a dark screen changes only those. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1f2328; --soft: #57606a; --line: #d0d7de; --box: #f6f8fa; --link: #0550ae;
  --old: #ffebe9; --old-word: #ffb8b0; --new: #e6ffec; --new-word: #90e0a5; --empty: #f0f2f4;
  --scrapes: #0550ae; --probes: #8250df; --alerts: #bc4c00; --warn: #9a6700; --warn-box: #fff8c5; --bad: #b3261e; --good: #1a7f37;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --text: #e6edf3; --soft: #9da7b3; --line: #3d444d; --box: #161b22; --link: #79c0ff;
    --old: #3b1719; --old-word: #8e2f31; --new: #12301d; --new-word: #1f6f3a; --empty: #12171e;
    --scrapes: #79c0ff; --probes: #d2a8ff; --alerts: #ffa657; --warn: #e3b341; --warn-box: #2d2405; --bad: #ff7b72; --good: #56d364;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem clamp(0.75rem, 2.5vw, 2rem) 4rem; max-width: 92rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 0.25rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 0.75rem; padding-bottom: 0.3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 0.5rem; }
p, ul { margin: 0.5rem 0; }
ul { padding-left: 1.4rem; }
a { color: var(--link); }
code, .diff, svg text { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; }
code { font-size: 0.875em; }
.soft { color: var(--soft); }
.skip { position: absolute; left: -100vw; }
.skip:focus { position: static; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.remark { border-left: 4px solid var(--warn); background: var(--warn-box); padding: 0.5rem 0.75rem; margin: 0.75rem 0; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
.summary { border-collapse: collapse; width: 100%; }
.summary th, .summary td { padding: 0.45rem 0.75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
.summary tr:last-child > * { border-bottom: 0; }
.summary .count { text-align: right; font-variant-numeric: tabular-nums; }
.summary thead th { background: var(--box); white-space: nowrap; }
.summary td { min-width: 4.5rem; }
.summary tbody th { white-space: nowrap; }
.summary td.wide { min-width: 15rem; }
details.change { border: 1px solid var(--line); border-radius: 8px; margin: 0.6rem 0; overflow: hidden; }
summary { cursor: pointer; padding: 0.5rem 0.75rem; }
details.change > summary { background: var(--box); }
details.change > summary:focus-visible { outline-offset: -3px; }
details.change > ul { padding: 0.25rem 0.75rem 0.25rem 2rem; }
.sign { display: inline-block; width: 1.1em; font-weight: 700; }
.create .sign { color: var(--good); } .update .sign { color: var(--warn); } .delete .sign { color: var(--bad); }
.plus { color: var(--good); } .minus { color: var(--bad); }
.tag { border: 1px solid currentColor; border-radius: 1em; padding: 0 0.5em; font-size: 0.8rem; color: var(--bad); }
.diff { width: 100%; border-collapse: collapse; table-layout: fixed; font-size: 0.8125rem; line-height: 1.45; border-top: 1px solid var(--line); }
.diff .numbers { width: 4.25em; }
.diff td { position: relative; padding: 0 0.5em 0 1.75em; vertical-align: top; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.diff .mark { position: absolute; left: 0.5em; user-select: none; }
.diff .number { padding-left: 0.25em; text-align: right; color: var(--soft); user-select: none; white-space: nowrap; overflow-wrap: normal; }
.diff .old { background: var(--old); } .diff .new { background: var(--new); } .diff .none { background: var(--empty); }
.diff del, .diff ins { text-decoration: none; border-radius: 2px; }
.diff del { background: var(--old-word); } .diff ins { background: var(--new-word); }
.diff .hunk td { background: var(--box); color: var(--soft); }
.diff .number + td { border-right: 1px solid var(--line); } .diff td:last-child { border-right: 0; }
.map { display: block; min-width: 50rem; width: 100%; max-width: 72rem; height: auto; margin: 0 auto; }
.map text { font-size: 12.5px; fill: var(--text); }
.map .host > rect { fill: var(--box); stroke: var(--line); } .map .host > text { font-size: 15px; font-weight: 700; }
.map .unknown > rect { stroke-dasharray: 5 4; }
.map .service > rect { fill: var(--page); stroke: var(--soft); }
.map .service .ports { fill: var(--soft); }
.map .restarts > rect, .map .reloads > rect { stroke: var(--warn); stroke-width: 2.5; fill: var(--warn-box); }
.map .starts > rect { stroke: var(--good); stroke-width: 2.5; } .map .stops > rect { stroke: var(--bad); stroke-width: 2.5; }
.map .edge { fill: none; stroke-width: 1.4; opacity: 0.8; }
.map .edge.scrapes, .key .scrapes { stroke: var(--scrapes); } .map .edge.probes, .key .probes { stroke: var(--probes); stroke-dasharray: 5 3; }
.map .edge.alerts, .key .alerts { stroke: var(--alerts); stroke-dasharray: 2 3; }
.map .edge:hover { stroke-width: 3; opacity: 1; }
.map marker.scrapes { fill: var(--scrapes); } .map marker.probes { fill: var(--probes); } .map marker.alerts { fill: var(--alerts); }
.key { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; padding: 0; list-style: none; }
.key svg { vertical-align: middle; }
@media (max-width: 48rem) {
  .diff, .diff tbody { display: block; }
  .diff tr { display: grid; grid-template-columns: 3.6em minmax(0, 1fr); }
  .diff .hunk td, .diff .cut td { grid-column: 1 / -1; }
  .diff .none, .diff .same .again { display: none; }
  .diff .number + td { border-right: 0; }
}
@media print { details.change { break-inside: avoid-page; } .skip { display: none; } }
`;
