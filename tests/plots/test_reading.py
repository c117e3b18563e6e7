"""Reading what the plots are made of: needs the standard library alone."""
from __future__ import annotations

import json
import unittest

from in_folder import HERE, InFolder
from plotting import histograms, rows


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

    def test_empty_numbers_make_no_panels_but_empty_texts_do(self):
        made = [{"subarray": r, "array_columns": c, "layer_settings": s, "accuracy": 0.5}
                for r, c, s in ((16, 128, ""), (32, 128, "conv1.adc_bits=6"), (64, "", ""))]
        sweep = rows.read_sweep(self.csv("s.csv", made))
        self.assertEqual(sweep.panel_settings(["subarray"]), ["layer_settings"])
        lines = self.write("s.jsonl", "\n".join(json.dumps(row) for row in made) + "\n")
        self.assertEqual(rows.read_sweep(lines).rows, sweep.rows)

    def test_panels_and_order(self):
        made = [{"subarray": r, "adc_range": f, "accuracy": 0.5} for r in (128, 16, 32) for f in ("occupied", 100, 20)]
        sweep = rows.read_sweep(self.csv("s.csv", made))
        self.assertEqual(sweep.values("adc_range"), [20, 100, "occupied"])
        self.assertEqual([title for title, _ in sweep.panels(["subarray", "adc_bits"])],
                         ["ADC range: 20", "ADC range: 100", "ADC range: occupied"])


class ReadHistograms(InFolder):
    HEADER = "layer,partial_sum,count,code,step,full_scale\n"

    def test_clipping_and_error_of_a_hand_made_layer(self):
        # D = 2, codes up to 3: half rounds up, so that 7 is the first that would have got code 4.
        counts, codes = [5, 4, 0, 0, 0, 0, 0, 2, 1], [0, 1, 1, 2, 2, 3, 3, 3, 3]
        lines = "".join(f"a,{p},{n},{c},2,6\n" for p, (n, c) in enumerate(zip(counts, codes)))
        first, second = histograms.read(self.write("h.csv", self.HEADER + lines + "b,0,7,0,0.5,3.5\n"))
        self.assertEqual((first.name, first.counts, first.codes, first.step, first.full_scale), ("a", counts, codes, 2, 6))
        self.assertEqual(first.clipped(), 3 / 12)
        self.assertAlmostEqual(first.rms_error(), ((4 * 1 + 2 * 1 + 1 * 4) / 12) ** 0.5)
        self.assertEqual((second.name, second.step, second.full_scale, second.clipped()), ("b", 0.5, 3.5, 0.0))

    def test_errors_name_file_and_line(self):
        for text, says in (
                ("", "must begin with the line layer,partial_sum"),
                ("a,b\n1,2\n", "must begin with the line layer,partial_sum"),
                (self.HEADER, "has no layers"),
                (self.HEADER + "a,0,1,0,1\n", "line 2: 5 fields, the header has 6"),
                (self.HEADER + "a,0,-1,0,1,1\n", "line 2: count must be"),
                (self.HEADER + "a,0,1,0,1,1\na,1,1.5,0,1,1\n", "line 3: count must be"),
                (self.HEADER + "a,0,1,x,1,1\n", "line 2: code must be"),
                (self.HEADER + "a,0,1,0,0,1\n", "line 2: step must be a number greater than 0"),
                (self.HEADER + "a,0,1,0,1,nan\n", "line 2: full_scale must be a number greater than 0"),
                (self.HEADER + "a,0,1,0,1,1\na,2,1,1,1,1\n", "line 3: partial_sum 2 of a stands where 1 belongs")):
            with self.subTest(text=text), self.assertRaises(rows.BadInput) as caught:
                histograms.read(self.write("h.csv", text))
            self.assertIn("h.csv: " + says, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
