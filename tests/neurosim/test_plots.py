"""Figures are made without matplotlib's global state, whatever the run was like."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

import hw_models
from neurosim.cost import PROJECTION, Workload, estimate
from neurosim.experiment import Experiment, Settings
from neurosim.network import Network
from neurosim.plots import cost_by, learning_curve, memory_over_steps, over_seeds, spread
from neurosim.rules import NP
from neurosim.tasks import MackeyGlass
from neurosim.train import Epoch, Run

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


def test_losses_over_seeds_have_a_row_a_setting_and_say_what_diverged():
    figure = over_seeds({"np $1": [0.1, 0.2, 0.4], "anp": [0.3, np.inf, np.inf], "wp": [np.inf], "dnp $^{": []}, "test loss", "3 seeds")
    figure.canvas.draw()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["np $1", "anp", "wp", "dnp $^{"]
    assert [text.get_text() for text in axes.texts] == ["2 of 3 diverged", "1 of 1 diverged"]
    medians = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"]
    assert medians == [0.2] and axes.get_xscale() == "log" and axes.get_ylim()[0] > axes.get_ylim()[1]  # the first is at the top


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


def drawn(figure):
    out = io.BytesIO()
    figure.savefig(out)
    return out.getvalue()


def estimates(*chips):
    network = Network(1, 4, 1)
    return [estimate(network, hw_models.load(chip), NP().learning(), Workload(5)) for chip in chips]


@pytest.mark.parametrize("what", ["phase", "event"])
def test_costs_of_each_kind_of_price_have_a_panel(what):
    figure = cost_by(estimates("loihi", "pcm-hermes", "ideal"), what)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        f"energy of the training (J), {kind} prices" for kind in ("incremental", "average")
    ]
    named = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]
    assert named == [["np on loihi (at least)", "np on pcm-hermes (at least)"], ["np on pcm-hermes (at least)"]]
    assert figure.get_supxlabel() == PROJECTION
    assert drawn(figure).startswith(b"\x89PNG")


def test_nothing_with_a_price_can_be_drawn_too():
    assert drawn(cost_by(estimates("ideal"), "phase")).startswith(b"\x89PNG")


def test_memory_over_steps_names_every_rule_and_marks_where_bptt_overtakes():
    figure = memory_over_steps(Network(1, 100, 1), hw_models.load("loihi"))
    (axes,) = figure.axes
    assert {text.get_text() for text in axes.texts} >= {"anp, reward every step", "anp, reward at the end", "rtrl", "bptt"}
    dots = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    assert [int(x[0]) for x in dots] == [10001]
    assert drawn(figure).startswith(b"\x89PNG")
