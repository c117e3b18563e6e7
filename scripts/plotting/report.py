"""One HTML file with everything in it: pictures, settings, the best points and the sortable table of all rows."""
from __future__ import annotations

import base64
import html
import os

from plotting.figures import percent
from plotting.pareto import collapse_repeats, front
from plotting.rows import RESULTS, Sweep, Value, in_text, is_number, label, show, value_label
from plotting.style import Gallery, Picture

NAME = "report.html"
KEPT = {"device", "images", "commit", "version", "adc_cost", "cost_table"}  # results shown among the settings, if several
LARGEST_SVG = 1_500_000  # bytes; a larger picture is embedded as PNG

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1200px;margin:2em auto;padding:0 1.2em}
h1{font-size:1.5em;margin-bottom:.2em} h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #ddd}
.pictures{display:flex;flex-wrap:wrap;gap:1.5em 2em;align-items:flex-start} figure{margin:0;max-width:100%}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(15em,1fr));gap:.5em 1.5em;font-size:.92em}
dl>div{border-left:3px solid #e4e4e4;padding-left:.7em;overflow-wrap:anywhere} dt{color:#666;font-size:.9em} dd{margin:0}
figure img{max-width:100%;height:auto} figcaption{color:#555;font-size:.92em;width:0;min-width:100%}
.wide{overflow-x:auto} table{border-collapse:collapse;font-size:.88em;font-variant-numeric:tabular-nums}
th,td{padding:.25em .7em;text-align:left;border-bottom:1px solid #eee;white-space:nowrap} td.n,th.n{text-align:right}
table.rows th{position:sticky;top:0;background:#f6f6f6;padding:0}
th button{all:unset;cursor:pointer;display:block;box-sizing:border-box;width:100%;padding:.4em .7em;font-weight:600}
th button:focus-visible{outline:2px solid #0072B2} th[aria-sort=ascending] button::after{content:" \\25B2"}
th[aria-sort=descending] button::after{content:" \\25BC"} tr.front td{background:#fff3ea} .quiet{color:#666}
.rows-box{max-height:36em;overflow:auto;border:1px solid #ddd;width:fit-content;max-width:100%}
"""

SCRIPT = """
document.querySelectorAll('table.rows').forEach(table => {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => head.firstChild.addEventListener('click', () => {
    const down = head.getAttribute('aria-sort') === 'ascending';
    heads.forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = row => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const order = (a, b) => {
      const x = key(a), y = key(b);
      if (x === '' || y === '') return (x === '') - (y === '');
      const difference = x - y;
      const result = Number.isNaN(difference) ? x.localeCompare(y) : difference;
      return down ? -result : result;
    };
    body.append(...[...body.rows].sort(order));
  }));
});
"""


def text(value: object) -> str:
    return html.escape(str(value), quote=True)


def embed(picture: Picture) -> str:
    svg = len(picture.svg) <= LARGEST_SVG
    data = base64.b64encode(picture.svg if svg else picture.png).decode("ascii")
    kind = "svg+xml" if svg else "png"
    return (f'<figure><img alt="{text(picture.title)}" src="data:image/{kind};base64,{data}">'
            f"<figcaption>{text(picture.caption)}</figcaption></figure>")


def constant(sweep: Sweep) -> list[str]:
    """Columns that say the same in every row: they stand above the table instead of in it."""
    found = {c: {row.get(c) for row in sweep.rows} for c in sweep.columns if c not in ("accuracy", "status")}
    for row in sweep.failed:
        for column, values in found.items():
            values.update({row.get(column)} - {None})  # a failed point has no results: they are not what differs
    return [c for c, values in found.items() if len(values) == 1 and len(sweep.rows) > 1]


def settings_list(sweep: Sweep) -> str:
    same = constant(sweep)
    lines = []
    for column in sweep.columns:
        values = sweep.values(column)
        if not values or (column in RESULTS and column not in same and column not in KEPT):
            continue
        if column == "adc_bits":
            values = [v for v in values if v != 0] + [v for v in values if v == 0]  # an ideal one is the finest
        shown = ", ".join(value_text(column, v) for v in values[:24]) + (", ..." if len(values) > 24 else "")
        lines.append(f"<div><dt>{text(label(column))}</dt><dd>{text(shown)}</dd></div>")
    return f"<dl>{''.join(lines)}</dl>"


def value_text(column: str, value: Value) -> str:
    if column in ("accuracy", "ideal_accuracy") and is_number(value):
        return f"{100 * value:.2f} %"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10000 else value_label(column, value)


def best_points(sweep: Sweep, cost: str) -> str:
    """For a few losses, the cheapest point whose mean accuracy is within it."""
    if cost not in sweep.columns or not all(is_number(r.get("ideal_accuracy")) for r in sweep.rows):
        return ""
    rows = collapse_repeats([r for r in sweep.rows if is_number(r.get(cost)) and r[cost] > 0], sweep, cost)
    varying = [c for c in sweep.settings() if sweep.varies(c) and c not in sweep.repeated()]
    lines = []
    for loss in (0.1, 0.5, 1.0, 2.0):
        fitting = [r for r in rows if 100 * (r["ideal_accuracy"] - r["accuracy"]) <= loss + 1e-9]
        if not fitting:
            lines.append(f'<tr><td class="n">{loss:g}</td><td colspan="{len(varying) + 2}" class="quiet">no point</td></tr>')
            continue
        best = min(fitting, key=lambda r: (r[cost], -r["accuracy"]))
        cells = "".join(f'<td class="n">{text(value_label(c, best.get(c)))}</td>' for c in varying)
        lines.append(f'<tr><td class="n">{loss:g}</td>{cells}<td class="n">{percent(best):.2f}</td>'
                     f'<td class="n">{best[cost]:,.6g}</td></tr>')
    heads = "".join(f'<th class="n">{text(label(c))}</th>' for c in varying)
    return (f'<h2>Cheapest point within a loss of accuracy</h2><div class="wide"><table><tr><th class="n">Loss, points</th>'
            f'{heads}<th class="n">Accuracy (%)</th><th class="n">{text(label(cost))}</th></tr>{"".join(lines)}</table></div>')


def cell(column: str, value: Value) -> str:
    if value is None:
        return '<td data-v=""></td>'
    if column in ("accuracy", "ideal_accuracy") and is_number(value):
        return f'<td class="n" data-v="{value!r}">{100 * value:.2f}</td>'
    if is_number(value):
        return f'<td class="n" data-v="{value!r}">{text(value_text(column, value))}</td>'
    return f"<td>{text(show(value))}</td>"


def rows_table(sweep: Sweep, cost: str) -> str:
    same = constant(sweep)
    columns = [c for c in sweep.columns if c not in same and c != "key"]  # a key names a row to sramsim, not to people
    heads = "".join(f'<th class="{"n" if all(is_number(v) for v in sweep.values(c)) and sweep.values(c) else ""}">'
                    f'<button type="button">{text(c)}{" %" if c in ("accuracy", "ideal_accuracy") else ""}</button></th>'
                    for c in columns)
    marked = set()
    if cost in sweep.columns:
        priced = [r for r in sweep.rows if is_number(r.get(cost)) and r[cost] > 0]
        marked = {id(priced[i]) for i in front([(r[cost], percent(r)) for r in priced])}
    body = "".join(f'<tr{" class=front" if id(row) in marked else ""}>{"".join(cell(c, row.get(c)) for c in columns)}</tr>\n'
                   for row in sweep.rows + sweep.failed)
    note = f" Tinted rows lie on the Pareto front of accuracy and {text(in_text(cost))}." if marked else ""
    if same:
        note = " What is the same in all rows stands above, under Settings." + note
    return (f"<h2>All rows</h2><p class=quiet>A click on a column's name sorts by it.{note}</p>"
            f'<div class="rows-box"><table class="rows"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>')


def write(gallery: Gallery, sweep: Sweep, x: str, by: str, cost: str) -> None:
    title = gallery.title or f"Sweep {os.path.basename(sweep.name)}"
    notes = "".join(f"<li>{text(note)}</li>" for note in sweep.notes)
    notes += "".join(f"<li>Left out: {text(what)}: {text(why)}.</li>" for what, why in gallery.left_out)
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{text(title)}</title><style>{STYLE}</style></head><body>
<h1>{text(title)}</h1><p class=quiet>{len(sweep.rows)} rows of {text(os.path.basename(sweep.name))}</p>
<h2>Settings</h2>{settings_list(sweep)}
{best_points(sweep, cost)}
<h2>Pictures</h2><div class="pictures">{"".join(embed(p) for p in gallery.pictures) or "<p>The rows fill no picture.</p>"}</div>
{f"<ul class=quiet>{notes}</ul>" if notes else ""}
{rows_table(sweep, cost)}
<script>{SCRIPT}</script></body></html>
"""
    gallery.write(NAME, page.encode("utf-8"))
    gallery.report = NAME
