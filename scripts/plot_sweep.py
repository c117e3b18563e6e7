#!/usr/bin/env python3
"""Pictures of a sweep: accuracy against subarray size, a heat map, accuracy against energy with the Pareto front,
partial-sum histograms, each as PNG and SVG, and one HTML report that holds them with the settings and the table.

    python3 scripts/plot_sweep.py sweep.csv --out figures

Reads what `sramsim sweep` writes: CSV, JSON lines, or JSON with a list "rows". A picture that the rows cannot fill is
left out, and a line says why. Exit codes: 0 done, 1 cannot run or write here, 2 bad usage or bad input.
"""
from __future__ import annotations

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from plotting import histograms, program  # noqa: E402  (need no matplotlib: input errors come first)
from plotting.rows import BadInput, read_sweep  # noqa: E402


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="plot_sweep.py", description=__doc__.split("\n\n")[0],
        epilog="Repeats (the same settings with another seed or chip) are drawn as their mean with a band from the "
               "lowest to the highest. Settings that neither axis shows get a panel each.")
    parser.add_argument("file", help="rows of a sweep: .csv, .jsonl or .json")
    parser.add_argument("--out", metavar="DIR", help="folder for the pictures (default: FILE without its ending + _figures)")
    parser.add_argument("--histograms", metavar="FILE",
                        help="partial sums per layer, as `sramsim infer --histograms FILE` writes them")
    parser.add_argument("--histograms-of", metavar="TEXT", default="", help="what they are of, for the caption")
    parser.add_argument("--x", metavar="COLUMN", default="subarray", help="horizontal axis (default: subarray)")
    parser.add_argument("--by", metavar="COLUMN", default="adc_bits", help="one line per value (default: adc_bits)")
    parser.add_argument("--cost", metavar="COLUMN", default="energy_nj",
                        help="cost that accuracy is drawn against (default: energy_nj; latency_us, area_mm2, ...)")
    parser.add_argument("--where", metavar="COLUMN=VALUE", action="append", default=[],
                        help="take only the rows with this value; may be given several times")
    program.add_picture_options(parser)
    arguments = parser.parse_args(argv)
    program.check_picture_options(parser, arguments)
    if arguments.x == arguments.by:
        parser.error(f"--x and --by are both {arguments.x}")
    return arguments


def draw(arguments: argparse.Namespace) -> None:
    sweep = read_sweep(arguments.file).where(arguments.where)
    for option, column in (("--x", arguments.x), ("--by", arguments.by), ("--cost", arguments.cost)):
        default = {"--x": "subarray", "--by": "adc_bits", "--cost": "energy_nj"}[option]
        if column != default and column not in sweep.columns:
            raise BadInput(f"{option} {column}: {arguments.file} has no such column, it has {', '.join(sweep.columns)}")
    layers = histograms.read(arguments.histograms) if arguments.histograms else []

    from plotting import figures, histogram_figure, pareto, report, style
    style.use()
    out = arguments.out or os.path.splitext(arguments.file)[0] + "_figures"
    gallery = style.Gallery(out, arguments.title, arguments.dpi)
    figures.accuracy_lines(gallery, sweep, arguments.x, arguments.by)
    figures.heat_map(gallery, sweep, arguments.x, arguments.by)
    pareto.cost_front(gallery, sweep, arguments.cost, arguments.x, arguments.by)
    histogram_figure.draw(gallery, layers, arguments.histograms_of)
    report.write(gallery, sweep, arguments.x, arguments.by, arguments.cost)
    if not arguments.quiet:
        for line in sweep.notes + gallery.lines():
            print(line)


def main(argv: list[str]) -> int:
    arguments = parse_arguments(argv)
    return program.run("plot_sweep.py", lambda: draw(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
