#!/usr/bin/env python3
"""Compiles the hot kernels for one architecture and fails if any of them spills registers.

The stack frame of the direct kernel is not a spill: it holds a tile's sums on the general store path only.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HOT = ["sram_direct_cuda.cu", "sram_warpgroup_cuda.cu", "sram_chained_cuda.cu", "sram_general_cuda.cu"]


def compile_log(nvcc: str, source: pathlib.Path, name: str, arch: str, output: str) -> str:
    command = [nvcc, "-std=c++20", "-O3", "-fmad=false", "-I", str(source), f"-arch={arch}", "-Xptxas", "-v",
               "-cubin", "-o", output, str(source / "kernels/sram_conv" / name)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{name} does not compile for {arch}:\n{run.stdout}{run.stderr}")
    return run.stdout + run.stderr


def kernels(log: str):
    """(mangled name, spilled bytes, registers) of every kernel of one compilation."""
    pattern = (r"Compiling entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads"
               r".*?Used (\d+) registers")
    for name, stores, loads, registers in re.findall(pattern, log, re.S):
        yield name, int(stores) + int(loads), int(registers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvcc", default="nvcc")
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--arch", action="append", help="default: sm_80 and sm_90a")
    args = parser.parse_args()
    found = spilled = 0
    with tempfile.TemporaryDirectory() as folder:
        for arch in args.arch or ["sm_80", "sm_90a"]:
            for name in HOT:
                for kernel, spills, registers in kernels(compile_log(args.nvcc, args.source, name, arch,
                                                                     f"{folder}/kernel.cubin")):
                    found += 1
                    spilled += spills > 0
                    short = re.sub(r"^.*\d(sram_\w+?_kernel)", r"\1", kernel)[:70]
                    print(f"{arch:8} {registers:4} registers {spills:5} bytes spilled  {short}")
    if found == 0:
        sys.exit("ptxas reported no kernel")
    print(f"{found} kernels, {spilled} with spills")
    return 1 if spilled else 0


if __name__ == "__main__":
    sys.exit(main())
