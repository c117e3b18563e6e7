"""Tests of scripts/plot_sweep.py: python3 -m unittest discover -s tests/plots. The pictures need matplotlib."""
from __future__ import annotations

import csv
import html.parser
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from plotting import rows  # noqa: E402

HAVE_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None
WITHOUT = "matplotlib is missing (bash scripts/setup.sh figures): the pictures are not tested"


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def csv(self, name: str, made: list[dict]) -> str:
        path = self.folder / name
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(made[0]))
            writer.writeheader()
            writer.writerows(made)
        return str(path)


class ReadSweep(InFolder):
    def test_sample(self):
        sweep = rows.read_sweep(str(HERE / "sample.csv"))
        self.assertEqual(len(sweep.rows), 27)
        self.assertEqual(sweep.values("subarray"), [32, 64, 128])
        self.assertEqual(sweep.values("adc_bits"), [3, 4, 5])
        self.assertEqual(sweep.repeated(), ["seed"])
        self.assertEqual(sweep.panel_settings(["subarray", "adc_bits"]), [])
        self.assertNotIn("energy_nj", sweep.settings())

    def test_csv_json_and_json_lines_agree(self):
        made = [{"subarray": r, "mapping": "a,\"b\"", "map_linear": True, "accuracy": 0.5 + r / 1000} for r in (16, 32)]
        plain = rows.read_sweep(self.csv("s.csv", made)).rows
        lines = rows.read_sweep(self.write("s.jsonl", "\n".join(json.dumps(r) for r in made) + "\n")).rows
        whole = rows.read_sweep(self.write("s.json", json.dumps({"device": "x", "rows": made}, indent=1))).rows
        array = rows.read_sweep(self.write("a.json", json.dumps(made))).rows
        one = rows.read_sweep(self.write("1.jsonl", json.dumps(made[0]))).rows
        self.assertEqual(plain, made)
        for other in (lines, whole, array):
            self.assertEqual(other, made)
        self.assertEqual(one, made[:1])

    def test_a_line_cut_off_while_written_is_left_out(self):
        sweep = rows.read_sweep(self.write("s.csv", "subarray,accuracy\n16,0.5\n32"))
        self.assertEqual(len(sweep.rows), 1)
        self.assertIn("last line is incomplete", sweep.notes[0])
        sweep = rows.read_sweep(self.write("s.jsonl", '{"accuracy": 0.5}\n{"accu'))
        self.assertEqual(len(sweep.rows), 1)
        self.assertIn("last line is incomplete", sweep.notes[0])

    def test_failed_points_are_set_aside(self):
        sweep = rows.read_sweep(self.write("s.csv", "subarray,accuracy,error\n16,0.5,\n32,,no memory\n"))
        self.assertEqual((len(sweep.rows), len(sweep.failed)), (1, 1))
        self.assertIn("1 of 2 rows have no accuracy", sweep.notes[0])

    def test_errors_name_file_and_line(self):
        for name, text, says in (
                ("s.csv", "", "is empty"),
                ("s.csv", "a,b\n1,2\n", "has no column 'accuracy'"),
                ("s.csv", "accuracy,a,a\n1,2,3\n", "column 'a' appears twice"),
                ("s.csv", "accuracy,a\n0.5\n0.5,1\n", "line 2: 1 fields"),
                ("s.csv", "accuracy,a\n0.5,1,2\n", "line 2: 3 fields, the header has 2"),
                ("s.csv", "accuracy\nfast\n", "has no row with an accuracy"),
                ("s.csv", "accuracy\n98.5\n", "accuracy 98.5 is no share of 1"),
                ("s.json", "[1, 2]", "row 1 is no object"),
                ("s.json", "[{]", "line 1: "),
                ("s.json", '{"rows": 5}', "must be a list of rows"),
                ("s.json", '{"accuracy": 1}\nnonsense\n{"accuracy": 1}\n', "line 2: "),
                ("s.json", '[{"a": 1}]', "has no column 'accuracy'")):
            with self.subTest(text=text), self.assertRaises(rows.BadInput) as caught:
                rows.read_sweep(self.write(name, text))
            self.assertIn(name, str(caught.exception))
            self.assertIn(says, str(caught.exception))
        with self.assertRaisesRegex(rows.BadInput, "none.csv: No such file"):
            rows.read_sweep(str(self.folder / "none.csv"))
        binary = self.folder / "b.csv"
        binary.write_bytes(b"\xff\xfe\x00\x81")
        with self.assertRaisesRegex(rows.BadInput, "is not a text file"):
            rows.read_sweep(str(binary))

    def test_where(self):
        sweep = rows.read_sweep(str(HERE / "sample.csv"))
        self.assertEqual(len(sweep.where(["subarray=64", "seed=1"]).rows), 3)
        for condition, says in (("subarray", "COLUMN=VALUE"), ("colour=3", "COLUMN=VALUE"), ("subarray=7", "no row")):
            with self.assertRaisesRegex(rows.BadInput, says):
                sweep.where([condition])

    def test_panels_and_order(self):
        made = [{"subarray": r, "adc_range": f, "accuracy": 0.5} for r in (128, 16, 32) for f in ("occupied", 100, 20)]
        sweep = rows.read_sweep(self.csv("s.csv", made))
        self.assertEqual(sweep.values("adc_range"), [20, 100, "occupied"])
        self.assertEqual([title for title, _ in sweep.panels(["subarray", "adc_bits"])],
                         ["ADC range: 20", "ADC range: 100", "ADC range: occupied"])


class Links(html.parser.HTMLParser):
    """Collects what a page would load, and how its tags nest."""

    def __init__(self):
        super().__init__()
        self.sources, self.open, self.rows = [], [], 0

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        self.rows += tag == "tr"
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


@unittest.skipUnless(HAVE_MATPLOTLIB, WITHOUT)
class Pictures(InFolder):
    def plot(self, *arguments: str, expect: int = 0) -> str:
        """stdout of a run that ends with `expect`; its stderr if that is not 0, which must be one line."""
        run = subprocess.run([sys.executable, str(SCRIPTS / "plot_sweep.py"), *arguments], capture_output=True,
                             text=True, cwd=self.folder, check=False)
        self.assertEqual(run.returncode, expect, run.stderr)
        if expect == 0:
            self.assertEqual(run.stderr, "")
            return run.stdout
        self.assertNotIn("Traceback", run.stderr)
        return run.stderr

    def sample(self, *arguments: str) -> Path:
        out = self.folder / "out"
        self.plot(str(HERE / "sample.csv"), "--out", str(out), "--dpi", "60", *arguments)
        return out

    def test_sample_gives_every_picture_and_a_report(self):
        out = self.sample("--histograms", str(HERE / "sample_partial_sums.json"))
        names = ["accuracy_subarray", "heat_map", "accuracy_energy_nj", "partial_sums"]
        self.assertEqual(sorted(os.listdir(out)), sorted([f"{n}.{k}" for n in names for k in ("png", "svg")] + ["report.html"]))
        for name in names:
            png = (out / f"{name}.png").read_bytes()
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(len(png), 5000)
            self.assertIn("</svg>", (out / f"{name}.svg").read_text(encoding="utf-8"))

    def test_report_holds_everything_itself(self):
        page = (self.sample("--title", 'A <b> & "title"') / "report.html").read_text(encoding="utf-8")
        links = Links()
        links.feed(page)
        self.assertEqual(links.open, [])
        self.assertEqual(len(links.sources), 3)
        for source in links.sources:
            self.assertTrue(source.startswith("data:image/"), source[:40])
        self.assertIsNone(re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", page))
        self.assertIn("A &lt;b&gt; &amp; &quot;title&quot;", page)
        self.assertGreater(links.rows, 27)
        self.assertIn("Cheapest point within a loss", page)

    def test_same_rows_give_the_same_files(self):
        first = {p.name: p.read_bytes() for p in self.sample().iterdir()}
        second = {p.name: p.read_bytes() for p in self.sample().iterdir()}
        self.assertEqual(first, second)

    def test_says_what_it_left_out(self):
        one = self.csv("one.csv", [{"subarray": 64, "adc_bits": 4, "accuracy": 0.9}])
        said = self.plot(one, "--out", "one")
        for what in ("accuracy against Subarray rows R: neither subarray nor adc_bits has two values",
                     "heat map", "the rows have no column energy_nj", "no --histograms file"):
            self.assertIn(what, said)
        self.assertEqual(os.listdir(self.folder / "one"), ["report.html"])

    def test_single_valued_axis_swaps(self):
        made = [{"subarray": 64, "adc_bits": b, "accuracy": 0.5 + b / 20} for b in (3, 4, 5)]
        self.assertIn("drawn against adc_bits instead", self.plot(self.csv("x.csv", made), "--out", "x"))
        self.assertTrue((self.folder / "x/accuracy_adc_bits.svg").exists())

    def test_odd_sweeps_are_drawn(self):
        for name, made in {
                "perfect": [{"subarray": r, "adc_bits": b, "accuracy": 1.0} for r in (16, 32) for b in (4, 5)],
                "chance": [{"subarray": r, "adc_bits": b, "accuracy": 0.0, "images": 10} for r in (16, 32) for b in (4, 5)],
                "texts": [{"subarray": r, "adc_bits": b, "accuracy": 0.5} for r in ("small", "large") for b in ("a", 0)],
                "holes": [{"subarray": r, "adc_bits": b, "accuracy": 0.9, "energy_nj": e}
                          for r, b, e in ((16, 4, 1), (32, 5, 0), (64, 4, ""), (64, 0, 9))],
                "zero": [{"subarray": r, "adc_bits": b, "accuracy": 0.4} for r in (0, 32) for b in (-1, 5)],
                "panels": [{"subarray": r, "adc_bits": 4, "accuracy": 0.5, "sigma": s, "mapping": m}
                           for r in (16, 32) for s in (0, 0.5, 1, 2) for m in ("x", "y")]}.items():
            with self.subTest(name):
                self.plot(self.csv(f"{name}.csv", made), "--out", name)
                self.assertTrue((self.folder / name / "accuracy_subarray.png").exists())

    def test_other_axes_and_cost(self):
        said = self.plot(str(HERE / "sample.csv"), "--x", "adc_bits", "--by", "subarray", "--cost", "latency_us", "--out", "o")
        self.assertIn("accuracy_adc_bits.png", said)
        self.assertIn("accuracy_latency_us.png", said)

    def test_bad_input_is_one_line_and_exit_2(self):
        sample = str(HERE / "sample.csv")
        bad = self.write("bad.json", '{"layers": [{"name": "a", "full_scale": 0, "step": 1, "counts": [1]}]}')
        for arguments, says in (
                (["none.csv"], "none.csv: No such file"),
                ([self.write("e.csv", "accuracy\nx\n")], "e.csv: has no row with an accuracy"),
                ([sample, "--x", "colour"], "--x colour: "),
                ([sample, "--cost", "colour"], "--cost colour: "),
                ([sample, "--where", "subarray=1"], "--where subarray=1: no row"),
                ([sample, "--histograms", bad], "layer 1 (a): 'full_scale' must be a number greater than 0"),
                ([sample, "--histograms", self.write("n.json", '{"layers": [{}]}')], "layer 1: has no name"),
                ([sample, "--histograms", self.write("m.json", "{}")], "has no list 'layers'"),
                ([sample, "--histograms", self.write("c.json", '{"layers": [{"name": "a", "counts": [-1]}]}')], "'counts'")):
            with self.subTest(says):
                said = self.plot(*arguments, "--out", "never", expect=2)
                self.assertIn(says, said)
                self.assertEqual(said.count("\n"), 1)
                self.assertFalse((self.folder / "never").exists())
        self.assertIn("--dpi 5", self.plot(sample, "--dpi", "5", expect=2))

    def test_folder_that_cannot_be_made_is_exit_1(self):
        file = self.write("file", "")
        said = self.plot(str(HERE / "sample.csv"), "--out", str(Path(file) / "out"), expect=1)
        self.assertEqual(said.count("\n"), 1)

    def test_front_is_what_no_other_point_beats(self):
        from plotting.figures import front
        points = [(3, 90), (1, 50), (2, 80), (2, 70), (4, 85), (1, 50), (5, 90.1)]
        kept = front(points)
        self.assertEqual([points[i] for i in kept], [(1, 50), (2, 80), (3, 90), (5, 90.1)])
        for i, point in enumerate(points):
            beaten = any(o[0] <= point[0] and o[1] >= point[1] and o != point for o in points)
            self.assertEqual(points[i] in [points[k] for k in kept], not beaten)

    def test_accuracy_scale_shows_every_point(self):
        from plotting.style import AccuracyScale
        for percents, logarithmic in (([99.1, 99.2], False), ([10.0, 99.2], True), ([30.0, 70.0], False), ([100.0], False),
                                      ([0.0, 100.0], True)):
            scale = AccuracyScale(percents, 10000)
            self.assertEqual(scale.logarithmic, logarithmic, percents)
            self.assertLessEqual(scale.low, min(percents))
            self.assertLess(scale.low, scale.high)
            self.assertGreaterEqual(len(scale.ticks()), 3, percents)
            self.assertGreater(scale.high, min(99.9, max(percents)))


if __name__ == "__main__":
    unittest.main()
