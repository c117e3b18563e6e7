#!/usr/bin/env python3
"""Partial sums of every layer beside the range and the codes of its ADC, as PNG and SVG.

    build/sramsim infer --subarray 64 --adc-bits 5 --histograms partial_sums.csv
    python3 scripts/plot_histograms.py partial_sums.csv --out figures

Exit codes: 0 done, 1 cannot run or write here, 2 bad usage or bad input.
"""
from __future__ import annotations

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from plotting import histograms, program  # noqa: E402  (need no matplotlib: input errors come first)


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="plot_histograms.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("file", help="what `sramsim infer --histograms FILE.csv` writes")
    parser.add_argument("--out", metavar="DIR", help="folder for the picture (default: FILE without its ending + _figures)")
    program.add_picture_options(parser)
    arguments = parser.parse_args(argv)
    program.check_picture_options(parser, arguments)
    return arguments


def draw(arguments: argparse.Namespace) -> None:
    layers = histograms.read(arguments.file)

    from plotting import histogram_figure, style
    style.use()
    gallery = style.Gallery(arguments.out or os.path.splitext(arguments.file)[0] + "_figures", arguments.title, arguments.dpi)
    histogram_figure.draw(gallery, layers)
    if not arguments.quiet:
        print("\n".join(gallery.lines()))


def main(argv: list[str]) -> int:
    arguments = parse_arguments(argv)
    return program.run("plot_histograms.py", lambda: draw(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
