"""Rows of a sweep from CSV, JSON lines or JSON. Needs only the standard library."""
from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable

Value = "bool | int | float | str | None"

# What a row says about its result or its run. Every other column is a setting.
RESULTS = {"accuracy", "ideal_accuracy", "images", "seconds", "images_per_second", "device", "subarrays", "utilisation",
           "adc_conversions", "array_activations", "bit_cycles", "shift_adds", "energy_nj", "adc_energy_nj",
           "latency_us", "area_mm2", "adc_cost", "cost_table", "schema", "schema_version", "version", "commit", "host",
           "hostname", "time", "timestamp", "date", "point", "index", "id", "key", "status", "error", "message"}
# Settings whose values repeat a design point instead of making another.
REPEATS = {"seed", "chip", "noise_seed", "chip_seed", "train_seed", "repeat"}


class BadInput(Exception):
    """One line that names the file or option and what is wrong with it."""


def parse_value(text: str) -> Value:
    """A CSV field: an empty one is None; numbers and truth values become what they say."""
    text = text.strip()
    if text == "":
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def sort_key(value: Value) -> tuple:
    """Numbers first, by size; then the rest by their text."""
    return (0, value, "") if is_number(value) else (1, 0, show(value))


def show(value: Value) -> str:
    """A value as people read it: 4, 0.25, true, shape-wise."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


class Sweep:
    """Rows with their columns in order. `rows` have an accuracy; `failed` have none."""

    def __init__(self, name: str, columns: list[str], rows: list[dict[str, Value]], notes: list[str]):
        self.name, self.columns, self.notes = name, columns, list(notes)
        self.rows = [row for row in rows if is_number(row.get("accuracy"))]
        self.failed = [row for row in rows if not is_number(row.get("accuracy"))]
        if self.failed:
            self.notes.append(f"{name}: {len(self.failed)} of {len(rows)} rows have no accuracy (failed points): "
                              "not drawn")

    def values(self, column: str) -> list[Value]:
        """The different values of a column, in order."""
        found = {row[column] for row in self.rows if row.get(column) is not None}
        return sorted(found, key=sort_key)

    def varies(self, column: str) -> bool:
        """An empty field among numbers says that there is none to tell (the geometry where a point has no cost), among
        texts it is a value (no settings of single layers)."""
        found = {row.get(column) for row in self.rows}
        if all(is_number(value) for value in found - {None}):
            found.discard(None)
        return len(found) > 1

    def settings(self) -> list[str]:
        return [column for column in self.columns if column not in RESULTS]

    def panel_settings(self, shown: Iterable[str]) -> list[str]:
        """Settings that vary, are on no axis and are no repeats: each combination needs a panel of its own."""
        hidden = set(shown) | REPEATS
        return [column for column in self.settings() if column not in hidden and self.varies(column)]

    def repeated(self) -> list[str]:
        return [column for column in self.settings() if column in REPEATS and self.varies(column)]

    def panels(self, shown: Iterable[str]) -> list[tuple[str, list[dict[str, Value]]]]:
        """(what its settings are, its rows) per combination of panel_settings(), in order."""
        columns = self.panel_settings(shown)
        groups: dict[tuple, list] = {}
        for row in self.rows:
            groups.setdefault(tuple(row.get(column) for column in columns), []).append(row)
        ordered = sorted(groups.items(), key=lambda item: [sort_key(value) for value in item[0]])
        return [(join_settings(columns, key), rows) for key, rows in ordered]

    def where(self, conditions: list[str]) -> Sweep:
        """The rows that meet every "column=value"."""
        rows = self.rows + self.failed
        for condition in conditions:
            column, equals, text = condition.partition("=")
            if not equals or column not in self.columns:
                raise BadInput(f"--where {condition}: must be COLUMN=VALUE with one of {', '.join(self.columns)}")
            rows = [row for row in rows if row.get(column) == parse_value(text) or show(row.get(column)) == text]
            if not rows:
                raise BadInput(f"--where {condition}: no row of {self.name} is left")
        return Sweep(self.name, self.columns, rows, []) if conditions else self


def join_settings(columns: list[str], values: tuple) -> str:
    """"Mapping: unrolled, ADC mode: uniform", on a line each where one would be too long for a panel."""
    texts = [f"{label(column)}: {value_label(column, value)}" for column, value in zip(columns, values)]
    return ", ".join(texts) if sum(map(len, texts)) <= 32 else "\n".join(texts)


def label(column: str) -> str:
    """What a column is called on axes and in legends, with its unit."""
    return {"subarray": "Subarray rows R", "adc_bits": "ADC bits", "adc_mode": "ADC mode", "adc_range": "ADC range",
            "dac_bits": "DAC bits", "wbits": "Weight bits", "abits": "Activation bits", "map_linear": "Linear on arrays",
            "mapping": "Mapping", "encoding": "Encoding", "energy_nj": "Energy per image (nJ)",
            "adc_energy_nj": "ADC energy per image (nJ)", "latency_us": "Latency per image (µs)",
            "area_mm2": "Area (mm²)", "adc_conversions": "ADC conversions per image", "subarrays": "Subarrays",
            "array_activations": "Array activations per image", "bit_cycles": "Bit cycles per image",
            "utilisation": "Cell utilisation", "checkpoint": "Checkpoint", "seed": "Seed", "chip": "Chip",
            "ideal_accuracy": "Accuracy of the exact network", "images": "Test images", "seconds": "Seconds per point",
            "columns_per_adc": "Columns per ADC"}.get(column, column[:1].upper() + column[1:].replace("_", " "))


def in_text(column: str) -> str:
    """label() within a sentence: abbreviations keep their capitals."""
    text = label(column)
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def value_label(column: str, value: Value) -> str:
    """A value on an axis or in a legend: zero ADC bits are an ideal converter."""
    if column == "adc_bits" and value == 0:
        return "ideal"
    if column == "checkpoint":
        return os.path.basename(show(value))
    return show(value)


def read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not a text file") from None


def read_csv(path: str, text: str, notes: list[str]) -> tuple[list[str], list[dict[str, Value]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    rows, header, pending = [], None, None
    try:
        for fields in reader:
            if not fields or fields == [""]:
                continue
            if header is None:
                header = check_header(path, [field.strip() for field in fields])
                continue
            if pending:
                raise BadInput(pending)
            if len(fields) == len(header):
                rows.append({name: parse_value(field) for name, field in zip(header, fields)})
            else:  # an error unless it is the last line: that one may have been cut off while it was written
                pending = f"{path}: line {reader.line_num}: {len(fields)} fields, the header has {len(header)}"
    except csv.Error as error:
        raise BadInput(f"{path}: line {reader.line_num}: {error}") from None
    if pending and (len(fields) > len(header) or text.endswith("\n")):
        raise BadInput(pending)
    if pending:
        notes.append(f"{path}: its last line is incomplete: left out")
    return header or [], rows


def check_header(path: str, names: list[str]) -> list[str]:
    if "accuracy" not in names:
        raise BadInput(f"{path}: has no column 'accuracy'; its first line is {','.join(names)[:80]!r}")
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{path}: column {name!r} appears twice")
    return names


def read_json(path: str, text: str, notes: list[str]) -> list[dict]:
    """A list of rows, an object with "rows", one row, or one row per line."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        if "\n" not in text.strip() or text.lstrip().startswith("[") or not looks_like_lines(text):
            raise BadInput(f"{path}: line {error.lineno}: {error.msg}") from None
        return read_json_lines(path, text, notes)
    if isinstance(whole, dict):
        whole = whole["rows"] if "rows" in whole else [whole]
    if not isinstance(whole, list):
        raise BadInput(f"{path}: must be a list of rows, an object with a list 'rows', or one row per line")
    return whole


def looks_like_lines(text: str) -> bool:
    """True if the first line is a JSON object of its own."""
    try:
        return isinstance(json.loads(text.lstrip().splitlines()[0]), dict)
    except json.JSONDecodeError:
        return False


def read_json_lines(path: str, text: str, notes: list[str]) -> list[dict]:
    rows = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines) or text.endswith("\n"):
                raise BadInput(f"{path}: line {number}: {error.msg}") from None
            notes.append(f"{path}: its last line is incomplete: left out")
    return rows


def check_json_rows(path: str, rows: list) -> tuple[list[str], list[dict[str, Value]]]:
    columns: dict[str, None] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise BadInput(f"{path}: row {number} is no object")
        for name, value in list(row.items()):
            if isinstance(value, (dict, list)):
                row[name] = json.dumps(value)
            elif value == "":
                row[name] = None  # as in CSV
            columns[name] = None
    if "accuracy" not in columns:
        raise BadInput(f"{path}: has no column 'accuracy'")
    return list(columns), rows


def read_sweep(path: str) -> Sweep:
    """BadInput for a file that cannot be read, is neither CSV nor JSON, or has no accuracies."""
    text = read_text(path)
    notes: list[str] = []
    if not text.strip():
        raise BadInput(f"{path}: is empty")
    if text.lstrip()[0] in "{[":
        columns, rows = check_json_rows(path, read_json(path, text, notes))
    else:
        columns, rows = read_csv(path, text, notes)
    sweep = Sweep(path, columns, rows, notes)
    if not sweep.rows:
        raise BadInput(f"{path}: has no row with an accuracy")
    for row in sweep.rows:
        if not 0.0 <= row["accuracy"] <= 1.0:
            raise BadInput(f"{path}: accuracy {row['accuracy']} is no share of 1")
    return sweep


def mean_low_high(rows: list[dict[str, Value]], of: Callable[[dict], float]) -> tuple[float, float, float]:
    values = [of(row) for row in rows]
    return sum(values) / len(values), min(values), max(values)
