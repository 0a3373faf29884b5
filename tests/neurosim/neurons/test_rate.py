"""Neurons, worked by hand."""

import math

import numpy as np
import pytest

from hw_models import Nothing
from neurosim.cast import lower
from neurosim.jit import kernel
from neurosim.neurons import Leaky, Linear, Membrane, ReLU, Sigmoid, Tanh
from neurosim.protocols import Neuron

start, step = kernel(Neuron.start), kernel(Neuron.step)


@pytest.mark.parametrize(
    ("neuron", "answer"),
    [
        (Tanh(), math.tanh),
        (ReLU(), lambda i: i if i > 0 else 0.0),
        (Sigmoid(), lambda i: 1 / (1 + math.exp(-i))),
        (Linear(), lambda i: i),
    ],
    ids=lambda case: type(case).__name__,
)
@pytest.mark.parametrize("current", [-30.0, -1.5, -0.25, 0.0, 0.25, 1.5, 30.0])
@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 4e-7), (np.float64, 1e-15)])
def test_a_neuron_without_state_answers_its_function_and_shows_its_current(neuron, answer, current, dtype, error):
    state, out, activity = step(lower(neuron, dtype), Nothing(), Nothing(), dtype(current))
    assert state == Nothing() and activity == current
    assert abs(out - answer(current)) <= error


def test_a_leaky_neuron_closes_a_share_of_the_gap_in_every_step():
    neuron = lower(Leaky(rate=0.25), np.float64)
    s = start(neuron, Nothing())
    assert s == Membrane(0.0)
    for v in (0.25, 0.4375, 0.578125):  # 1 - 0.75**k
        s, out, activity = step(neuron, Nothing(), s, np.float64(1.0))
        assert s == Membrane(v) and out == math.tanh(v) and activity == 1.0


def test_a_leaky_neuron_of_rate_one_is_the_tanh_neuron():
    leaky, tanh = lower(Leaky(1.0), np.float32), lower(Tanh(), np.float32)
    assert step(leaky, Nothing(), Membrane(np.float32(0.5)), np.float32(0.25))[1] == step(tanh, Nothing(), Nothing(), np.float32(0.25))[1]
