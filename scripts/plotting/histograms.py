"""Partial sums of every layer beside the range of its converter."""
from __future__ import annotations

import json
import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plotting import figures, style
from plotting.rows import BadInput, is_number, read_text

MOST_LAYERS = 12


def read(path: str) -> list[dict]:
    """BadInput unless it is {"layers": [{"name", "full_scale", "step", "counts": [...]}]}."""
    try:
        layers = json.loads(read_text(path))["layers"]
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}: line {error.lineno}: {error.msg}") from None
    except (KeyError, TypeError):
        raise BadInput(f"{path}: has no list 'layers'") from None
    if not isinstance(layers, list) or not layers:
        raise BadInput(f"{path}: 'layers' must be a list with at least one layer")
    for number, layer in enumerate(layers, 1):
        check(f"{path}: layer {number}", layer)
    return layers


def check(where: str, layer: object) -> None:
    if not isinstance(layer, dict) or not isinstance(layer.get("name"), str):
        raise BadInput(f"{where}: has no name")
    counts = layer.get("counts")
    if not isinstance(counts, list) or not counts or not all(is_number(c) and c >= 0 for c in counts):
        raise BadInput(f"{where} ({layer['name']}): 'counts' must be a list of numbers, none negative")
    for key in ("full_scale", "step"):
        if not is_number(layer.get(key)) or layer[key] <= 0:
            raise BadInput(f"{where} ({layer['name']}): {key!r} must be a number greater than 0")


def draw(gallery: style.Gallery, layers: list[dict]) -> None:
    filled = [layer for layer in layers if sum(layer["counts"]) > 0]
    for layer in layers:
        if layer not in filled:
            gallery.leave_out(f"partial sums of {layer['name']}", "it has no counts")
    if len(filled) > MOST_LAYERS:
        gallery.leave_out(f"partial sums of {len(filled) - MOST_LAYERS} of {len(filled)} layers",
                          f"one picture holds {MOST_LAYERS}")
        filled = filled[:MOST_LAYERS]
    if not filled:
        return
    single = len(filled) == 1
    columns = min(2, len(filled))
    lines = math.ceil(len(filled) / columns)
    figure, axes = plt.subplots(lines, columns, figsize=(6.4 if single else 4.5 * columns, 3.6 if single else 2.8 * lines),
                                squeeze=False)
    for axis, layer in zip(axes.flat, filled):
        draw_layer(axis, layer)
    for axis in list(axes.flat)[len(filled):]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("Share of conversions")
    figures.legends_beside(list(axes.flat), [("", handles(filled))])
    caption = ("Partial sums P of every conversion, as shares on a logarithmic axis. Dashed: full scale F of the "
               "converter; sums above it are clipped. Ticks under the axis: its codes.")
    gallery.add(figure, "partial_sums", "Partial sums per layer", caption)


def draw_layer(axis, layer: dict) -> None:
    counts = np.asarray(layer["counts"], dtype=float)
    shares = counts / counts.sum()
    last = int(np.max(np.nonzero(counts)))
    full_scale, step = layer["full_scale"], layer["step"]
    end = max(last, min(full_scale, len(counts) - 1)) + 0.5
    sums = np.arange(len(counts))
    inside = sums <= full_scale
    for part, color in ((inside, style.OKABE_ITO[0]), (~inside, style.ALERT)):
        axis.bar(sums[part], shares[part], width=1.0, color=color, linewidth=0)
    axis.set_yscale("log")
    least = shares[shares > 0].min()
    axis.set_ylim(10.0 ** math.floor(math.log10(least)), 2.0)
    axis.yaxis.set_major_locator(decades(axis))
    axis.yaxis.set_minor_locator(ticker.NullLocator())
    axis.xaxis.set_major_locator(ticker.MaxNLocator(7, integer=True))
    pad = 0.02 * (end + 0.5)
    axis.set_xlim(-0.5 - pad, max(end, full_scale) + pad)
    axis.axvline(full_scale, color=style.DARK, linewidth=1.1, linestyle="--")
    codes = np.arange(0, full_scale + step / 2, step)
    if len(codes) <= 64:
        axis.plot(codes, np.full_like(codes, -0.035), "|", transform=axis.get_xaxis_transform(), color=style.DARK,
                  markersize=5, clip_on=False)
        axis.tick_params(axis="x", pad=10, length=0)
    clipped = shares[~inside].sum()
    axis.set_title(f"{layer['name']}: step {step:.4g}, {100 * clipped:.2g} % clipped" if clipped > 0
                   else f"{layer['name']}: step {step:.4g}, none clipped")
    axis.set_xlabel("Partial sum P")
    axis.grid(axis="x", visible=False)


def decades(axis):
    low, high = axis.get_ylim()
    count = max(1, round(math.log10(high / low)))
    return ticker.LogLocator(base=10.0 ** max(1, math.ceil(count / 6)), numticks=12)


def handles(layers: list[dict]) -> list:
    made = [Patch(color=style.OKABE_ITO[0], label="within range")]
    if any(sum(layer["counts"][math.floor(layer["full_scale"]) + 1:]) > 0 for layer in layers):
        made.append(Patch(color=style.ALERT, label="clipped"))
    made.append(Line2D([], [], color=style.DARK, linewidth=1.1, linestyle="--", label="full scale F"))
    made.append(Line2D([], [], color=style.DARK, marker="|", linestyle="none", markersize=6, label="ADC codes"))
    return made
