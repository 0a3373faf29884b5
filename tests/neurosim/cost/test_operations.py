"""Operations of methods, counted by hand beside each."""

from typing import NamedTuple

import numpy as np
import pytest

from hw_models.events import Event
from hw_models.protocols import Nothing
from hw_models.scalars import tanh
from neurosim.cost.ledger import EACH, EACH_POST, EACH_PRE, NOWHERE
from neurosim.cost.operations import operations
from neurosim.neurons import LIF, Leaky, Membrane, ReLU, Sigmoid, Tanh, discrete
from neurosim.rules import NP


class Calculator(NamedTuple):
    """Every operation that a part may use."""

    gain: float = 2.0

    def everything(self, x, y):
        a = self.gain * self.gain  # constants alone: free
        b = x * a + 1.0 - y  # a product, two sums
        c = -b / y if b > 0.25 else b * b * b * b  # a comparison; a negation is free; a quotient
        return max(min(abs(c), 3.0), 0.0) + np.floor(y) + np.sqrt(y) + tanh(y)  # two comparisons, floor, three sums; two functions

    def equal(self, x, y):
        return 1.0 if x == y else 0.0 if x != 0.0 else x**2.0


def test_every_operation_is_counted_once():
    found = operations(Calculator().everything, EACH_POST, EACH_POST)
    assert found == {(Event.MULTIPLY, EACH_POST): 2, (Event.ADD, EACH_POST): 2 + 1 + 2 + 1 + 3, (Event.NONLINEARITY, EACH_POST): 2}
    assert operations(Calculator().equal, EACH_POST, 0.5) == {(Event.ADD, EACH_POST): 1}
    assert operations(Calculator().equal, EACH_POST, 0.1) == {(Event.ADD, EACH_POST): 2}


def test_what_is_equal_for_many_is_computed_once():
    rule = NP().learning().rule
    found = operations(rule.change, EACH, Nothing(), EACH_PRE, EACH_POST, NOWHERE)  # (lr * reward * pre) * a
    assert found == {(Event.MULTIPLY, NOWHERE): 1, (Event.MULTIPLY, EACH_PRE): 1, (Event.MULTIPLY, EACH): 1}


@pytest.mark.parametrize(
    ("neuron", "wanted"),
    [
        (Tanh(), {Event.NONLINEARITY: 1}),
        (Sigmoid(), {Event.NONLINEARITY: 1}),
        (ReLU(), {Event.ADD: 1}),
        (Leaky(0.5), {Event.ADD: 2, Event.MULTIPLY: 1, Event.NONLINEARITY: 1}),
    ],
)
def test_neurons(neuron, wanted):
    state = Membrane(EACH_POST) if neuron.State._fields else Nothing()
    assert operations(neuron.step, Nothing(), state, EACH_POST) == {(event, EACH_POST): n for event, n in wanted.items()}


def test_lines_that_methods_share_are_counted_as_they_stand():
    """Current 1 product and 1 sum; rest 1; potential 2 and 3; threshold 1; reset 1 sum: it fires, so that no rest is counted down.
    A trace, where rules look at one, is 1 and 1 more."""
    for activity, words, traced in (("current", 3, 0), ("spikes", 4, 1)):
        neuron = discrete(LIF(reset="subtract", activity=activity), 1e-3)
        found = operations(neuron.step, neuron.Params(EACH_POST), neuron.State(*[EACH_POST] * words), EACH_POST)
        assert found == {(Event.MULTIPLY, EACH_POST): 1 + 2 + traced, (Event.ADD, EACH_POST): 1 + 1 + 3 + 1 + 1 + traced}
