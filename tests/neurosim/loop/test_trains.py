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
        parts, parts.rule, course.plan, p, WRITE, 2, course.net.hidden[0].a, scratch.reward, scratch.arrived, 0, course.key, step, course.one, scratch,
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
    pre, post = np.linspace(-1.0, 1.0, N), np.linspace(0.02, 0.2, N)
    asked = np.abs(np.outer(pre, post)) / STEP
    share = np.sqrt(asked.max() / SLOTS)
    p, q = share * np.abs(pre) / np.abs(pre).max(), share * post / post.max()  # the busiest row and the busiest column pulse equally often
    np.testing.assert_allclose(SLOTS * np.outer(p, q), asked)
    moved = np.array([np.abs(write(course, step, (pre, post))) for step in range(trials)])
    both = asked / SLOTS
    error = np.sqrt(SLOTS * both * (1 - both) / trials)
    assert np.all(np.abs(moved.mean(axis=0) - asked) <= 5 * error + 1e-3)
    left = moved - moved.mean(axis=0)
    spread = left.std(axis=0)

    def agree(one, other, expected):
        covariance = (left[:, *one] * left[:, *other]).mean()
        bound = 5 * spread[one] * spread[other] * np.sqrt(2 / trials)  # of a covariance, at most twice the product of the variances
        assert abs(covariance - expected) < bound, (one, other)
        return expected / bound

    j, i, k, m = 1, 9, 8, 8
    assert agree((j, i), (j, k), SLOTS * q[i] * q[k] * p[j] * (1 - p[j])) > 1.2  # well above what chance could give
    assert agree((j, i), (m, i), SLOTS * p[j] * p[m] * q[i] * (1 - q[i])) > 0.5
    agree((j, i), (m, k), 0.0)


def test_a_busy_line_takes_nothing_from_those_that_ask_for_less():
    """Where the largest change needs three times the slots, lines saturate and devices that ask for a tenth of it get most of theirs."""
    course = layer()
    pre, post = np.array([1.0] + [0.1] * (N - 1)), np.full(N, 3 * SLOTS * STEP)
    moved = np.mean([write(course, step, (pre, post)) for step in range(200)], axis=0)
    share = np.sqrt(3.0)
    np.testing.assert_allclose(moved[0], SLOTS, atol=0.01)
    assert np.all(np.abs(moved[1:] - SLOTS * 0.1 * share) < 5 * np.sqrt(SLOTS * 0.1 * share / 200))


def test_a_device_that_is_asked_for_nothing_is_not_moved():
    """Though its row and its column pulse together: the product of the two may be too small for a number."""

    class Dead(ANPExpected):
        product = True

        def change(self, w, r, pre, a, reward):
            return self.lr * reward * pre * a if abs(pre) > 1e-3 else 0.0

    course = layer(rule=Learning("dead", ANPExpected(0.1, False), ANPExpected(0.1, False)))
    course = course._replace(parts=course.parts._replace(rule=Dead(*course.parts.rule)))
    moved = np.abs([write(course, step, (np.linspace(0, 9.9e-4, N), np.full(N, 0.5))) for step in range(5)])
    assert not moved.any()


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
        parts, parts.rule, course.plan, p, WRITE, 2, course.net.hidden[0].a, scratch.reward, scratch.arrived, 0, course.key, 0, course.one, scratch,
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
    product = True


class Decays(ANPExpected):
    """A product but for a decay of the weight that is hardly seen."""

    product = True

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre * a - 1e-9 * w


def test_who_makes_other_changes_does_not_inherit_that_they_are_products():
    mine = Squared(0.1, False)
    check_rule(mine)
    course = layer(rule=Learning("mine", mine, mine))
    write(course, 0, (np.ones(N), np.ones(N)))
    assert course.scratch.moving.trains.slots[0] == 0


@pytest.mark.parametrize("rule", [SquaredAndSaid(0.1, False), Decays(0.1, False)], ids=["squared", "decays"])
def test_a_rule_whose_changes_are_no_products_may_not_say_so(rule):
    with pytest.raises(InputError, match=r"product is True.*leave product out"):
        check_rule(rule)
    with pytest.raises(InputError, match="product is True"):  # that of the readout is looked at too
        Simulator(Network(1, N, 1), Chip(), 3, Learning("mine", ANPExpected(0.1, False), rule))


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
