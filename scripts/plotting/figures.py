"""Accuracy over a sweep: lines and a heat map."""
from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from plotting import style
from plotting.rows import Sweep, in_text, is_number, label, mean_low_high, value_label

MOST_PANELS = 6
IDEAL_LINE = (0, (1, 1.5))


def percent(row: dict) -> float:
    return 100.0 * row["accuracy"]


def images_of(rows: list[dict]) -> float | None:
    return max((row["images"] for row in rows if is_number(row.get("images")) and row["images"] > 0), default=None)


def ideals(rows: list[dict]) -> list[tuple[float, float]]:
    """(accuracy of the exact network, its standard error over the images taken), in percent, per different one; an error
    of 0 if the number of images is unknown."""
    images = images_of(rows)
    found = sorted({row["ideal_accuracy"] for row in rows if is_number(row.get("ideal_accuracy"))})
    return [(100.0 * p, 100.0 * math.sqrt(p * (1.0 - p) / images) if images else 0.0) for p in found]


def scale_of(rows: list[dict], with_ideal: bool) -> style.AccuracyScale:
    """Holds every point, the exact network, and on a linear axis its error band: the axis then is no finer than the
    test images can tell."""
    percents, images = [percent(row) for row in rows], images_of(rows)
    if not with_ideal:
        return style.AccuracyScale(percents, images)
    scale = style.AccuracyScale(percents + [p for p, _ in ideals(rows)], images)
    if scale.logarithmic:
        return scale
    wide = style.AccuracyScale(percents + [p + s * e for p, e in ideals(rows) for s in (-1, 1)], images)
    return scale if wide.logarithmic else wide


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
    what = f"accuracy against {in_text(x)}"
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
    enlarged = close_rows(drawn, scale) if len(panels) == 1 else []
    if enlarged:
        panels = [("All points", drawn), ("The best, enlarged", drawn)]
    single = len(panels) == 1
    figure, axes = grid(len(panels), *((6.0, 4.2) if single else (3.9, 3.9) if enlarged else (3.6, 3.3)),
                        sharey=not enlarged)
    several = False
    for axis, (title, rows) in zip(axes, panels):
        zoomed = bool(enlarged) and axis is axes[-1]
        several |= draw_series(axis, rows, x, by, values, numeric, looks, clip=zoomed)
        draw_ideal(axis, rows)
        (scale_of(enlarged, with_ideal=True) if zoomed else scale).apply(axis)
        if not axis.get_subplotspec().is_first_col():
            axis.set_ylabel("")
        finish_x(axis, x, values, numeric)
        axis.set_title(title)
    legends_beside(axes, [(label(by) if by else "", line_handles(by, looks)), ("", ideal_handle(drawn))])
    caption = (f"Accuracy on the test images against {in_text(x)}"
               + (f", one line per value of {in_text(by)}" if by else "") + "."
               + (f" The {'left ' if enlarged else ''}accuracy axis is logarithmic in the error." if scale.logarithmic else "")
               + ideal_note(drawn) + repeat_note(sweep, several))
    gallery.add(figure, f"accuracy_{x}", f"Accuracy against {in_text(x)}", caption)


def close_rows(rows: list[dict], scale: style.AccuracyScale) -> list[dict]:
    """The rows with about the error of the best one, where others are so far off that these lie on each other: they get
    a panel of their own. None, if all lie close together or too few are close."""
    limit = 2.0 * max(scale.floor, min(100.0 - percent(row) for row in rows))
    close = [row for row in rows if 100.0 - percent(row) <= limit]
    return close if scale.logarithmic and len(close) >= 6 else []


def draw_series(axis, rows: list[dict], x: str, by: str | None, values: list, numeric: bool, looks: dict,
                clip: bool) -> bool:
    """One line per value of `by`; True if any point stands for several rows. `clip`: at the axes, which hold not all."""
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
        # Where lines meet, fewer bits lie on top: that they are enough is what the picture is read for. Those beneath
        # are larger, so that none vanishes.
        rank = list(looks).index(value)
        growth = min(1.0, 5.0 / max(1, len(looks) - 1)) * rank
        axis.plot(at, mean, line, color=color, marker=marker, markeredgecolor="white" if marker != "x" else color,
                  markeredgewidth=0.6 if marker != "x" else 1.4, markersize=6.0 + 1.1 * growth,
                  linewidth=1.5 + 0.2 * growth, clip_on=clip, zorder=3 - rank / len(looks))
    return several


def draw_ideal(axis, rows: list[dict]) -> None:
    for ideal, error in ideals(rows)[:3]:
        axis.axhline(ideal, color=style.GREY, linewidth=1.1, linestyle=IDEAL_LINE, zorder=1)
        if error > 0:
            axis.axhspan(ideal - error, min(100.0, ideal + error), color=style.GREY, alpha=0.13, linewidth=0, zorder=0)


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


def ideal_handle(rows: list[dict]) -> list:
    found = ideals(rows)
    if not found:
        return []
    line = Line2D([], [], color=style.GREY, linewidth=1.1, linestyle=IDEAL_LINE)
    error = max(error for _, error in found)
    band = Patch(facecolor=style.GREY, alpha=0.2, linewidth=0)
    text = "exact networks" if len(found) > 1 else f"exact network\n{found[0][0]:.2f}" + (f" ± {error:.2f} %" if error else " %")
    return [Labelled((band, line) if error else (line,), text)]


def ideal_note(rows: list[dict]) -> str:
    if not any(error for _, error in ideals(rows)):
        return ""
    return (f" Grey: the exact network with one standard error of an accuracy over {images_of(rows):,} images; all points "
            "see the same images, so that differences between them are surer than that.")


class Labelled(tuple):
    """Artists that a legend draws over each other, with their text."""

    def __new__(cls, artists: tuple, text: str):
        made = super().__new__(cls, artists)
        made.text = text
        return made

    def get_label(self) -> str:
        return self.text


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
    what = f"heat map of {in_text(x)} and {in_text(by)}"
    columns, lines = sweep.values(x), sweep.values(by)
    if len(columns) < 2 or len(lines) < 2:
        gallery.leave_out(what, f"{x if len(columns) < 2 else by} has fewer than two values")
        return
    panels = choose_panels(gallery, what, sweep, [x, by])
    drawn = [row for _, rows in panels for row in rows]
    scale = scale_of(drawn, with_ideal=False)
    norm = scale.norm()
    decimals = 1 if (images_of(drawn) or 10000) <= 1000 else 2  # a thousand images tell 0.1 %
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
    caption = (f"Accuracy over {in_text(x)} and {in_text(by)}; numbers in percent"
               + (", means over repeats" if sweep.repeated() else "") + "."
               + (" Colours are logarithmic in the error." if scale.logarithmic else "")
               + (" Hatched cells were not swept." if missing else ""))
    gallery.add(figure, "heat_map", f"Accuracy over {in_text(x)} and {in_text(by)}", caption)


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
