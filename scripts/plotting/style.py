"""How every picture looks, how accuracies are spread over an axis, and where pictures are kept."""
from __future__ import annotations

import io
import math
import os
import tempfile
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib import colors, ticker  # noqa: E402

# Okabe and Ito's palette: told apart by every common kind of colour vision. Yellow is left out: too pale for lines.
OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "p", "<", ">", "h", "*", "8", "d"]
GREY, DARK, ALERT = "#8a8a8a", "#222222", "#D55E00"


def use() -> None:
    plt.rcParams.update({
        "font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10.5, "legend.fontsize": 9, "legend.title_fontsize": 9,
        "xtick.labelsize": 9.5, "ytick.labelsize": 9.5, "axes.spines.top": False, "axes.spines.right": False,
        "axes.edgecolor": "#555555", "axes.linewidth": 0.8, "axes.axisbelow": True, "axes.grid": True,
        "grid.color": "#e4e4e4", "grid.linewidth": 0.7, "lines.linewidth": 1.6, "lines.markersize": 6.5,
        "legend.frameon": False, "figure.constrained_layout.use": True, "svg.hashsalt": "sramsim", "savefig.facecolor": "white"})


def ordered_colors(count: int) -> list:
    """Dark to light along viridis, short of its pale end."""
    return [matplotlib.colormaps["viridis"](x) for x in np.linspace(0.0, 0.88, max(count, 2))][:count]


class AccuracyScale:
    """Accuracies in percent: linear where they lie close together, else logarithmic in the error, which spreads the good
    points out and still shows the collapsed ones."""

    def __init__(self, percents: list[float], images: float | None):
        errors = [100.0 - p for p in percents]
        # Half an image: where a point without any error is drawn.
        self.floor = max(1e-3, 50.0 / images) if images else 0.01
        worst, best = max(errors), max(min(errors), self.floor)
        self.logarithmic = worst / best > 4.0
        if self.logarithmic:
            self.low, self.high = 100.0 - min(100.0, worst * 1.25), 100.0 - best * 0.8
        else:
            least = min(errors)
            pad = max(0.08 * (worst - least), 0.05, 2.0 * self.floor if images else 0.0)  # an image at least
            self.low, self.high = max(0.0, 100.0 - worst - pad), min(100.0, 100.0 - least + pad)

    def forward(self, percent):
        error = 100.0 - np.asarray(percent, dtype=float)
        return -np.log10(np.where(error > self.floor / 2, error, self.floor))

    def inverse(self, value):
        return 100.0 - 10.0 ** (-np.asarray(value, dtype=float))

    def ticks(self) -> list[float]:
        """1-2-5 errors over the range, thinned to what fits."""
        if not self.logarithmic:
            return [t for t in ticker.MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
                    if self.low - 1e-9 <= t <= self.high + 1e-9]
        errors = [m * 10.0**e for e in range(-4, 3) for m in (1, 2, 5)]
        inside = [100.0 - e for e in errors if self.low <= 100.0 - e <= self.high]
        # 90 % error is what guessing among ten classes gives: worth a tick instead of 50 % where it is in range.
        if self.low <= 10.0:
            inside = [10.0] + [t for t in inside if t > 12.0]
        return sorted(set(inside))

    def apply(self, axis) -> None:
        if self.logarithmic:
            axis.set_yscale("function", functions=(self.forward, self.inverse))
        axis.set_ylim(self.low, self.high)
        axis.set_ylabel("Accuracy (%), error on a log scale" if self.logarithmic else "Accuracy (%)")
        axis.yaxis.set_major_locator(ticker.FixedLocator(self.ticks()))
        axis.yaxis.set_minor_locator(ticker.NullLocator())
        axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda p, _: self.label(p)))

    def label(self, percent: float) -> str:
        """A tick's text: alike on a linear axis, as short as can be on a logarithmic one."""
        if self.logarithmic:
            return percent_label(percent)
        return percent_label(percent, max(len(percent_label(t).partition(".")[2]) for t in self.ticks()))

    def norm(self):
        if not self.logarithmic:
            return colors.Normalize(self.low, self.high)
        return colors.FuncNorm((self.forward, self.inverse), self.low, self.high)


def percent_label(percent: float, decimals: int = 0) -> str:
    """As many decimals as the number has, at least `decimals`: 90, 99.5, 99.95."""
    text = f"{percent:.4f}".rstrip("0").rstrip(".")
    return f"{percent:.{decimals}f}" if len(text.partition(".")[2]) < decimals else text


def number_axis(axis, values: list[float]) -> None:
    """Ticks at the values themselves, on a base-2 scale where they span three octaves or are powers of two."""
    low, high = min(values), max(values)
    powers = low > 0 and all(math.log2(v).is_integer() for v in values)
    if low > 0 and high / low >= (4 if powers else 8):
        axis.set_xscale("log", base=2)
        axis.set_xlim(low / (high / low) ** 0.06, high * (high / low) ** 0.06)
    else:
        pad = 0.06 * (high - low) or 0.5
        axis.set_xlim(low - pad, high + pad)
    shown = values if len(values) <= 12 else values[:: math.ceil(len(values) / 12)]
    axis.xaxis.set_major_locator(ticker.FixedLocator(shown))
    axis.xaxis.set_minor_locator(ticker.NullLocator())
    axis.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:g}"))


@dataclass
class Picture:
    name: str      # file name without ending
    title: str
    caption: str
    png: bytes
    svg: bytes


class Gallery:
    """The folder of the pictures; remembers what was drawn and what was left out, and why."""

    def __init__(self, folder: str, title: str, dpi: int):
        self.folder, self.title, self.dpi = folder, title, dpi
        self.pictures: list[Picture] = []
        self.left_out: list[tuple[str, str]] = []
        self.report = ""
        os.makedirs(folder, exist_ok=True)

    def add(self, figure, name: str, title: str, caption: str) -> None:
        if self.title:
            figure.suptitle(self.title, fontsize=11)
        files = {}
        for kind, options in (("png", {"dpi": self.dpi}), ("svg", {"metadata": {"Date": None}})):
            memory = io.BytesIO()
            figure.savefig(memory, format=kind, **options)
            files[kind] = memory.getvalue()
            self.write(f"{name}.{kind}", files[kind])
        plt.close(figure)
        self.pictures.append(Picture(name, title, caption, files["png"], files["svg"]))

    def leave_out(self, what: str, why: str) -> None:
        self.left_out.append((what, why))

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all."""
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".plot-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o644)
            os.replace(temporary, os.path.join(self.folder, name))
        except BaseException:
            os.unlink(temporary)
            raise

    def lines(self) -> list[str]:
        written = [f"{os.path.join(self.folder, p.name)}.png and .svg: {p.title}" for p in self.pictures]
        if self.report:
            written.append(f"{os.path.join(self.folder, self.report)}: everything in one file")
        return written + [f"left out: {what}: {why}" for what, why in self.left_out]
