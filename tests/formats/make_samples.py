#!/usr/bin/env python3
"""Writes the PyTorch checkpoints in samples/ that formats_test reads (made once, with PyTorch 1.13).

Values follow one rule, so that the tests can state them: element i of a tensor, in C order of the tensor that
is named in the file, is what arange gives.
"""
import collections
import os
import sys

import torch


class RunsCommand:
    """What a hostile checkpoint does: its unpickling calls os.system."""

    def __reduce__(self):
        return os.system, ("touch executed-by-unpickling",)


def ramp(*shape, dtype=torch.float32):
    count = int(torch.tensor(shape).prod()) if shape else 1
    return torch.arange(count).reshape(shape).to(dtype)


def main(folder):
    os.makedirs(folder, exist_ok=True)

    def save(name, value, **options):
        torch.save(value, os.path.join(folder, name), **options)

    # A training checkpoint: state dict of a DataParallel model beside counters and an optimizer with momentum.
    model = torch.nn.DataParallel(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, bias=False), torch.nn.Linear(3, 2)))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(ramp(*p.shape))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sum(p.sum() for p in model.parameters()).backward()
    optimizer.step()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(ramp(*p.shape))
    training = {"epoch": 3, "arch": "net", "state_dict": model.state_dict(), "best_acc": torch.tensor(99.5),
                "optimizer": optimizer.state_dict(), "history": [0.5, None, (1, True, 2**40, -3)]}
    save("training.pth.tar", training)
    save("protocol4.pth", training, pickle_protocol=4)

    types = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
             torch.int8, torch.uint8, torch.bool]
    tensors = {str(t).split(".")[1]: ramp(2, 3, dtype=t) for t in types}
    tensors["negative_half"] = torch.tensor([-0.5, 6e-8, 65504.0, float("inf")], dtype=torch.float16)
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 4)
    save("types.pth", tensors)

    base = ramp(4, 6)
    save("views.pth", collections.OrderedDict(base=base, transposed=base.t(), slice=base[1:3, 2:5], column=base[:, 4],
                                              steps=base[::2, ::3], permuted=ramp(2, 3, 4).permute(2, 0, 1),
                                              expanded=ramp(3, 1).expand(3, 2)))
    save("parameter.pth", {"weight": torch.nn.Parameter(ramp(2, 2)), "shape": torch.Size([2, 2])})

    # To be refused.
    save("legacy.pth", {"weight": ramp(2, 2)}, _use_new_zipfile_serialization=False)
    save("whole_module.pth", torch.nn.Linear(2, 2))
    save("hostile.pth", {"state_dict": {"weight": ramp(2, 2)}, "extra": RunsCommand()})
    save("tensor.pth", ramp(2, 2))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "samples"))
