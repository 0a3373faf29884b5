"""Pulse trains that rows and columns of an array share: how many coincidences there are, where, and who draws their own."""

import numpy as np
import pytest

from hw_models.cells import ConstantStep, FixedPoint
from hw_models.chip import Chip
from hw_models.parts import InputError
from hw_models.testing import check_cell
from neurosim.loop.records import WRITE
from neurosim.loop.synapses import sweep
from neurosim.loop.trains import draw_trains
from neurosim.network import Network
from neurosim.rules import Learning, Perturbation
from neurosim.rules.activity_perturbation import ANPExpected
from neurosim.simulator import Simulator
from neurosim.testing import check_rule

N, SLOTS, STEP = 10, 31, 0.01  # fours of rows, and what is left of them
DEVICE = ConstantStep(
    STEP, step_spread=0.0, high_spread=0.0, cycle_noise=0.0, longest=SLOTS, update="trains", asymmetry_spread=0.0, low_spread=0.0
)


def layer(cell=DEVICE, rule=None, replicas=1):
    """The loop's own arguments for a layer that is about to write."""
    captured = []
    learning = rule if isinstance(rule, Learning) else (rule or Perturbation("np", normalise=False)).learning()
    simulator = Simulator(Network(1, N, 1), Chip(cell=cell), 3, learning, plain=True)
    simulator._runner = lambda course, kinds: lambda start, end: captured.append(course)
    simulator.learn(*[np.zeros((replicas, 1, 1), np.float32)] * 2, np.ones((replicas, 1), bool))
    (course,) = captured
    course.scratch.arrived[...] = 1
    return course


def write(course, step, asked=None):
    """One sweep that asks device (j, i) for ``pre[j] * post[i]`` of full scale, from 0; where each ends, in pulses."""
    p, scratch, parts = course.net.projections[1], course.scratch, course.parts
    pre, post = asked
    p.planes.w[...], p.z_before[0], course.net.hidden[0].a[0] = 0, pre, post * p.scale
    scratch.reward[...] = 1 / parts.rule.lr
    sweep(
        parts, parts.rule, course.plan, p, WRITE, 2, course.net.hidden[0].a, scratch.reward, 0, course.key, step, course.one, scratch,
        course.record.counts, course.one,
    )  # fmt: skip
    return p.planes.w / STEP


def test_lines_pulse_as_often_as_they_should_and_each_for_itself():
    lines, p = 3000, np.float32(0.3)
    trains = np.zeros(lines, np.int32)
    draw_trains(trains, np.full(lines, p), SLOTS, 12345, np.float32(1))
    bits = (trains[:, None] >> np.arange(31)) & 1
    assert trains.min() >= 0 and abs(bits.mean() - p) < 5 * np.sqrt(p * (1 - p) / bits.size)
    centred = (bits - bits.mean()) / bits.std()
    between_slots, between_lines = centred.T @ centred / lines, centred[:100] @ centred[:100].T / SLOTS
    for found, samples in ((between_slots, lines), (between_lines, SLOTS)):
        pairs = found[np.triu_indices(len(found), 1)]
        assert np.abs(pairs).max() < 6 / np.sqrt(samples) and abs(pairs.mean()) < 5 / np.sqrt(samples * len(pairs))


def test_a_device_gets_a_pulse_for_every_slot_in_which_its_row_and_its_column_pulse():
    course, rng = layer(), np.random.default_rng(0)
    for step in range(20):
        pre, post = rng.uniform(-1, 1, N), 0.2 * rng.standard_normal(N)
        moved, trains = write(course, step, (pre, post)), course.scratch.moving.trains
        n = [[bin(row & column).count("1") for column in trains.columns[:N]] for row in trains.rows[:N]]
        np.testing.assert_allclose(moved, n * np.sign(np.outer(pre, post)), atol=1e-3)
    asked, swallowed, pulses = course.record.counts[:3]  # where these sweeps count
    assert asked == 20 * N * N and 0 < swallowed < asked and pulses > asked - swallowed


def test_pulses_are_right_on_average_and_correlated_along_rows_and_columns():
    """With p and q the shares of slots in which a row and a column pulse, two devices of a row share SLOTS * q q' p (1 - p) of covariance."""
    course, trials = layer(), 1500
    pre, post = np.linspace(-1.0, 1.0, N), np.linspace(0.05, 0.2, N)
    p, q = np.abs(pre) / np.abs(pre).max(), np.abs(post) * np.abs(pre).max() / (STEP * SLOTS)
    moved = np.array([np.abs(write(course, step, (pre, post))) for step in range(trials)])
    both = np.outer(p, q)
    error = np.sqrt(SLOTS * both * (1 - both) / trials)
    assert np.all(np.abs(moved.mean(axis=0) - SLOTS * both) <= 5 * error + 1e-3)
    left = moved - moved.mean(axis=0)
    spread = left.std(axis=0)

    def agree(one, other, expected):
        covariance = (left[:, *one] * left[:, *other]).mean()
        bound = 5 * spread[one] * spread[other] * np.sqrt(2 / trials)  # of a covariance, at most twice the product of the variances
        assert abs(covariance - expected) < bound, (one, other)
        return expected / bound

    j, i, k, m = 2, 9, 8, 7
    assert agree((j, i), (j, k), SLOTS * q[i] * q[k] * p[j] * (1 - p[j])) > 1.5  # well above what chance could give
    assert agree((j, i), (m, i), SLOTS * p[j] * p[m] * q[i] * (1 - q[i])) > 1.5
    agree((j, i), (m, k), 0.0)


@pytest.mark.parametrize(
    ("rule", "replicas"),
    [(Perturbation("np", trace=0.5), 1), (Perturbation("np", update="sequence"), 1), (Perturbation("np"), 2), (Perturbation("wp"), 1)],
    ids=["a trace", "at the end", "a batch", "noise of its own"],
)
def test_what_is_no_product_is_drawn_by_each_device(rule, replicas):
    course = layer(rule=rule, replicas=replicas)
    course.scratch.moving.trains.slots[0] = 9  # of the array before
    p, scratch, parts = course.net.projections[1], course.scratch, course.parts
    p.z_before[...] = 1
    sweep(
        parts, parts.rule, course.plan, p, WRITE, 2, course.net.hidden[0].a, scratch.reward, 0, course.key, 0, course.one, scratch,
        course.record.counts, course.one,
    )  # fmt: skip
    assert scratch.moving.trains.slots[0] == 0


def test_without_inputs_nothing_is_moved():
    assert not np.any(write(layer(), 0, (np.zeros(N), np.ones(N))))


def test_an_update_beyond_all_slots_pulses_in_each():
    np.testing.assert_allclose(write(layer(), 0, (np.ones(N), np.full(N, 9.0))), SLOTS, rtol=1e-5)


class Squared(ANPExpected):
    """Squares what comes from below, and says no word of its own about products."""

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre * pre * a


class SquaredAndSaid(Squared):
    product = False


def test_a_rule_whose_changes_are_no_products_may_not_say_so():
    with pytest.raises(InputError, match=r"Squared.product is True.*set product = False"):
        check_rule(Squared(0.1, False))
    with pytest.raises(InputError, match=r"Squared.product is True"):
        Simulator(Network(1, N, 1), Chip(), 3, Learning("mine", Squared(0.1, False), Squared(0.1, False)))
    course = layer(rule=Learning("mine", SquaredAndSaid(0.1, False), SquaredAndSaid(0.1, False)))
    write(course, 0, (np.ones(N), np.ones(N)))
    assert course.scratch.moving.trains.slots[0] == 0


class Deaf(ConstantStep):
    """A cell that makes one pulse, whatever it is told."""

    def write(self, s, dw, now, u):
        after, hit = super().write(s, dw, now, u)
        return after, min(hit, 1.0)


def test_a_cell_that_does_not_pulse_as_it_is_told_is_refused():
    with pytest.raises(InputError, match=r"slots.*2 slots.*makes 1 pulses"):
        check_cell(Deaf())


class Bare(FixedPoint):
    """A cell with trains and without a step."""

    def slots(self):
        return 5


def test_a_cell_with_trains_needs_a_step():
    with pytest.raises(InputError, match=r"slots.*needs a field step"):
        check_cell(Bare())
