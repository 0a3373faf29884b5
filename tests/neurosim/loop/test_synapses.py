"""Cells that state their chance: the same bits as asking each cell, and compiled as in plain Python."""

from typing import NamedTuple

import numpy as np
import pytest

from hw_models.cells import ConstantStep, FixedPoint, LinearStep, OneSidedPair, SoftBoundsReference, Table, WanReRAM
from hw_models.cells.fixed_point import Word
from hw_models.cells.pulsed import named_tuple
from hw_models.chip import Chip, load
from hw_models.parts import InputError
from hw_models.protocols import is_linear
from hw_models.testing import check_cell
from neurosim import jit
from neurosim.loop.moving import likely, may_move
from neurosim.loop.records import WRITE
from neurosim.loop.synapses import sweep
from neurosim.network import Network
from neurosim.rules import Perturbation
from neurosim.simulator import Simulator

NETWORK = Network(3, 10, 2)  # fours of rows, and what is left of them
CELLS = {
    "constant": ConstantStep(),
    "trains": ConstantStep(update="trains", longest=5),
    "exact": LinearStep(update="exact"),
    "shown": SoftBoundsReference(),
    "reram-es": load("reram-es").cell,
    "pair": OneSidedPair(step=0.004),
    "programmed": WanReRAM(deadband=1e-4),
    "accumulated": Table(deadband=1e-4, update="accumulated"),
    "fixed-point": FixedPoint(8),
    "coarse": FixedPoint(4),
    "nearest": FixedPoint(8, "nearest"),
}
RULES = {
    "four rows at once": (Perturbation("np", 0.02, 0.02), 1),
    "a batch": (Perturbation("anp", 0.1, 0.1), 3),
    "at the end of a sequence": (Perturbation("np", 0.02, 0.02, update="sequence"), 1),
    "a perturbation a weight": (Perturbation("wp", 1e-3, 1e-3), 1),
    "decorrelation": (Perturbation("np", 0.02, 0.02, decorrelation_lr=0.01), 1),
    "whole multiples": (Perturbation("np", 0.02, 0.02, threshold=2e-5), 1),
    "what was missed": (Perturbation("np", 0.02, 0.02, threshold=2e-5, verify=True), 1),
    "no product": (Perturbation("np", 0.02, 0.02, momentum=0.5), 1),
}


def without(cell, *names):
    """The same cell without some of its methods."""
    return type(type(cell).__name__, (type(cell),), dict.fromkeys(names))(*cell)


def learner(cell, rule, dtype, network=NETWORK):
    return Simulator(network, Chip(cell=cell, decorrelation=cell), 5, rule.learning(), dtype=dtype, plain=True)


def series(replicas, dtype, steps=4):
    rng = np.random.default_rng(2)
    inputs, targets = (rng.standard_normal((replicas, steps, n)).astype(dtype) for n in (3, 2))
    return inputs, targets, np.ones((replicas, steps), bool)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize(("rule", "replicas"), RULES.values(), ids=RULES)
def test_a_run_is_as_if_each_cell_had_been_asked(cell, rule, replicas, dtype):
    cell = cell._replace(update="direct") if rule.verify and getattr(cell, "keeps", False) else cell  # else it is refused
    some, each = learner(without(cell, "slots"), rule, dtype), learner(without(cell, "chance"), rule, dtype)  # no trains that lines share
    outcome = some.learn(*series(replicas, dtype))
    np.testing.assert_equal(outcome, each.learn(*series(replicas, dtype)))
    np.testing.assert_equal(some.state(), each.state())
    assert outcome.swallowed < outcome.asked and (outcome.swallowed > 0 or cell is CELLS["exact"])


@pytest.mark.parametrize("rule", [Perturbation("np", 0.5, 0.5), Perturbation("np", 0.01, 0.01), Perturbation("np", 0.5, 0.5, momentum=0.5)])
@pytest.mark.parametrize("cell", ["constant", "reram-es", "fixed-point", "nearest"])
def test_lists_of_several_rows_are_written_whenever_they_are_long_enough(cell, rule):
    wide = Network(3, 70, 2)  # a row may fill a list by itself, or some together, or the rows end before it is full
    some, each = (Simulator(wide, Chip(cell=without(CELLS[cell], name)), 5, rule.learning(), plain=True) for name in ("slots", "chance"))
    np.testing.assert_equal(some.learn(*series(1, "float32", 3)), each.learn(*series(1, "float32", 3)))
    np.testing.assert_equal(some.state(), each.state())


def swept(course, steps):
    p, parts, scratch, one = course.net.projections[1], course.parts, course.scratch, course.one
    for step in range(steps):
        sweep(
            parts, parts.rule, course.plan, p, WRITE, 2, course.net.hidden[0].a, scratch.reward, scratch.arrived, 0, course.key, step + 1, one, scratch,
            course.record.counts, one,
        )  # fmt: skip


@pytest.mark.parametrize(("name", "size"), [("reram-es", 10), ("trains", 10), ("fixed-point", 10), ("fixed-point", 71)])
def test_plain_and_compiled_sweeps_have_the_same_bits(name, size):
    found = []
    for compiled in (False, True):
        captured, simulator = [], learner(CELLS[name], Perturbation("np", normalise=False), "float32", Network(3, size, 2))
        simulator._runner = lambda course, kinds, captured=captured: lambda start, end: captured.append(course)
        simulator.learn(*series(1, "float32"))
        (course,) = captured
        rng, p, (group,), scratch = np.random.default_rng(3), course.net.projections[1], course.net.hidden, course.scratch
        p.z[...], group.a[...] = rng.standard_normal(p.z.shape), rng.standard_normal(group.a.shape)
        p.z_before[...], scratch.reward[...], scratch.arrived[...] = p.z[0], 2e-3 / course.parts.rule.lr, 1
        if compiled:
            jit.compiled(swept, *map(type, course.parts))(jit.Placed(course), 3)
        else:
            swept(course, 3)
        found.append((p.planes, p.sums, course.record.counts))
    np.testing.assert_equal(*found)
    asked, swallowed = found[0][2][:2]
    assert asked == 3 * size**2 and 0 < swallowed < asked


class Said(NamedTuple):
    """A cell whose chance is what it is told."""

    def chance(self, dw):
        return dw


def test_a_chance_of_nothing_asks_no_cell_and_one_that_is_not_a_number_each():
    for one in (np.float32(1), np.float64(1)):
        counts = [
            sum(may_move(Said(), likely(Said(), p * one, one), 3, 7, i, one) for i in range(1000))
            for p in (0.0, 0.25, 1.0, 7.0, np.inf, np.nan)
        ]
        assert counts[0] == 0 and counts[2:] == [1000] * 4
        assert abs(counts[1] - 250) < 5 * np.sqrt(1000 * 0.25 * 0.75)


class Wrong(NamedTuple):
    """A cell whose write does not do what its chance says."""

    State = Word
    draws = {"write": "u"}
    bounded, ages, stored_bits = True, False, 8

    def make(self, u):
        return Word(0.0)

    def program(self, s, w, now, u):
        return Word(w)

    def write(self, s, dw, now, u):
        w = min(max(s.w + (dw if u[0] > 0.5 else 0.0), -1.0), 1.0)
        return Word(w), 1.0 if w != s.w else 0.0

    def chance(self, dw):
        return 0.5 + 0.0 * dw

    def read(self, s, u):
        return s.w


class Curved(Wrong):
    """A cell whose class says that its chance is proportional, which it is not."""

    linear = True

    def chance(self, dw):
        return min(abs(dw), 0.1) * 20.0


class Plain(FixedPoint):
    """A cell that takes over all but the chance; the one before was linear."""

    def chance(self, dw):
        return 1.0 if dw != 0.0 else 0.0


def test_a_chance_that_is_not_proportional_is_refused():
    with pytest.raises(InputError, match=r"Curved.chance says .* and 2 for 1: not proportional, as linear = True says"):
        check_cell(Curved())


def test_linear_holds_for_the_chance_it_was_said_of():
    assert is_linear(FixedPoint) and is_linear(ConstantStep) and not is_linear(Plain) and not is_linear(Table)
    check_cell(Plain())


class Always(FixedPoint):
    """A cell with a write of its own, of which the chance that it takes over says nothing."""

    def write(self, s, dw, now, u):
        return Word(min(max(s.w + dw, -1.0), 1.0)), 1.0 if dw != 0.0 else 0.0


@named_tuple
class Jumpy(ConstantStep):
    """A cell made of several, the last of which has a chance of its own."""

    def chance(self, dw):
        return 1.0 if dw != 0.0 else 0.0


def test_a_chance_holds_for_the_write_it_was_said_of():
    rule = Perturbation("np", 0.02, 0.02)
    some, each = learner(Always(), rule, "float32"), learner(without(Always(), "chance"), rule, "float32")
    np.testing.assert_equal(some.learn(*series(1, "float32")), each.learn(*series(1, "float32")))
    np.testing.assert_equal(some.state(), each.state())
    assert not is_linear(Jumpy) and is_linear(LinearStep)
    check_cell(Jumpy())


def test_a_chance_that_write_does_not_keep_is_refused():
    with pytest.raises(InputError, match=r"Wrong.chance says 0.5 for a change of .* which the loop would not have asked"):
        check_cell(Wrong())
