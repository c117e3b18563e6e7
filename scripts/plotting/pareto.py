"""Accuracy against a cost, with the Pareto front."""
from __future__ import annotations

import math

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from plotting import style
from plotting.figures import (close_rows, draw_ideal, grid, ideal_handle, ideal_note, ideals, legends_beside, percent,
                              scale_of, series_looks)
from plotting.rows import Sweep, in_text, is_number, label, mean_low_high, value_label

FILLS = ["full", "none", "bottom"]  # of markers, where a third setting varies


def front(points: list[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other one beats: none costs as little or less and is as accurate or more."""
    best, kept = -math.inf, []
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if points[i][1] > best:
            kept.append(i)
            best = points[i][1]
    return kept


def scaled_unit(column: str, values: list[float]) -> tuple[float, str]:
    """Factor and label that keep the numbers of an axis short: nJ to uJ or mJ, us to ms."""
    steps = {"nj": ["nJ", "µJ", "mJ"], "us": ["µs", "ms", "s"]}.get(column.rsplit("_", 1)[-1])
    if not steps:
        return 1.0, label(column)
    middle = float(np.median(values))
    level = min(len(steps) - 1, max(0, int(math.log10(middle) // 3))) if middle > 0 else 0
    name = label(column)
    return 1000.0**-level, name[: name.rindex("(")] + f"({steps[level]})" if "(" in name else f"{name} ({steps[level]})"


def collapse_repeats(rows: list[dict], sweep: Sweep, cost: str) -> list[dict]:
    """One point per design point: the mean accuracy and the mean cost of its repeats."""
    settings = [column for column in sweep.settings() if column not in {"seed", "chip"} and column not in sweep.repeated()]
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(column) for column in settings), []).append(row)
    return [{**group[0], "accuracy": mean_low_high(group, lambda r: r["accuracy"])[0],
             cost: mean_low_high(group, lambda r: r[cost])[0]} for group in groups.values()]


def cost_front(gallery: style.Gallery, sweep: Sweep, cost: str, x: str, by: str) -> None:
    what = f"accuracy against {in_text(cost)}"
    if cost not in sweep.columns:
        gallery.leave_out(what, f"the rows have no column {cost}")
        return
    rows = [row for row in sweep.rows if is_number(row.get(cost)) and row[cost] > 0]
    if len(rows) < len(sweep.rows):
        gallery.leave_out(f"{what}, {len(sweep.rows) - len(rows)} of {len(sweep.rows)} rows", f"{cost} is not above 0")
    rows = collapse_repeats(rows, sweep, cost)
    if len({(row[cost], row["accuracy"]) for row in rows}) < 2:
        gallery.leave_out(what, "needs two different points or more")
        return
    factor, name = scaled_unit(cost, [row[cost] for row in rows])
    points = [(row[cost] * factor, percent(row)) for row in rows]
    scale = scale_of(rows, with_ideal=True)
    looks = series_looks(by, sweep.values(by)) if sweep.values(by) else {}
    looks = {v: look for v, look in looks.items() if any(row.get(by) == v for row in rows)}
    markers = {v: style.MARKERS[i % len(style.MARKERS)] for i, v in enumerate(sweep.values(x))}
    kinds = [text for text, _ in sweep.panels([x, by])]
    fills = FILLS if 1 < len(kinds) <= len(FILLS) else FILLS[:1]
    kind_of = {id(row): k for k, (_, members) in enumerate(Sweep(sweep.name, sweep.columns, rows, []).panels([x, by]))
               for row in members} if len(fills) > 1 else {}
    dots = [(markers.get(row.get(x), "o"), looks.get(row.get(by), (style.OKABE_ITO[0],))[0],
             fills[kind_of.get(id(row), 0) % len(fills)]) for row in rows]
    kept = front(points)
    enlarged = close_rows(rows, scale)
    figure, axes = grid(2, 4.3, 4.2, sharey=False) if enlarged else grid(1, 7.0, 4.4)
    for axis, part in zip(axes, (rows, enlarged)):
        draw_ideal(axis, rows)
        draw_points(axis, points, dots, kept, clip=part is not rows)
        scale_of(part, with_ideal=True).apply(axis)
        cost_axis(axis, [row[cost] * factor for row in part], name)
    if enlarged:
        axes[0].set_title("All points")
        axes[1].set_title("The best, enlarged")
        axes[1].set_ylabel("")
    blocks = front_legends(x, by, looks, markers, rows)
    if len(fills) > 1:
        blocks.append(("", [Line2D([], [], linestyle="none", marker="o", color="#666666", fillstyle=fill, markersize=7,
                                   label=text) for text, fill in zip(kinds, fills)]))
    legends_beside(axes, blocks)
    unseen = sweep.panel_settings([x, by]) if len(fills) == 1 else []
    for axis in axes:
        label_front(axis, [(points[i], front_label(rows[i], x, by, sweep, unseen)) for i in kept], points,
                    [p for p, _ in ideals(rows)])
    caption = (f"Accuracy against {in_text(cost)}. The line is the Pareto front: no point of the sweep costs as little and "
               "is more accurate."
               + (f" The {'left ' if enlarged else ''}accuracy axis is logarithmic in the error." if scale.logarithmic else "")
               + (" Points are means over repeats." if sweep.repeated() else "") + ideal_note(rows))
    gallery.add(figure, f"accuracy_{cost}", f"Accuracy against {in_text(cost)}", caption)


def draw_points(axis, points: list[tuple[float, float]], dots: list[tuple], kept: list[int], clip: bool) -> None:
    """Dots of (marker, colour, fill), and the front over those that it keeps."""
    for (at, accuracy), (marker, color, fill) in zip(points, dots):
        axis.plot(at, accuracy, linestyle="none", marker=marker, markersize=7, color=color, fillstyle=fill,
                  markeredgecolor="white" if fill == "full" else color, markeredgewidth=0.5 if fill == "full" else 1.3,
                  markerfacecoloralt="white", zorder=3, clip_on=clip)
    axis.step([points[i][0] for i in kept], [points[i][1] for i in kept], where="post", color=style.ALERT, linewidth=1.4,
              zorder=2)


def cost_axis(axis, values: list[float], name: str) -> None:
    low, high = min(values), max(values)
    if high / low >= 3:
        axis.set_xscale("log")
        axis.set_xlim(low / (high / low) ** 0.12, high * (high / low) ** 0.08)
        steps = (1, 2, 5) if high / low >= 10 else (1, 1.5, 2, 3, 4, 5, 7)
        ticks = [m * 10.0**e for e in range(-9, 10) for m in steps]
        inside = [t for t in ticks if axis.get_xlim()[0] <= t <= axis.get_xlim()[1]]
        if len(inside) > 8:
            inside = [t for t in inside if str(f"{t:e}")[0] == "1"] or inside
        axis.set_xticks(inside, [f"{t:g}" for t in inside])
        axis.set_xticks([], minor=True)
    axis.set_xlabel(name)


def front_label(row: dict, x: str, by: str, sweep: Sweep, unseen: list[str]) -> str:
    """Names a point by what varies; `unseen` are settings that neither colour nor marker shows."""
    shown = [column for column in (x, by) if sweep.varies(column)] + unseen
    return ", ".join(name_value(column, row.get(column)) for column in shown)


def name_value(column: str, value: object) -> str:
    """A value that says of itself what it is: R 64, 4 bit, sigma 0.1, unrolled."""
    text = value_label(column, value)
    if not is_number(value) or text == "ideal":
        return text
    return {"subarray": f"R {text}", "adc_bits": f"{text} bit"}.get(column, f"{label(column)} {text}")


def label_front(axis, labelled: list, points: list, levels: list[float]) -> None:
    """Names points of the front, best first, each where it covers neither a point, a line at one of `levels` nor another
    name; one that finds no such place goes without."""
    axis.figure.canvas.draw()
    renderer = axis.figure.canvas.get_renderer()
    spots = axis.transData.transform(points)
    taken = [box_around(spot, 5.0) for spot in spots] + line_boxes(axis, [p for p, _ in labelled])
    inside = axis.get_window_extent(renderer)
    heights = [axis.transData.transform((axis.get_xlim()[0], level))[1] for level in levels]
    taken += [Bbox([[inside.x0, y - 1], [inside.x1, y + 1]]) for y in heights]
    for (x, y), text in reversed(labelled):
        if not text:
            continue
        for dx, dy, ha, va in ((-6, 5, "right", "bottom"), (7, -5, "left", "top"), (0, 9, "center", "bottom"),
                               (-8, -5, "right", "top"), (7, 5, "left", "bottom"), (0, -9, "center", "top"),
                               (-6, 14, "right", "bottom")):
            note = axis.annotate(text, (x, y), xytext=(dx, dy), textcoords="offset points", ha=ha, va=va, fontsize=8,
                                 color=style.DARK, zorder=4)
            box = note.get_window_extent(renderer).padded(1.5)
            free = (box.x0 >= inside.x0 and box.x1 <= inside.x1 and box.y0 >= inside.y0 and box.y1 <= inside.y1
                    and not any(box.overlaps(other) for other in taken))
            if free:
                taken.append(box)
                break
            note.remove()


def line_boxes(axis, kept: list) -> list:
    """Small boxes along the steps of the front, in pixels."""
    spots = axis.transData.transform(kept)
    corners = [spots[0]]
    for before, after in zip(spots, spots[1:]):
        corners += [np.array([after[0], before[1]]), after]
    boxes = []
    for start, end in zip(corners, corners[1:]):
        pieces = max(1, int(np.abs(end - start).max() // 4))
        boxes += [box_around(start + (end - start) * i / pieces, 1.0) for i in range(pieces + 1)]
    return boxes


def box_around(at, half: float):
    return Bbox([[at[0] - half, at[1] - half], [at[0] + half, at[1] + half]])


def front_legends(x: str, by: str, looks: dict, markers: dict, rows: list[dict]) -> list[tuple[str, list]]:
    blocks = [("", [Line2D([], [], color=style.ALERT, linewidth=1.4, label="Pareto front")] + ideal_handle(rows))]
    if len(looks) > 1:
        blocks.append((label(by), [Line2D([], [], linestyle="none", marker="o", color=look[0], markeredgecolor="white",
                                          markersize=7.5, label=value_label(by, v))
                                   for v, look in reversed(looks.items())]))
    if len(markers) > 1:
        blocks.append((label(x), [Line2D([], [], linestyle="none", marker=m, color="#666666", markeredgecolor="white",
                                         markersize=7, label=value_label(x, v)) for v, m in markers.items()]))
    return blocks
