"""Figures are made without matplotlib's global state, whatever the run was like."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

import hw_models
from neurosim.network import Network
from neurosim.plots import learning_curve, spread
from neurosim.rules import NP
from neurosim.tasks import MackeyGlass
from neurosim.train import Epoch, Experiment, Run, Settings

TASK = MackeyGlass(steps=40, validation_steps=40)
DATA = TASK.load(1)


def run(losses, chip="ideal", baselines=None):
    made = Run(Experiment(TASK, Network(1, 4, 1), NP(), hw_models.load(chip), Settings()), DATA, None)
    made.epochs = [Epoch(1.2 * x, 1.1 * x, x) for x in losses]
    made.baselines = {name: {"test": value} for name, value in (baselines or {}).items()}
    return made


@pytest.mark.parametrize(
    "losses", [[], [0.1], [0.1, 0.05, 0.06], [0.1, np.inf], [np.inf, np.nan], [0.0, 1e-9], list(np.geomspace(1, 1e-6, 100))]
)
def test_any_run_can_be_drawn(losses):
    figure = learning_curve(run(losses, baselines={"mean": 0.04, "linear": 0.039, "reservoir": np.nan}), run([0.01, 0.02]))
    out = io.BytesIO()
    figure.savefig(out)
    assert out.getvalue().startswith(b"\x89PNG")


def test_every_line_is_named_and_the_title_says_what_was_run():
    figure = learning_curve(run([0.2, 0.1], "analog-noisy", {"persistence": 0.12, "mean": 0.04}), run([0.02, 0.01]))
    (axes,) = figure.axes
    texts = {text.get_text() for text in axes.texts}
    assert texts == {"train", "validation", "test", "test, on ideal", "nothing changes", "mean of the targets"}
    assert axes.get_title("left") == "mackey-glass: np on analog-noisy"
    assert axes.get_yscale() == "log"


def test_labels_do_not_touch():
    close = {"persistence": 0.1, "mean": 0.1001, "linear": 0.1002, "readout-only": 0.1003}
    figure = learning_curve(run([0.2, 0.1], baselines=close))
    figure.canvas.draw()
    boxes = sorted((Text.get_window_extent(text) for text in figure.axes[0].texts), key=lambda box: box.y0)
    assert all(above.y0 > below.y0 + 0.8 * below.height for below, above in zip(boxes, boxes[1:]))
    assert max(box.x1 for box in boxes) < figure.bbox.x1


def test_pyplot_is_left_alone():
    from matplotlib import _pylab_helpers

    learning_curve(run([0.1]))
    assert not _pylab_helpers.Gcf.figs


@given(st.lists(st.floats(-10, 10), max_size=12), st.floats(0.001, 2))
def test_spread_keeps_the_order_and_the_gap(wanted, gap):
    placed = spread(wanted, gap)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    assert all(placed[b] - placed[a] >= gap * (1 - 1e-6) for a, b in zip(order, order[1:]))
    if all(wanted[b] - wanted[a] > gap for a, b in zip(order, order[1:])):
        assert placed == wanted
