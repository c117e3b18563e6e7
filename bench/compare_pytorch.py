#!/usr/bin/env python3
"""sramsim and PyTorch on the same work, on the same cores, in one run: a table of ratios.

Each round times PyTorch and then sramsim, so that a slow minute of the machine slows both; the ratio of a row is the
median of its rounds' ratios. Before anything is timed, conv2 of every checkpoint goes through both programs for one
image and must give equal sums in every element. The rows:
  train step      one SGD step of the seed network, batch 128
  conv2 dense     conv2 of the seed network on subarrays, random codes with half of all activation bits set
  conv2 NAME      the same on the codes that MNIST images bring to conv2 in the checkpoint models/NAME
PyTorch computes each convolution as the loop over row groups, input bits and weight planes (bench/pytorch_baseline.py);
`stacked` is a form of that loop with fewer and larger products. Needs numpy, torch and a build with benches:

  bash scripts/setup.sh build bench baseline && cmake --preset default && cmake --build build
  /usr/bin/python3 bench/compare_pytorch.py --build build
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytorch_baseline as baseline  # beside this file; says what to install where torch is missing
import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent
IMAGES = 2  # of one PyTorch call


def read_safetensors(path):
    """Tensors of a float32 safetensors file by name."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data, np.float32, (end - begin) // 4, 8 + size + begin)
        tensors[name] = torch.from_numpy(values.copy()).reshape(entry["shape"])
    return tensors


def conv2_operands(checkpoint, images):
    """Codes that enter conv2 for `images`, and its weight codes."""
    network = baseline.SeedNetwork().eval()
    network.load_state_dict(read_safetensors(checkpoint))
    with torch.no_grad():
        x = F.relu(network.conv1(images.float()[:, None] / 255))
        q, _ = network.conv2.act_quant.codes(x)
        codes, _ = baseline.weight_codes(network.conv2.weight, network.conv2.wbits)
    return q, codes.to(torch.int8)


def dense_operands():
    generator = torch.Generator().manual_seed(1)
    q = torch.randint(0, 16, (IMAGES, 128, 26, 26), generator=generator, dtype=torch.uint8)
    return q, torch.randint(-8, 8, (128, 128, 3, 3), generator=generator, dtype=torch.int8)


class Sramsim:
    """The built program and its benches."""

    def __init__(self, build, threads):
        self.build = build
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        listed = self.run("bench/sram_conv_bench", "--benchmark_list_tests").stdout.split()
        variants = [name.split("/")[0] for name in listed]
        self.variant = next(v for v in variants if v != "integer")  # best first

    def run(self, program, *arguments):
        path = self.build / program
        if not path.exists():
            sys.exit(f"compare_pytorch.py: no {path}: build the benches first (see --help), or name the folder with --build")
        done = subprocess.run([path, *arguments], env=self.environment, text=True, capture_output=True)
        if done.returncode:
            sys.exit(f"compare_pytorch.py: {path} failed: {done.stderr.strip().splitlines()[-1]}")
        return done

    def version(self):
        return self.run("sramsim", "--version").stdout.strip()

    def seconds(self, program, bench, per_image):
        """Seconds per image (the counter), or per iteration, of one bench row."""
        name = re.escape(bench).replace(r"\-", "-")  # which POSIX expressions do not know
        text = self.run(f"bench/{program}", f"--benchmark_filter=^{name}/real_time$", "--benchmark_format=json",
                        "--benchmark_min_time=0.5").stdout
        row = json.loads(text)["benchmarks"][0]
        if row.get("error_occurred"):
            sys.exit(f"compare_pytorch.py: {program} {bench}: {row['error_message']}")
        return row["time/image"] if per_image else row["real_time"] * 1e-3

    def sums(self, q, codes, subarray, adc_bits):
        """S of one convolution through `sramsim layer`."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(Path(folder) / name) for name in ("q.npy", "c.npy", "s.npy")]
            np.save(paths[0], q.numpy())
            np.save(paths[1], codes.numpy())
            self.run("sramsim", "layer", "--input", paths[0], "--weight", paths[1], "--output", paths[2], "--abits", "4",
                     "--wbits", "4", "--subarray", str(subarray), "--adc-bits", str(adc_bits), "--quiet")
            return np.load(paths[2])


def clock(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def training_step():
    """One step as a function without arguments."""
    images = baseline.read_idx(ROOT / "datasets" / "mnist", "t10k-images-idx3-ubyte")[:128]
    labels = baseline.read_idx(ROOT / "datasets" / "mnist", "t10k-labels-idx1-ubyte")[:128].long()
    network = baseline.SeedNetwork()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    x = images.float()[:, None] / 255
    return lambda: baseline.train_step(network, optimiser, x, labels)


def compare(name, rounds, images, theirs, ours):
    """Rounds of both; `theirs` maps a form to a function, `ours` returns seconds per image (or per step)."""
    for work in theirs.values():
        work()  # the first call allocates
    ours()
    pytorch = {form: [] for form in theirs}
    sramsim = []
    for _ in range(rounds):
        for form, work in theirs.items():
            pytorch[form].append(clock(work) / images)
        sramsim.append(ours())
    rows = []
    for form, seconds in pytorch.items():
        ratios = [p / s for p, s in zip(seconds, sramsim)]
        rows.append({"work": name, "form": form, "pytorch": statistics.median(seconds),
                     "sramsim": statistics.median(sramsim), "ratio": statistics.median(ratios),
                     "lowest": min(ratios), "highest": max(ratios)})
    return rows


def print_row(row):
    print(f"{row['work']:36}{row['form']:10}{row['pytorch'] * 1e3:12.2f}{row['sramsim'] * 1e3:12.3f}{row['ratio']:10.1f}"
          f"   {row['lowest']:.1f} .. {row['highest']:.1f}", flush=True)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=ROOT / "build", type=Path, help="build folder with sramsim and its benches")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=os.cpu_count(), help="of both")
    p.add_argument("--json", type=Path, help="write the figures to this file")
    return p.parse_args()


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    sramsim = Sramsim(a.build, a.threads)
    images = baseline.read_idx(ROOT / "datasets" / "mnist", "t10k-images-idx3-ubyte")[:IMAGES]
    adc = baseline.Adc("uniform", 5, 64)

    convolutions = [("dense", dense_operands(), ("sram_conv_bench", f"{sramsim.variant}/R:64/adc:5/density:50%"))]
    for checkpoint in sorted((ROOT / "models").glob("*.safetensors")):
        convolutions.append((checkpoint.stem, conv2_operands(checkpoint, images),
                             ("network_bench", f"conv2/{checkpoint.stem}/R:64/adc:5")))
    for name, (q, codes), _ in convolutions:
        with torch.no_grad():
            want = baseline.sram_conv2d(q[:1], codes, 4, 4, 64, adc).numpy()
        if not np.array_equal(sramsim.sums(q[:1], codes, 64, 5), want):
            sys.exit(f"compare_pytorch.py: conv2 {name}: sramsim and PyTorch give different sums")

    print(f"{sramsim.version()}; PyTorch {torch.__version__}; {a.threads} threads; W4A4, 64 rows, 5-bit ADC, conv2 sums equal "
          f"in both; medians of {a.rounds} rounds\n")
    print(f"{'work':36}{'PyTorch':10}{'PyTorch ms':>12}{'sramsim ms':>12}{'ratio':>10}   lowest .. highest")
    rows = []
    for row in compare("train step, batch 128", a.rounds, 1, {"autograd": training_step()},
                       lambda: sramsim.seconds("train_bench", "step/auto/128", False)):
        rows.append(row)
        print_row(row)
    for name, (q, codes), (program, bench) in convolutions:
        def simulate(form, q=q, codes=codes):
            with torch.no_grad():
                return baseline.sram_conv2d(q, codes, 4, 4, 64, adc, form=form)
        forms = {form: (lambda f=form, s=simulate: s(f)) for form in ("loop", "stacked")}
        for row in compare(f"conv2 {name}, per image", a.rounds, IMAGES, forms,
                           lambda p=program, b=bench: sramsim.seconds(p, b, True)):
            rows.append(row)
            print_row(row)
    if a.json:
        a.json.write_text(json.dumps({"sramsim": sramsim.version(), "torch": torch.__version__, "threads": a.threads,
                                      "rounds": a.rounds, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
