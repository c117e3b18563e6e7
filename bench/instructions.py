#!/usr/bin/env python3
"""Instructions per ADC conversion of every CPU kernel on conv2 of the seed network, W4A4, counted by callgrind.

A count has no noise: the same build gives the same figure on a busy machine. valgrind knows AVX2 but not AVX-512, so
that the rows are those of an AVX2 machine everywhere. One image, one thread, random codes with the given share of set
activation bits; counted is what `run` of the plan executes, without reading files and packing weights.

  bash scripts/setup.sh build bench && cmake --preset default && cmake --build build
  python3 bench/instructions.py --csv counts.csv
  python3 bench/instructions.py --check bench/results/instructions.csv      exit status 1 if a row grew by 2 %
"""
import argparse
import csv
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = "*Plan*::run(unsigned char const*, int, std::span*) const"  # the entry of every plan, not its OpenMP clones
CASES = [(kernel, rows, density) for kernel in ("avx2", "portable") for rows in (16, 32, 64, 128) for density in (50, 25, 2)]
CASES += [("integer", 64, 50)]
SHAPE = (128, 26, 26, 128, 3, 3)
COLUMNS = ["kernel", "rows", "bits_set_percent", "conversions", "instructions", "instructions_per_conversion"]


def write_npy(path, kind, shape, data):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(data))


def write_operands(folder):
    """q_DENSITY.npy and c.npy with reproducible random codes."""
    channels, height, width, outputs, kh, kw = SHAPE
    r = random.Random(1)
    write_npy(folder / "c.npy", "|i1", (outputs, channels, kh, kw),
              (r.randrange(16) + 248 & 255 for _ in range(outputs * channels * kh * kw)))
    for density in {case[2] for case in CASES}:
        codes = (sum((r.random() * 100 < density) << bit for bit in range(4)) for _ in range(channels * height * width))
        write_npy(folder / f"q_{density}.npy", "|u1", (1, channels, height, width), codes)


def count(program, folder, kernel, rows, density):
    adc_bits = 0 if kernel == "integer" else 5
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={RUN}",
         f"--callgrind-out-file={folder / 'callgrind.out'}", program, "layer", "--input", folder / f"q_{density}.npy",
         "--weight", folder / "c.npy", "--output", folder / "s.npy", "--subarray", str(rows), "--adc-bits", str(adc_bits),
         "--kernel", kernel, "--threads", "1", "--quiet"], text=True, capture_output=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found or int(found[1]) == 0:
        sys.exit(f"instructions.py: {kernel} R={rows}: {(done.stderr.strip().splitlines() or ['nothing counted'])[-1]}")
    return int(found[1])


def measure(program):
    channels, height, width, outputs, kh, kw = SHAPE
    rows_of_table = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_operands(folder)
        for kernel, rows, density in CASES:
            groups = kh * kw * -(-channels // rows)
            conversions = groups * 16 * outputs * (height - kh + 1) * (width - kw + 1)
            instructions = count(program, folder, kernel, rows, density)
            rows_of_table.append([kernel, rows, density, conversions, instructions, f"{instructions / conversions:.4f}"])
            print(f"{kernel:10}{rows:6}{density:6} %{instructions:16,}{instructions / conversions:12.3f}", flush=True)
    return rows_of_table


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", type=Path, default=ROOT / "build" / "sramsim")
    p.add_argument("--csv", type=Path, help="write the table to this file")
    p.add_argument("--check", type=Path, help="compare with this table")
    a = p.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("instructions.py: valgrind is missing: bash scripts/setup.sh bench")
    if not a.program.exists():
        sys.exit(f"instructions.py: no {a.program}: build it first, or name it with --program")
    known = {}
    if a.check:
        with a.check.open() as file:
            known = {tuple(r[:3]): int(r[4]) for r in list(csv.reader(file))[1:]}
    print("kernel      rows   set    instructions  per conversion")
    table = measure(a.program)
    if a.csv:
        with a.csv.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *table])
    grown = [row for row in table if row[4] > 1.02 * known.get(tuple(map(str, row[:3])), row[4])]
    for row in grown:
        print(f"{row[0]} R={row[1]} {row[2]} %: {row[4]:,} instructions, was {known[tuple(map(str, row[:3]))]:,}")
    sys.exit(1 if grown else 0)


if __name__ == "__main__":
    main()
