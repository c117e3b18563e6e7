#!/usr/bin/env python3
"""The same work in PyTorch: a training step of the seed network, and the bit-plane SRAM inference loop.

What people compare a simulator with: quantised layers as autograd modules, and an SRAM convolution that loops over row
groups, input bits and weight planes with a dense operator inside and the ADC behind each. Two forms of that loop:
  loop     one matrix product per (row group, input bit, weight plane), as such simulators are usually written
  stacked  input bits stacked along the batch and weight planes along the output channels: one product per row group
Runs on a GPU where PyTorch has one. `--verify` proves the results on the golden files of the tests before anything is
timed. Needs numpy and torch (Debian: python3-torch; scripts/setup.sh baseline).

  python3 bench/pytorch_baseline.py --verify --work train,conv2,network --json baseline.json
"""
import argparse
import gzip
import json
import os
import platform
import statistics
import struct
import sys
import time
from pathlib import Path

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError as missing:
    sys.exit(f"pytorch_baseline.py: {sys.executable} has no {missing.name}: `bash scripts/setup.sh baseline` installs it "
             "for Debian's /usr/bin/python3, pip for others (numpy, torch)")

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
SAWB = {2: (0.396, 0.635), 3: (0.144, 0.907), 4: (0.077, 1.013), 5: (0.059, 1.052),
        6: (0.045, 1.082), 7: (0.036, 1.102), 8: (0.027, 1.114)}  # (z0, z1): alpha = std/z0 - mean|w|*z1/z0


# --- quantisers ------------------------------------------------------------------------------------------------------
def weight_codes(w, bits):
    """SAWB: integer codes (as float) and their scale n/alpha."""
    z0, z1 = SAWB[bits]
    alpha = (1.0 / z0) * w.std() - (z1 / z0) * w.abs().mean()
    scale = (2 ** (bits - 1) - 1) / alpha
    return torch.round(torch.minimum(torch.maximum(w, -alpha), alpha) * scale), scale


class QuantisedWeight(torch.autograd.Function):
    """Codes/scale forward, the gradient unchanged backward (straight-through)."""

    @staticmethod
    def forward(ctx, w, bits):
        codes, scale = weight_codes(w, bits)
        return codes / scale

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class QuantisedActivation(torch.autograd.Function):
    """PACT: clip at the learnt alpha, 2^A - 1 steps; the clipped part's gradient goes to alpha."""

    @staticmethod
    def forward(ctx, x, alpha, bits):
        ctx.save_for_backward(x, alpha)
        scale = (2 ** bits - 1) / alpha
        return torch.round(torch.minimum(x.clamp(min=0), alpha) * scale) / scale

    @staticmethod
    def backward(ctx, grad):
        x, alpha = ctx.saved_tensors
        return grad * ((x >= 0) & (x <= alpha)), (grad * (x >= alpha)).sum().reshape(alpha.shape), None


# --- the seed network ------------------------------------------------------------------------------------------------
class ActQuant(nn.Module):
    def __init__(self, bits, alpha=10.0):
        super().__init__()
        self.bits = bits
        self.act_alpha = nn.Parameter(torch.tensor(alpha))

    def forward(self, x):
        return QuantisedActivation.apply(x, self.act_alpha, self.bits)

    def codes(self, x):
        """uint8 codes and their scale."""
        scale = (2 ** self.bits - 1) / self.act_alpha
        return torch.round(torch.minimum(x.clamp(min=0), self.act_alpha) * scale).to(torch.uint8), scale


class QConv2d(nn.Conv2d):
    def __init__(self, c, o, kernel, wbits, abits):
        super().__init__(c, o, kernel, bias=False)
        self.wbits = wbits
        self.act_quant = ActQuant(abits)

    def forward(self, x):
        return F.conv2d(self.act_quant(x), QuantisedWeight.apply(self.weight, self.wbits))


class QLinear(nn.Linear):
    def __init__(self, c, o, wbits, abits):
        super().__init__(c, o)
        self.wbits = wbits
        self.act_quant = ActQuant(abits)

    def forward(self, x):
        return F.linear(self.act_quant(x), QuantisedWeight.apply(self.weight, self.wbits), self.bias)


class SeedNetwork(nn.Module):
    def __init__(self, wbits=4, abits=4):
        super().__init__()
        self.conv1 = QConv2d(1, 128, 3, wbits, abits)
        self.conv2 = QConv2d(128, 128, 3, wbits, abits)
        self.fc1 = QLinear(4608, 128, wbits, abits)
        self.fc2 = QLinear(128, 10, wbits, abits)

    def forward(self, x, conv=lambda layer, x: layer(x)):
        """`conv` computes a convolution layer: the layer itself, or its simulation on subarrays."""
        x = F.relu(conv(self.conv1, x))
        x = F.relu(conv(self.conv2, x))
        x = torch.flatten(F.avg_pool2d(x, 4), 1)
        x = F.dropout(F.relu(self.fc1(x)), 0.5, self.training)
        return self.fc2(x)


def train_step(net, optimiser, x, labels):
    optimiser.zero_grad(set_to_none=True)
    loss = F.cross_entropy(net(x), labels)
    for layer in (net.conv1, net.conv2, net.fc1, net.fc2):
        loss = loss + 1e-5 * layer.act_quant.act_alpha ** 2
    loss.backward()
    optimiser.step()
    return loss


# --- SRAM convolution ------------------------------------------------------------------------------------------------
def weight_planes(codes, bits, encoding):
    """The stored bits of every plane, and what each plane weighs."""
    c = codes.to(torch.int32)
    if encoding == "differential":
        parts = [(c.clamp(min=0), 1), ((-c).clamp(min=0), -1)]
        return [((p >> j) & 1).float() for p, _ in parts for j in range(bits - 1)], \
               [s * 2 ** j for _, s in parts for j in range(bits - 1)]
    if encoding == "offset":
        c = c + 2 ** (bits - 1)
    planes = [((c >> j) & 1).float() for j in range(bits)]
    weights = [2 ** j for j in range(bits)]
    if encoding == "twos-complement":
        weights[-1] = -weights[-1]
    return planes, weights


class Adc:
    """code(P) and its step, design of the table: uniform over the full scale, or saturating."""

    def __init__(self, mode, bits, full_scale):
        self.ideal = bits == 0
        self.top = 2 ** bits - 1
        self.full_scale = full_scale
        self.clamp_only = mode == "saturating" or self.top >= full_scale
        if mode == "uniform" and self.top >= full_scale:
            self.top = full_scale
        self.step = 1.0 if self.ideal or self.clamp_only else full_scale / self.top

    def __call__(self, p):
        if self.ideal:
            return p
        if self.clamp_only:
            return p.clamp(max=self.top)
        return torch.floor((2 * p * self.top + self.full_scale) / (2 * self.full_scale)).clamp(max=self.top)


def row_groups(channels, kernel, subarray):
    """Shape-wise mapping: the channels of each kernel position, cut every `subarray` rows."""
    return [(kh, kw, c, min(c + subarray, channels)) for kh in range(kernel[0]) for kw in range(kernel[1])
            for c in range(0, channels, subarray)]


def window(x, kh, kw, out_h, out_w, stride):
    return x[:, :, kh:kh + (out_h - 1) * stride + 1:stride, kw:kw + (out_w - 1) * stride + 1:stride]


def sram_conv2d(q, codes, abits, wbits, subarray, adc, encoding="twos-complement", dac_bits=1, stride=1, padding=0,
                form="loop"):
    """q uint8 [N,I,H,W], codes [O,I,KH,KW] -> S [N,O,OH,OW], one ADC conversion per group, digit and plane."""
    q = F.pad(q.to(torch.int32), [padding] * 4)
    out_h = (q.shape[2] - codes.shape[2]) // stride + 1
    out_w = (q.shape[3] - codes.shape[3]) // stride + 1
    digits = [((q >> s) & (2 ** dac_bits - 1)).float() for s in range(0, abits, dac_bits)]
    planes, plane_weights = weight_planes(codes, wbits, encoding)
    n, o = q.shape[0], codes.shape[0]
    total = torch.zeros(n, o, out_h, out_w, device=q.device)
    if form == "stacked":
        stacked_q = torch.cat(digits)
        stacked_w = torch.cat(planes)
        significance = torch.tensor([[float(w * 2 ** (dac_bits * i)) for w in plane_weights]
                                     for i in range(len(digits))], device=q.device)
    for kh, kw, c0, c1 in row_groups(codes.shape[1], codes.shape[2:], subarray):
        if form == "stacked":
            p = F.conv2d(window(stacked_q[:, c0:c1], kh, kw, out_h, out_w, stride),
                         stacked_w[:, c0:c1, kh:kh + 1, kw:kw + 1])
            p = adc(p).reshape(len(digits), n, len(planes), o, out_h, out_w)
            total += torch.einsum("inpohw,ip->nohw", p, significance)
            continue
        for i, digit in enumerate(digits):
            rows = window(digit[:, c0:c1], kh, kw, out_h, out_w, stride)
            for plane, weight in zip(planes, plane_weights):
                p = F.conv2d(rows, plane[:, c0:c1, kh:kh + 1, kw:kw + 1])
                total += adc(p) * (weight * 2 ** (dac_bits * i))
    s = total.double() * adc.step
    if encoding == "offset":
        ones = torch.ones(1, *codes.shape[1:], device=q.device)
        s = s - 2.0 ** (wbits - 1) * F.conv2d(q.float(), ones, stride=stride).double()
    return s


def on_arrays(subarray, adc_bits, form):
    """A function for SeedNetwork.forward that simulates a convolution layer on subarrays."""
    def run(layer, x):
        q, act_scale = layer.act_quant.codes(x)
        codes, weight_scale = weight_codes(layer.weight, layer.wbits)
        full_scale = min(subarray, layer.in_channels)
        s = sram_conv2d(q, codes, layer.act_quant.bits, layer.wbits, subarray, Adc("uniform", adc_bits, full_scale),
                        form=form)
        return s.float() / act_scale / weight_scale
    return run


# --- verification ----------------------------------------------------------------------------------------------------
def verify_layers():
    """Every shape-wise golden layer, both forms of the loop, exact up to the last bits of a double."""
    checked = 0
    for case in json.loads((GOLDEN / "layer" / "cases.json").read_text()):
        o = dict(zip(case["args"][::2], case["args"][1::2]))
        if o["--mapping"] != "shape-wise":
            continue
        q, c, want = (np.load(GOLDEN / "layer" / f"{case['case']}_{what}.npy") for what in ("input", "weight", "output"))
        subarray, dac_bits = int(o["--subarray"]), int(o["--dac-bits"])
        digit_max = 2 ** dac_bits - 1
        span = o.get("--adc-range", "occupied")
        full_scale = {"occupied": min(subarray, c.shape[1]) * digit_max, "array": subarray * digit_max}.get(span)
        adc = Adc(o.get("--adc-mode", "uniform"), int(o["--adc-bits"]), float(span) if full_scale is None else full_scale)
        for form in ("loop", "stacked"):
            got = sram_conv2d(torch.from_numpy(q), torch.from_numpy(c), int(o["--abits"]), int(o["--wbits"]), subarray,
                              adc, o["--encoding"], dac_bits, int(o["--stride"]), int(o["--padding"]), form).numpy()
            if not np.allclose(got, want, rtol=1e-9, atol=1e-9):
                sys.exit(f"golden layer {case['case']} ({form}): largest difference {np.abs(got - want).max()}")
        checked += 1
    return checked


def verify_network(images):
    """Logits of the golden checkpoint: float layers, and subarrays at two design points.

    On one thread: PyTorch adds up a standard deviation in another order on two, and one weight at a tie then rounds the
    other way.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    net = SeedNetwork().eval()
    stored = torch.load(GOLDEN / "original" / "random_w4a4.pth.tar", map_location="cpu")
    net.load_state_dict(stored["state_dict"])
    x = images[:32].float()[:, None] / 255
    with torch.no_grad():
        for file, conv in [("", lambda layer, x: layer(x)), ("_subarray64_adc5", on_arrays(64, 5, "loop")),
                           ("_subarray32_adc3", on_arrays(32, 3, "stacked"))]:
            want = np.load(GOLDEN / "original" / f"random_w4a4_logits{file}.npy")
            difference = float(np.abs(net(x, conv).numpy() - want).max())
            if difference > 1e-6:
                sys.exit(f"golden logits{file}: largest difference {difference}")
    torch.set_num_threads(threads)


# --- timing ----------------------------------------------------------------------------------------------------------
def read_idx(directory, stem):
    """Bytes of an IDX file, gzipped or not."""
    for path in (Path(directory) / stem, Path(directory) / (stem + ".gz")):
        if path.exists():
            data = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
            rank = data[3]
            shape = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
            return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape).copy())
    sys.exit(f"{directory}: no {stem}")


def timed(work, device, repeats):
    """Seconds of each repeat, after one untimed run."""
    seconds = []
    for i in range(repeats + 1):
        if device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if i:
            seconds.append(time.perf_counter() - start)
    return seconds


def time_train(a, device, images, labels):
    net = SeedNetwork(a.wbits, a.abits).to(device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x = (images[:a.batch].float()[:, None] / 255).to(device)
    y = labels[:a.batch].long().to(device)
    return {"train step": (timed(lambda: train_step(net, optimiser, x, y), device, a.repeats), a.batch)}


def time_conv2(a, device, _images, _labels):
    """Dense random codes: neither form of the loop is faster on sparse ones."""
    generator = torch.Generator().manual_seed(1)
    q = torch.randint(0, 2 ** a.abits, (a.images, 128, 26, 26), generator=generator, dtype=torch.uint8).to(device)
    n = 2 ** (a.wbits - 1)
    codes = torch.randint(-n, n, (128, 128, 3, 3), generator=generator, dtype=torch.int8).to(device)
    adc = Adc("uniform", a.adc_bits, min(a.subarray, 128))
    with torch.no_grad():
        return {f"conv2 {form}": (timed(lambda f=form: sram_conv2d(q, codes, a.abits, a.wbits, a.subarray, adc, form=f),
                                        device, a.repeats), a.images) for form in ("loop", "stacked")}


def time_network(a, device, images, _labels):
    net = SeedNetwork(a.wbits, a.abits).to(device).eval()
    x = (images[:a.images].float()[:, None] / 255).to(device)
    with torch.no_grad():
        return {f"network {form}": (timed(lambda f=form: net(x, on_arrays(a.subarray, a.adc_bits, f)), device, a.repeats),
                                    a.images) for form in ("loop", "stacked")}


WORK = {"train": time_train, "conv2": time_conv2, "network": time_network}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--work", default="train,conv2,network", help="what to time, of " + ", ".join(WORK))
    p.add_argument("--verify", action="store_true", help="check the results on the golden files first")
    p.add_argument("--dataset-dir", default=ROOT / "datasets" / "mnist")
    p.add_argument("--images", type=int, default=8, help="images of one inference call")
    p.add_argument("--batch", type=int, default=128, help="images of a training step")
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--subarray", type=int, default=64)
    p.add_argument("--adc-bits", type=int, default=5)
    p.add_argument("--wbits", type=int, default=4)
    p.add_argument("--abits", type=int, default=4)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--json", help="write the figures to this file")
    a = p.parse_args()
    unknown = set(a.work.split(",")) - set(WORK)
    if unknown:
        p.error(f"--work: unknown {', '.join(sorted(unknown))}")
    return a


def main():
    a = arguments()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    device = torch.device(a.device)
    test_images = read_idx(a.dataset_dir, "t10k-images-idx3-ubyte")
    if a.verify:
        layers = verify_layers()
        verify_network(test_images)
        print(f"verified: {layers} golden layers, 3 golden networks")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()} CPU, {a.threads} threads"
    rows = []
    for work in a.work.split(","):
        images, labels = test_images, None
        if work == "train":
            images = read_idx(a.dataset_dir, "train-images-idx3-ubyte")
            labels = read_idx(a.dataset_dir, "train-labels-idx1-ubyte")
        for what, (seconds, count) in WORK[work](a, device, images, labels).items():
            median = statistics.median(seconds)
            rows.append({"work": what, "images": count, "seconds": seconds, "median": median,
                         "seconds_per_image": median / count})
    print(f"PyTorch {torch.__version__}, {name}; W{a.wbits}A{a.abits}, {a.subarray} rows, {a.adc_bits}-bit ADC; "
          f"medians of {a.repeats}")
    print(f"{'work':18}{'images':>8}{'s per call':>14}{'s per image':>14}")
    for r in rows:
        print(f"{r['work']:18}{r['images']:8}{r['median']:14.5f}{r['seconds_per_image']:14.6f}")
    if a.json:
        Path(a.json).write_text(json.dumps({"torch": torch.__version__, "device": name, "subarray": a.subarray,
                                            "adc_bits": a.adc_bits, "wbits": a.wbits, "abits": a.abits, "rows": rows},
                                           indent=2) + "\n")


if __name__ == "__main__":
    main()
