"""The picture of histograms.py: partial sums per layer, a panel each."""
from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plotting import figures, style
from plotting.histograms import MOST_LAYERS, Layer


def draw(gallery: style.Gallery, layers: list[Layer], of: str = "") -> None:
    """`of`: design point and images, for the caption."""
    filled = [layer for layer in layers if sum(layer.counts) > 0]
    for layer in layers:
        if layer not in filled:
            gallery.leave_out(f"partial sums of {layer.name}", "it has no counts")
    if len(filled) > MOST_LAYERS:
        gallery.leave_out(f"partial sums of {len(filled) - MOST_LAYERS} of {len(filled)} layers",
                          f"one picture holds {MOST_LAYERS}")
        filled = filled[:MOST_LAYERS]
    if not filled:
        return
    columns = min(2, len(filled))
    lines = math.ceil(len(filled) / columns)
    size = (6.8, 3.6) if len(filled) == 1 else (4.5 * columns, 3.0 * lines)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False)
    for axis, layer in zip(axes.flat, filled):
        draw_layer(axis, layer)
    for axis in list(axes.flat)[len(filled):]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("Share of conversions")
    figures.legends_beside(list(axes.flat), [("", handles(filled))])
    caption = (f"Partial sums P of every conversion{f' ({of})' if of else ''}, as shares on a logarithmic axis. Dashed: full scale F of the "
               "converter; sums half a step above it or more are clipped. Ticks under the axis: its codes. RMS error: of "
               "step times code against P, in steps (LSB).")
    gallery.add(figure, "partial_sums", "Partial sums per layer", caption)


def draw_layer(axis, layer: Layer) -> None:
    counts = np.asarray(layer.counts, dtype=float)
    shares = counts / counts.sum()
    last = int(np.max(np.nonzero(counts)))
    sums = np.arange(len(counts))
    inside = sums < layer.clipped_from()
    floor = 10.0 ** math.floor(math.log10(0.7 * shares[shares > 0].min()))
    for part, color in ((inside, style.OKABE_ITO[0]), (~inside, style.ALERT)):
        if part.any():  # one outline instead of bars: no seams between them
            edges = np.append(sums[part], sums[part][-1] + 1) - 0.5
            axis.stairs(np.maximum(shares[part], floor), edges, baseline=floor, fill=True, color=color, linewidth=0)
    axis.set_yscale("log")
    axis.set_ylim(floor, 2.0)
    axis.yaxis.set_major_locator(decades(axis))
    axis.yaxis.set_minor_locator(ticker.NullLocator())
    axis.xaxis.set_major_locator(ticker.MaxNLocator(7, integer=True))
    end = max(last, layer.full_scale) + 0.5
    pad = 0.02 * (end + 0.5)
    axis.set_xlim(-0.5 - pad, end + pad)
    axis.axvline(layer.full_scale, color=style.DARK, linewidth=1.1, linestyle="--")
    codes = np.arange(0, layer.full_scale + layer.step / 2, layer.step)
    if len(codes) <= 64:
        axis.plot(codes, np.full_like(codes, -0.035), "|", transform=axis.get_xaxis_transform(), color=style.DARK,
                  markersize=5, clip_on=False)
        axis.tick_params(axis="x", pad=10, length=3, direction="in")  # those below the axis are codes
    clipped = layer.clipped()
    axis.set_title(f"{layer.name}: step {layer.step:.4g}, "
                   + (f"{100 * clipped:.2g} % clipped" if clipped else "none clipped")
                   + f"\nRMS error {layer.rms_error() / layer.step:.3g} LSB", fontsize=9.5)
    axis.set_xlabel("Partial sum P")
    axis.grid(axis="x", visible=False)


def decades(axis):
    low, high = axis.get_ylim()
    count = max(1, round(math.log10(high / low)))
    return ticker.LogLocator(base=10.0 ** max(1, math.ceil(count / 6)), numticks=12)


def handles(layers: list[Layer]) -> list:
    made = [Patch(color=style.OKABE_ITO[0], label="within range")]
    if any(layer.clipped() for layer in layers):
        made.append(Patch(color=style.ALERT, label="clipped"))
    made.append(Line2D([], [], color=style.DARK, linewidth=1.1, linestyle="--", label="full scale F"))
    made.append(Line2D([], [], color=style.DARK, marker="|", linestyle="none", markersize=6, label="ADC codes"))
    return made
