"""Neuron circuits, worked by hand and by what they must mean; in a network: tests/neurosim/test_circuits.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

from hw_models import AnalogCircuit, FixedPointCircuit, InputError
from hw_models.circuit import Mismatch
from hw_models.parts import check


@pytest.mark.parametrize(
    ("x", "held", "clipped"),
    [
        (0.0, 0.0, 0), (0.24, 0.0, 0), (0.25, 0.5, 0), (-0.25, 0.0, 0), (-0.26, -0.5, 0), (1.5, 1.5, 0), (1.74, 1.5, 0), (1.76, 1.5, 1),
        (-2.24, -2.0, 0), (-2.26, -2.0, 1), (1e9, 1.5, 1), (-np.inf, -2.0, 1),
    ],
)  # fmt: skip
def test_three_bits_up_to_two(x, held, clipped):
    circuit = FixedPointCircuit(3, 2.0)
    assert (circuit.hold(x), circuit.clips(x)) == (held, clipped)


@given(floats(-20, 20), integers(2, 24), floats(0.01, 10))
def test_a_register_holds_what_it_held(x, bits, limit):
    circuit = FixedPointCircuit(bits, limit)
    held = circuit.hold(x)
    assert circuit.hold(held) == held and not circuit.clips(held) and -limit <= held < limit


def test_a_mismatch_by_hand():
    circuit = AnalogCircuit(gain_spread=0.2, offset_spread=0.5, leak_spread=0.1, limit=1.5)
    made = circuit.make((1.0, -0.5, 2.0))
    assert made == pytest.approx((1.2, -0.25, 1.2))
    assert circuit.enter(made, 0.5) == pytest.approx(0.35) and circuit.pace(made) == made.pace
    assert circuit.make((-9.0, 0.0, -99.0)) == Mismatch(0.0, 0.0, 0.0)  # neither sign nor time turns round
    assert [circuit.hold(x) for x in (-2.0, -1.5, 0.3, 1.6)] == [-1.5, -1.5, 0.3, 1.5]
    assert [circuit.clips(x) for x in (-2.0, -1.5, 0.3, 1.6)] == [1.0, 0.0, 0.0, 1.0]


def test_the_spread_of_neurons_is_as_stated():
    """Over n neurons a mean misses by less than 5 sigma / sqrt(n), a variance by less than 5 sigma**2 sqrt(2 / n)."""
    n, circuit = 10_000, AnalogCircuit(gain_spread=0.1, offset_spread=0.4, leak_spread=0.2)
    made = np.array([circuit.make(u) for u in np.random.default_rng(7).standard_normal((n, 3))]).T
    for values, mean, sigma in zip(made, (1.0, 0.0, 1.0), (0.1, 0.4, 0.2), strict=True):
        assert abs(values.mean() - mean) < 5 * sigma / np.sqrt(n)
        assert abs(values.var() - sigma**2) < 5 * sigma**2 * np.sqrt(2 / n)
    assert np.abs(np.corrcoef(made)[~np.eye(3, dtype=bool)]).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (FixedPointCircuit(0), r"bits must be a whole number from 2 to 24 \(bit\), got 0\."),  # never a way to say "without rounding"
        (FixedPointCircuit(limit=0.0), "limit must be a number greater than 0"),
        (AnalogCircuit(gain_spread=-0.1), "gain_spread must be a number from 0 to 1"),
        (AnalogCircuit(leak_spread=1.1), "leak_spread must be a number from 0 to 1"),
        (AnalogCircuit(limit=-1.0), "limit must be a number greater than 0"),
    ],
)
def test_an_impossible_circuit_is_refused(part, message):
    with pytest.raises(InputError, match=message):
        check(part)
