"""Partial sums of every layer beside the range of its converter."""
from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field

from plotting.rows import BadInput, is_number, parse_value, read_text

COLUMNS = ["layer", "partial_sum", "count", "code", "step", "full_scale"]
MOST_LAYERS = 12


@dataclass
class Layer:
    """Counts and ADC codes by partial sum P = 0, 1, ...; step D and full scale F in partial-sum units."""
    name: str
    step: float
    full_scale: float
    counts: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    def clipped_from(self) -> float:
        """P from here on would get a larger code if the converter had one: half rounds up."""
        return self.full_scale + self.step / 2

    def clipped(self) -> float:
        """Share of conversions."""
        return sum(c for p, c in enumerate(self.counts) if p >= self.clipped_from()) / sum(self.counts)

    def rms_error(self) -> float:
        """sqrt(mean (D*code - P)^2), partial-sum units."""
        squares = sum(n * (self.step * code - p) ** 2 for p, (n, code) in enumerate(zip(self.counts, self.codes)))
        return math.sqrt(squares / sum(self.counts))


def read(path: str) -> list[Layer]:
    """What `sramsim infer --histograms` writes; BadInput, naming the line, for anything else."""
    rows = csv.reader(io.StringIO(read_text(path), newline=""))
    layers: dict[str, Layer] = {}
    try:
        header = [name.strip() for name in next(rows, [])]
        if header[: len(COLUMNS)] != COLUMNS:
            raise BadInput(f"{path}: must begin with the line {','.join(COLUMNS)}")
        for fields in rows:
            if fields:
                add(layers, f"{path}: line {rows.line_num}", fields, len(header))
    except csv.Error as error:
        raise BadInput(f"{path}: line {rows.line_num}: {error}") from None
    if not layers:
        raise BadInput(f"{path}: has no layers: all are digital")
    return list(layers.values())


def add(layers: dict[str, Layer], where: str, fields: list[str], width: int) -> None:
    if len(fields) != width:
        raise BadInput(f"{where}: {len(fields)} fields, the header has {width}")
    name, (partial_sum, count, code, step, full_scale) = fields[0], map(parse_value, fields[1: len(COLUMNS)])
    for column, value in (("partial_sum", partial_sum), ("count", count), ("code", code)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadInput(f"{where}: {column} must be a whole number, not negative")
    for column, value in (("step", step), ("full_scale", full_scale)):
        if not is_number(value) or value <= 0:
            raise BadInput(f"{where}: {column} must be a number greater than 0")
    layer = layers.setdefault(name, Layer(name, step, full_scale))
    if partial_sum != len(layer.counts):
        raise BadInput(f"{where}: partial_sum {partial_sum} of {name} stands where {len(layer.counts)} belongs")
    layer.counts.append(count)
    layer.codes.append(code)
