"""The reward wire."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats

from hw_models import DigitalWire, ExactWire, Nothing


@given(floats(allow_nan=False))
def test_the_exact_wire_delivers_everything_at_once(value):
    assert ExactWire().send(Nothing(), value, ()) == (Nothing(), value, True)


@pytest.mark.parametrize(
    ("value", "u", "received"),
    [(0.3, 0.7, 0.25), (0.3, 0.9, 0.5), (-0.3, 0.1, -0.5), (-0.3, 0.3, -0.25), (9.0, 0.5, 0.75), (-9.0, 0.5, -1.0), (0.5, 0.999, 0.5)],
)
def test_three_bits(value, u, received):
    assert DigitalWire(3, 1.0).send(Nothing(), value, (u,)) == (Nothing(), received, True)


def test_a_reward_below_one_level_arrives_on_average():
    """A level of 2 sent with probability 0.05: n numbers miss the mean by 5 * 2 * sqrt(p (1 - p) / n) once in two million times."""
    wire, n, p = DigitalWire(4, 16.0), 10_000, 0.05
    mean = np.mean([wire.send(Nothing(), -2.0 * p, (u,))[1] for u in np.random.default_rng(5).random(n)])
    assert abs(mean + 2.0 * p) < 5 * 2.0 * np.sqrt(p * (1 - p) / n)
