"""The pictures and the report as files: what the programs write, say and refuse. Needs matplotlib."""
from __future__ import annotations

import base64
import contextlib
import html.parser
import importlib.util
import io
import os
import re
import unittest
from pathlib import Path

from in_folder import HERE, InFolder

import plot_histograms
import plot_sweep

HAVE_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None
WITHOUT = "matplotlib is missing (bash scripts/setup.sh figures): the pictures are not tested"


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
    def setUp(self):
        super().setUp()
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)

    def plot(self, *arguments: str, expect: int = 0, program=plot_sweep) -> str:
        """stdout of a run that ends with `expect`; its stderr if that is not 0."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = program.main([*arguments, *(() if "--dpi" in arguments else ("--dpi", "60"))])
            except SystemExit as end:
                code = end.code
        self.assertEqual(code, expect, err.getvalue())
        if expect == 0:
            self.assertEqual(err.getvalue(), "")
            return out.getvalue()
        return err.getvalue()

    def sample(self, *arguments: str) -> Path:
        out = self.folder / "out"
        self.plot(str(HERE / "sample.csv"), "--out", str(out), *arguments)
        return out

    def test_sample_gives_every_picture_and_a_report(self):
        out = self.sample("--histograms", str(HERE / "sample_partial_sums.csv"), "--histograms-of", "subarray <64>")
        names = ["accuracy_subarray", "heat_map", "accuracy_energy_nj", "partial_sums"]
        self.assertEqual(sorted(os.listdir(out)), sorted([f"{n}.{k}" for n in names for k in ("png", "svg")] + ["report.html"]))
        for name in names:
            png = (out / f"{name}.png").read_bytes()
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(len(png), 5000)
            self.assertIn("</svg>", (out / f"{name}.svg").read_text(encoding="utf-8"))
        self.assertIn("conversion (subarray &lt;64&gt;), as shares", (out / "report.html").read_text(encoding="utf-8"))

    def test_report_holds_everything_itself(self):
        page = (self.sample("--title", 'A <b> & "title"') / "report.html").read_text(encoding="utf-8")
        links = Links()
        links.feed(page)
        self.assertEqual(links.open, [])
        self.assertEqual(len(links.sources), 3)
        for source in links.sources:
            self.assertTrue(source.startswith("data:image/svg+xml;base64,"), source[:40])
            svg = base64.b64decode(source.partition(",")[2]).decode("utf-8")
            self.assertEqual([link for link in re.findall(r'href="([^"]*)"', svg) if not link.startswith(("#", "data:"))], [])
        self.assertIsNone(re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", page))
        self.assertIn("A &lt;b&gt; &amp; &quot;title&quot;", page)
        self.assertGreater(links.rows, 27)
        self.assertIn("<dt>Mapping</dt><dd>shape-wise</dd>", page)  # the same in all rows: above the table
        self.assertNotIn(">mapping</button>", page)
        self.assertIn(">adc_bits</button>", page)
        self.assertIn("Cheapest point within a loss", page)

    def test_same_rows_give_the_same_files(self):
        first = {p.name: p.read_bytes() for p in self.sample().iterdir()}
        second = {p.name: p.read_bytes() for p in self.sample().iterdir()}
        self.assertEqual(first, second)

    def test_says_what_it_left_out(self):
        one = self.csv("one.csv", [{"subarray": 64, "adc_bits": 4, "accuracy": 0.9}])
        said = self.plot(one, "--out", "one")
        for what in ("accuracy against subarray rows R: neither subarray nor adc_bits has two values",
                     "heat map", "the rows have no column energy_nj"):
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
        torn = self.write("torn.csv", "layer,partial_sum,count,code,step,full_scale\na,0,1,0,1,1\na,1,1\n")
        for arguments, says in (
                (["none.csv"], "none.csv: No such file"),
                ([self.write("e.csv", "accuracy\nx\n")], "e.csv: has no row with an accuracy"),
                ([sample, "--x", "colour"], "--x colour: "),
                ([sample, "--cost", "colour"], "--cost colour: "),
                ([sample, "--where", "subarray=1"], "--where subarray=1: no row"),
                ([self.write("t.csv", "subarray,accuracy\n16,0.5\n32\n")], "t.csv: line 3: 1 fields, the header has 2"),
                ([sample, "--histograms", torn], "torn.csv: line 3: 3 fields, the header has 6")):
            with self.subTest(says):
                said = self.plot(*arguments, "--out", "never", expect=2)
                self.assertIn(says, said)
                self.assertEqual(said.count("\n"), 1)
                self.assertFalse((self.folder / "never").exists())
        self.assertIn("--dpi 5", self.plot(sample, "--dpi", "5", expect=2))
        said = self.plot(torn, expect=2, program=plot_histograms)
        self.assertEqual(said, f"plot_histograms.py: {torn}: line 3: 3 fields, the header has 6\n")

    def test_folder_that_cannot_be_made_is_exit_1(self):
        file = self.write("file", "")
        said = self.plot(str(HERE / "sample.csv"), "--out", str(Path(file) / "out"), expect=1)
        self.assertEqual(said.count("\n"), 1)

    def test_histograms_alone(self):
        said = self.plot(str(HERE / "sample_partial_sums.csv"), "--out", "h", program=plot_histograms)
        self.assertEqual(sorted(os.listdir("h")), ["partial_sums.png", "partial_sums.svg"])
        self.assertIn("Partial sums per layer", said)


if __name__ == "__main__":
    unittest.main()
