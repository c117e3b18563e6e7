"""Accuracy over a sweep: lines, a heat map, and the front against a cost."""
from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from plotting import style
from plotting.rows import Sweep, is_number, label, mean_low_high, show, value_label

MOST_PANELS = 6
IDEAL_LINE = (0, (1, 1.5))
FILLS = ["full", "none", "bottom"]  # of markers, where a third setting varies


def percent(row: dict) -> float:
    return 100.0 * row["accuracy"]


def scale_of(rows: list[dict], with_ideal: bool) -> style.AccuracyScale:
    percents = [percent(row) for row in rows]
    if with_ideal:
        percents += [100.0 * row["ideal_accuracy"] for row in rows if is_number(row.get("ideal_accuracy"))]
    images = [row["images"] for row in rows if is_number(row.get("images")) and row["images"] > 0]
    return style.AccuracyScale(percents, max(images) if images else None)


def choose_panels(gallery: style.Gallery, what: str, sweep: Sweep, shown: list[str]) -> list[tuple[str, list[dict]]]:
    panels = sweep.panels(shown)
    if len(panels) > MOST_PANELS:
        names = ", ".join(sweep.panel_settings(shown))
        gallery.leave_out(f"{what}, {len(panels) - MOST_PANELS} of {len(panels)} panels",
                          f"one per combination of {names}; choose others with --where")
    return panels[:MOST_PANELS]


def grid(count: int, width: float, height: float, sharey: bool = True):
    """Axes for `count` panels, at most three in a row; the rest of the grid is switched off."""
    columns = 2 if count == 4 else min(count, 3)
    lines = math.ceil(count / columns)
    figure, axes = plt.subplots(lines, columns, figsize=(width * columns, height * lines), squeeze=False,
                                sharey=sharey)
    flat = list(axes.flat)
    for axis in flat[count:]:
        axis.set_visible(False)
    return figure, flat[:count]


def repeat_note(sweep: Sweep, several: bool) -> str:
    columns = sweep.repeated()
    if not several:
        return ""
    over = f" over {', '.join(columns)}" if columns else ""
    return f" Lines are means{over}; bands reach from the lowest to the highest repeat."


def series_looks(column: str, values: list) -> dict:
    """Value -> (colour, marker, line style). Numbers run along viridis, names get colours far apart; an ideal converter
    is black and dashed."""
    ideal = [v for v in values if column == "adc_bits" and v == 0]
    others = [v for v in values if v not in ideal]
    if all(is_number(v) for v in others):
        palette = style.ordered_colors(len(others))
    else:
        palette = [style.OKABE_ITO[i % len(style.OKABE_ITO)] for i in range(len(others))]
    looks = {v: (palette[i], style.MARKERS[i % len(style.MARKERS)], "-") for i, v in enumerate(others)}
    looks.update({v: (style.DARK, "x", "--") for v in ideal})
    return looks


def axes_of(sweep: Sweep, x: str, by: str) -> tuple[str, str | None] | None:
    """What can be drawn: x needs two values or more; if it has but one, the lines' column takes its place."""
    if len(sweep.values(x)) >= 2:
        return x, (by if by in sweep.columns and sweep.values(by) else None)
    if len(sweep.values(by)) >= 2:
        return by, (x if x in sweep.columns and sweep.values(x) else None)
    return None


def accuracy_lines(gallery: style.Gallery, sweep: Sweep, x: str, by: str) -> None:
    what = f"accuracy against {label(x)}"
    axes_columns = axes_of(sweep, x, by)
    if not axes_columns:
        gallery.leave_out(what, f"neither {x} nor {by} has two values")
        return
    if axes_columns[0] != x:
        gallery.leave_out(what, f"{x} has a single value; drawn against {by} instead")
    x, by = axes_columns
    panels = choose_panels(gallery, what, sweep, [x, by or x])
    drawn = [row for _, rows in panels for row in rows]
    scale = scale_of(drawn, with_ideal=True)
    values = sweep.values(x)
    numeric = all(is_number(v) for v in values)
    looks = series_looks(by, sweep.values(by)) if by else {None: (style.OKABE_ITO[0], "o", "-")}
    single = len(panels) == 1
    figure, axes = grid(len(panels), 6.0 if single else 3.6, 4.2 if single else 3.3)
    several = False
    for axis, (title, rows) in zip(axes, panels):
        several |= draw_series(axis, rows, x, by, values, numeric, looks)
        draw_ideal(axis, rows)
        scale.apply(axis)
        if not axis.get_subplotspec().is_first_col():
            axis.set_ylabel("")
        finish_x(axis, x, values, numeric)
        axis.set_title(title)
    legends_beside(axes, [(label(by) if by else "", line_handles(by, looks)), ("", ideal_handle(drawn))])
    caption = (f"Accuracy on the test images against {label(x)}"
               + (f", one line per value of {label(by)}" if by else "") + "."
               + (" The accuracy axis is logarithmic in the error." if scale.logarithmic else "")
               + repeat_note(sweep, several))
    gallery.add(figure, f"accuracy_{x}", f"Accuracy against {label(x)}", caption)


def draw_series(axis, rows: list[dict], x: str, by: str | None, values: list, numeric: bool, looks: dict) -> bool:
    """One line per value of `by`; True if any point stands for several rows."""
    several = False
    for value, (color, marker, line) in looks.items():
        points: dict = {}
        for row in rows:
            if row.get(x) is not None and (by is None or row.get(by) == value):
                points.setdefault(row[x], []).append(row)
        order = [v for v in values if v in points]
        if not order:
            continue
        at = order if numeric else [values.index(v) for v in order]
        mean, low, high = zip(*(mean_low_high(points[v], percent) for v in order))
        if any(len(points[v]) > 1 for v in order):
            several = True
            axis.fill_between(at, low, high, color=color, alpha=0.18, linewidth=0)
        # Where lines meet, fewer bits lie on top: that they are enough is what the picture is read for.
        rank = list(looks).index(value) / len(looks)
        axis.plot(at, mean, line, color=color, marker=marker, markeredgecolor="white" if marker != "x" else color,
                  markeredgewidth=0.6 if marker != "x" else 1.4, clip_on=False, zorder=3 - rank)
    return several


def draw_ideal(axis, rows: list[dict]) -> None:
    for ideal in sorted({row["ideal_accuracy"] for row in rows if is_number(row.get("ideal_accuracy"))})[:3]:
        axis.axhline(100.0 * ideal, color=style.GREY, linewidth=1.1, linestyle=IDEAL_LINE, zorder=1)


def label_x(axis, x: str) -> None:
    """Names the horizontal axis of the lowest panel of each column."""
    place = axis.get_subplotspec()
    below = [a for a in axis.figure.axes if a.get_visible() and a.get_subplotspec() is not None
             and a.get_subplotspec().colspan.start == place.colspan.start
             and a.get_subplotspec().rowspan.start > place.rowspan.start]
    if not below:
        axis.set_xlabel(label(x))


def finish_x(axis, x: str, values: list, numeric: bool) -> None:
    if numeric:
        style.number_axis(axis, values)
        if x == "adc_bits":
            axis.xaxis.set_major_formatter(lambda v, _: value_label(x, round(v)))
    else:
        axis.set_xticks(range(len(values)), [value_label(x, v) for v in values],
                        rotation=20 if max(len(value_label(x, v)) for v in values) > 12 else 0)
        axis.set_xlim(-0.3, len(values) - 0.7)
    label_x(axis, x)


def line_handles(by: str | None, looks: dict) -> list[Line2D]:
    if not by:
        return []
    return [Line2D([], [], color=color, marker=marker, linestyle=line, label=value_label(by, value),
                   markeredgecolor="white" if marker != "x" else color)
            for value, (color, marker, line) in reversed(looks.items())]


def ideal_handle(rows: list[dict]) -> list[Line2D]:
    found = sorted({row["ideal_accuracy"] for row in rows if is_number(row.get("ideal_accuracy"))})
    if not found:
        return []
    text = f"exact network\n{100 * found[0]:.2f} %" if len(found) == 1 else "exact networks"
    return [Line2D([], [], color=style.GREY, linewidth=1.1, linestyle=IDEAL_LINE, label=text)]


def legends_beside(axes, blocks: list[tuple[str, list]]) -> None:
    """(title, handles) one below the other, right of the top right panel: there is no data to cover."""
    corner = max((a for a in axes if a.get_visible() and a.get_subplotspec().is_first_row()),
                 key=lambda a: a.get_subplotspec().colspan.start)
    top = 1.02
    for title, handles in blocks:
        if not handles:
            continue
        legend = corner.legend(handles=handles, title=title or None, loc="upper left", bbox_to_anchor=(1.02, top),
                               borderaxespad=0.0, alignment="left")
        corner.add_artist(legend)
        corner.legend_ = None  # it is an artist of its own now: not to be drawn twice
        legend.set_clip_on(False)  # or the layout would leave no room for it
        corner.figure.canvas.draw()
        box = legend.get_window_extent().transformed(corner.transAxes.inverted())
        top = box.y0 - 0.03


def heat_map(gallery: style.Gallery, sweep: Sweep, x: str, by: str) -> None:
    what = f"heat map of {label(x)} and {label(by)}"
    columns, lines = sweep.values(x), sweep.values(by)
    if len(columns) < 2 or len(lines) < 2:
        gallery.leave_out(what, f"{x if len(columns) < 2 else by} has fewer than two values")
        return
    panels = choose_panels(gallery, what, sweep, [x, by])
    drawn = [row for _, rows in panels for row in rows]
    scale = scale_of(drawn, with_ideal=False)
    norm = scale.norm()
    spread = [percent(row) for row in drawn]
    decimals = 2 if max(spread) - min(spread) < 2.0 else 1
    # An ideal converter stands at the top, above the one with the most bits.
    if by == "adc_bits" and 0 in lines:
        lines = [v for v in lines if v != 0] + [0]
    width = max(3.4, 0.62 * len(columns) + 1.4)
    figure, axes = grid(len(panels), min(width, 9.0) if len(panels) == 1 else min(width, 4.6),
                        max(2.6, 0.42 * len(lines) + 1.1))
    missing = False
    for axis, (title, rows) in zip(axes, panels):
        means = np.full((len(lines), len(columns)), np.nan)
        for i, line in enumerate(lines):
            for j, column in enumerate(columns):
                cell = [row for row in rows if row.get(x) == column and row.get(by) == line]
                if cell:
                    means[i, j] = mean_low_high(cell, percent)[0]
        missing |= bool(np.isnan(means).any())
        image = draw_cells(axis, means, norm, decimals)
        axis.set_xticks(range(len(columns)), [value_label(x, v) for v in columns])
        axis.set_yticks(range(len(lines)), [value_label(by, v) for v in lines])
        label_x(axis, x)
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel(label(by))
        axis.set_title(title)
    bar = figure.colorbar(image, ax=axes, label="Accuracy (%)", pad=0.02)
    bar.set_ticks(scale.ticks(), labels=[scale.label(t) for t in scale.ticks()])
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    caption = (f"Accuracy over {label(x)} and {label(by)}; numbers in percent"
               + (", means over repeats" if sweep.repeated() else "") + "."
               + (" Colours are logarithmic in the error." if scale.logarithmic else "")
               + (" Hatched cells were not swept." if missing else ""))
    gallery.add(figure, "heat_map", f"Accuracy over {label(x)} and {label(by)}", caption)


def draw_cells(axis, means: np.ndarray, norm, decimals: int):
    axis.grid(False)
    axis.set_facecolor("#f4f4f4")
    lines, columns = means.shape
    image = axis.imshow(np.ma.masked_invalid(means), cmap="viridis", norm=norm, aspect="auto", origin="lower")
    for i, j in zip(*np.nonzero(np.isnan(means))):
        axis.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch="////", edgecolor="#c8c8c8", linewidth=0))
    axis.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    axis.set_yticks(np.arange(lines - 1) + 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=1.2)
    axis.tick_params(which="both", length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    if columns * lines <= 150:
        for i, j in zip(*np.nonzero(~np.isnan(means))):
            light = norm(means[i, j]) > 0.6
            axis.text(j, i, f"{means[i, j]:.{decimals}f}", ha="center", va="center", fontsize=8.5, color="black" if light else "white")
    return image


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
    what = f"accuracy against {label(cost)}"
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
    markers = {v: style.MARKERS[i % len(style.MARKERS)] for i, v in enumerate(sweep.values(x))}
    kinds = [text for text, _ in sweep.panels([x, by])]
    fills = FILLS if 1 < len(kinds) <= len(FILLS) else FILLS[:1]
    kind_of = {id(row): k for k, (_, members) in enumerate(Sweep(sweep.name, sweep.columns, rows, []).panels([x, by]))
               for row in members} if len(fills) > 1 else {}
    figure, axis = plt.subplots(figsize=(7.0, 4.4))
    draw_ideal(axis, rows)
    for row, (at, accuracy) in zip(rows, points):
        draw_point(axis, at, accuracy, markers.get(row.get(x), "o"),
                   looks.get(row.get(by), (style.OKABE_ITO[0],))[0], fills[kind_of.get(id(row), 0) % len(fills)])
    kept = front(points)
    axis.step([points[i][0] for i in kept], [points[i][1] for i in kept], where="post", color=style.ALERT, linewidth=1.4,
              zorder=2)
    scale.apply(axis)
    cost_axis(axis, [p[0] for p in points], name)
    blocks = front_legends(x, by, looks, markers, rows)
    if len(fills) > 1:
        blocks.append(("", [Line2D([], [], linestyle="none", marker="o", color="#666666", fillstyle=fill, markersize=7,
                                   label=text) for text, fill in zip(kinds, fills)]))
    legends_beside([axis], blocks)
    unseen = sweep.panel_settings([x, by]) if len(fills) == 1 else []
    label_front(axis, [(points[i], front_label(rows[i], x, by, sweep, unseen)) for i in kept], points)
    caption = (f"Accuracy against {label(cost)}. The line is the Pareto front: no point of the sweep costs as little and "
               "is more accurate." + (" The accuracy axis is logarithmic in the error." if scale.logarithmic else "")
               + (" Points are means over repeats." if sweep.repeated() else ""))
    gallery.add(figure, f"accuracy_{cost}", f"Accuracy against {label(cost)}", caption)


def draw_point(axis, at: float, accuracy: float, marker: str, color, fill: str) -> None:
    axis.plot(at, accuracy, linestyle="none", marker=marker, markersize=7, color=color, fillstyle=fill,
              markeredgecolor="white" if fill == "full" else color, markeredgewidth=0.5 if fill == "full" else 1.3,
              markerfacecoloralt="white", zorder=3, clip_on=False)


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


def label_front(axis, labelled: list, points: list) -> None:
    """Names points of the front, best first, each where it covers neither a point nor another name; one that finds no
    such place goes without."""
    axis.figure.canvas.draw()
    renderer = axis.figure.canvas.get_renderer()
    spots = axis.transData.transform(points)
    taken = [box_around(spot, 5.0) for spot in spots] + line_boxes(axis, [p for p, _ in labelled])
    inside = axis.get_window_extent(renderer)
    for (x, y), text in reversed(labelled):
        if not text:
            continue
        for dx, dy, ha, va in ((-6, 5, "right", "bottom"), (7, -5, "left", "top"), (0, 9, "center", "bottom"),
                               (-8, -5, "right", "top"), (7, 5, "left", "bottom"), (0, -9, "center", "top")):
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
    from matplotlib.transforms import Bbox
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
