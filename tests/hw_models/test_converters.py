"""DACs and ADCs, worked by hand and by what they must mean."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

from hw_models import Exact, Quantiser
from hw_models.testing import as_numbers


@functools.cache
def quantiser(bits, limit, rounding):
    return as_numbers(Quantiser(bits, limit, rounding))


def convert(x, bits=3, limit=1.0, rounding="nearest", u=0.5):
    return quantiser(bits, limit, rounding).convert(x, (u,))


@pytest.mark.parametrize(
    ("x", "limit", "result"),
    [
        (0.13, 1.0, 0.25), (0.12, 1.0, 0.0), (-0.12, 1.0, 0.0), (-0.13, 1.0, -0.25), (0.125, 1.0, 0.25),
        (0.9, 1.0, 0.75), (5.0, 1.0, 0.75), (-5.0, 1.0, -1.0),
        (1.1, 8.0, 2.0), (0.9, 8.0, 0.0), (-3.1, 8.0, -4.0), (7.9, 8.0, 6.0), (-100.0, 8.0, -8.0),
    ],
)  # fmt: skip
def test_three_bits(x, limit, result):
    assert convert(x, limit=limit) == result


@pytest.mark.parametrize(("u", "result"), [(0.19, 0.0), (0.21, -0.0), (0.81, 0.25)])
def test_stochastic_rounding_of_three_bits(u, result):
    assert convert(0.05, rounding="stochastic", u=u) == result


def test_stochastic_rounding_lets_small_signals_through_on_average():
    """A step of 1/4, taken with probability p: n numbers miss the mean by 5 * 1/4 * sqrt(p (1 - p) / n) once in two million times."""
    n, p = 10_000, 0.02
    mean = np.mean([convert(0.25 * p, rounding="stochastic", u=u) for u in np.random.default_rng(3).random(n)])
    assert abs(mean - 0.25 * p) < 5 * 0.25 * np.sqrt(p * (1 - p) / n)
    assert convert(0.25 * p) == 0.0


@given(floats(-20, 20), integers(1, 16), floats(0.01, 10))
def test_converting_twice_is_converting_once(x, bits, limit):
    once = convert(x, bits, limit)
    assert convert(once, bits, limit) == once


@given(floats(-20, 20), floats(-20, 20), integers(1, 16))
def test_it_never_turns_two_numbers_round(x, y, bits):
    low, high = sorted((x, y))
    assert convert(low, bits) <= convert(high, bits)


@given(floats(allow_nan=False))
def test_exact_passes_everything(x):
    assert Exact().convert(x, ()) == x
