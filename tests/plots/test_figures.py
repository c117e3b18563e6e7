"""What stands in the pictures: axes, ticks, lines, cells, the front. Needs matplotlib."""
from __future__ import annotations

import importlib.util
import unittest

from in_folder import HERE, InFolder
from plotting import histograms, rows

HAVE_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None
WITHOUT = "matplotlib is missing (bash scripts/setup.sh figures): the pictures are not tested"

FULL = {(16, 3): 0.9922, (64, 3): 0.9917, (128, 3): 0.9899, (16, 5): 0.9932, (64, 5): 0.9924, (128, 5): 0.9929,
        (16, 0): 0.9932, (64, 0): 0.9932, (128, 0): 0.9932}
LOW = {(16, 2): 0.9884, (64, 2): 0.8262, (128, 2): 0.3161}


class Album:
    """Stands in for style.Gallery: keeps the figures themselves."""

    def __init__(self):
        self.figures, self.captions, self.left_out = {}, {}, []

    def add(self, figure, name, title, caption):
        figure.canvas.draw()
        self.figures[name], self.captions[name] = figure, caption

    def leave_out(self, what, why):
        self.left_out.append((what, why))


def series(axis) -> list:
    """The lines that stand for rows: those with a marker."""
    return [line for line in axis.get_lines() if line.get_marker() not in ("None", None, "")]


def texts(labels) -> list[str]:
    return [label.get_text() for label in labels]


def legend_texts(axis) -> list[str]:
    from matplotlib.legend import Legend
    return [text for legend in axis.get_children() if isinstance(legend, Legend) for text in texts(legend.get_texts())]


@unittest.skipUnless(HAVE_MATPLOTLIB, WITHOUT)
class Content(InFolder):
    def setUp(self):
        super().setUp()
        from plotting import style
        style.use()
        self.album = Album()

    def tearDown(self):
        import matplotlib.pyplot as plt
        plt.close("all")

    def sweep(self, points: dict, **columns) -> rows.Sweep:
        made = [{"subarray": r, "adc_bits": b, "accuracy": a, "ideal_accuracy": 0.9932, "images": 10000, **columns}
                for (r, b), a in points.items()]
        return rows.read_sweep(self.csv("s.csv", made))

    def lines(self, sweep: rows.Sweep):
        from plotting import figures
        figures.accuracy_lines(self.album, sweep, "subarray", "adc_bits")
        return self.album.figures["accuracy_subarray"]

    def test_one_line_per_converter_over_the_rows_of_a_subarray(self):
        axis, = self.lines(self.sweep(FULL)).axes
        self.assertEqual(axis.get_xlabel(), "Subarray rows R")
        self.assertEqual(axis.get_ylabel(), "Accuracy (%)")
        self.assertEqual((axis.get_xscale(), axis.get_yscale()), ("log", "linear"))
        self.assertEqual(texts(axis.get_xticklabels()), ["16", "64", "128"])
        self.assertEqual(list(axis.get_xticks()), [16, 64, 128])
        self.assertEqual([[round(y, 6) for y in line.get_ydata()] for line in series(axis)],
                         [[99.22, 99.17, 98.99], [99.32, 99.24, 99.29], [99.32, 99.32, 99.32]])
        self.assertEqual(legend_texts(axis), ["ideal", "5", "3", "exact network\n99.32 ± 0.08 %"])
        low, high = axis.get_ylim()
        self.assertTrue(98 < low < 98.99 and 99.4 < high <= 100, (low, high))

    def test_collapsed_points_leave_the_good_ones_a_panel_of_their_own(self):
        everything, enlarged = self.lines(self.sweep({**FULL, **LOW})).axes
        self.assertEqual(everything.get_ylabel(), "Accuracy (%), error on a log scale")
        self.assertLess(everything.get_ylim()[0], 31.61)
        self.assertEqual(len(series(everything)), 4)
        self.assertEqual(enlarged.get_yscale(), "linear")
        self.assertGreater(enlarged.get_ylim()[0], 98)
        self.assertIn("left accuracy axis is logarithmic", self.album.captions["accuracy_subarray"])

    def test_repeats_are_a_mean_with_a_band(self):
        made = [{"subarray": r, "adc_bits": 4, "seed": s, "accuracy": a}
                for r, values in ((16, (0.90, 0.92, 0.97)), (32, (0.80, 0.81, 0.85))) for s, a in enumerate(values)]
        axis, = self.lines(rows.read_sweep(self.csv("s.csv", made))).axes
        line, = series(axis)
        self.assertEqual([round(y, 6) for y in line.get_ydata()], [93.0, 82.0])
        band = axis.collections[0].get_paths()[0].vertices[:, 1]
        self.assertEqual((round(band.min(), 6), round(band.max(), 6)), (80.0, 97.0))
        self.assertIn("means over seed", self.album.captions["accuracy_subarray"])

    def test_heat_map_has_a_cell_per_point(self):
        from plotting import figures
        points = dict(FULL)
        del points[64, 5]
        figures.heat_map(self.album, self.sweep(points), "subarray", "adc_bits")
        axis = self.album.figures["heat_map"].axes[0]
        self.assertEqual(texts(axis.get_xticklabels()), ["16", "64", "128"])
        self.assertEqual(texts(axis.get_yticklabels()), ["3", "5", "ideal"])
        cells = {(t.get_position()): t.get_text() for t in axis.texts}
        self.assertEqual(len(cells), 8)
        self.assertEqual((cells[0, 0], cells[2, 0], cells[2, 1]), ("99.22", "98.99", "99.29"))
        self.assertIn("Hatched", self.album.captions["heat_map"])

    def test_the_front_is_drawn_over_the_points_it_holds(self):
        from plotting import pareto
        made = [{"subarray": r, "adc_bits": b, "accuracy": a, "energy_nj": e}
                for r, b, a, e in ((128, 3, 0.80, 1000), (128, 4, 0.90, 2000), (64, 3, 0.85, 3000), (64, 4, 0.95, 4000),
                                   (32, 4, 0.94, 8000), (64, 0, 0.99, ""))]
        pareto.cost_front(self.album, rows.read_sweep(self.csv("s.csv", made)), "energy_nj", "subarray", "adc_bits")
        axis, = self.album.figures["accuracy_energy_nj"].axes
        self.assertEqual(axis.get_xlabel(), "Energy per image (µJ)")
        front = next(line for line in axis.get_lines() if line.get_drawstyle() == "steps-post")
        self.assertEqual([round(x, 6) for x in front.get_xdata()], [1, 2, 4])
        self.assertEqual([round(y, 6) for y in front.get_ydata()], [80, 90, 95])
        self.assertEqual(len(series(axis)), 5)
        self.assertIn("1 of 6 rows", self.album.left_out[0][0])

    def test_histogram_panels(self):
        from plotting import histogram_figure
        histogram_figure.draw(self.album, histograms.read(str(HERE / "sample_partial_sums.csv")))
        axes = [axis for axis in self.album.figures["partial_sums"].axes if axis.get_visible()]
        self.assertEqual([axis.get_title().partition(":")[0] for axis in axes], ["conv1", "conv2", "fc1", "fc2"])
        for axis in axes:
            self.assertEqual((axis.get_xlabel(), axis.get_yscale()), ("Partial sum P", "log"))
        outline, = axes[1].patches
        self.assertEqual(len(outline.get_data().values), 30)  # a step per partial sum
        within, beyond = axes[3].patches
        self.assertEqual(within.get_data().edges[-1], 41.5)  # F is 40, half a step 1.33
        self.assertEqual(beyond.get_data().edges[0], 41.5)
        self.assertIn("none clipped", axes[0].get_title())
        self.assertIn("% clipped", axes[3].get_title())
        self.assertEqual(legend_texts(axes[1]), ["within range", "clipped", "full scale F", "ADC codes"])


@unittest.skipUnless(HAVE_MATPLOTLIB, WITHOUT)
class Arithmetic(unittest.TestCase):
    def test_front_is_what_no_other_point_beats(self):
        from plotting.pareto import front
        points = [(3, 90), (1, 50), (2, 80), (2, 70), (4, 85), (1, 50), (5, 90.1)]
        kept = front(points)
        self.assertEqual([points[i] for i in kept], [(1, 50), (2, 80), (3, 90), (5, 90.1)])
        for i, point in enumerate(points):
            beaten = any(o[0] <= point[0] and o[1] >= point[1] and o != point for o in points)
            self.assertEqual(points[i] in [points[k] for k in kept], not beaten)

    def test_accuracy_scale_is_no_finer_than_one_image(self):
        from plotting.style import AccuracyScale
        scale = AccuracyScale([100.0, 100.0], 100)
        self.assertEqual((scale.low, scale.high), (99.0, 100.0))
        self.assertEqual([scale.label(t) for t in scale.ticks()][-1], "100.0")

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

    def test_points_without_an_error_lie_inside_the_axis(self):
        from plotting.style import AccuracyScale
        for images in (200, 10000, None):
            scale = AccuracyScale([40.0, 100.0], images)
            self.assertTrue(scale.logarithmic)
            self.assertLess(scale.forward(100.0), scale.forward(scale.high))
            self.assertGreater(scale.forward(100.0), scale.forward(scale.low))


if __name__ == "__main__":
    unittest.main()
