"""DACs and ADCs, worked by hand and by what they must mean."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

from hw_models import Exact, InputError, Quantiser
from hw_models.converters import Line
from hw_models.parts import check
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


@pytest.mark.parametrize(
    ("x", "bits", "limit", "result"),
    [
        (1.0, 3, 1.0, 1.0), (-1.0, 3, 1.0, -1.0), (0.9, 3, 1.0, 1.0), (0.16, 3, 1.0, 0.0), (0.17, 3, 1.0, 1 / 3), (-0.17, 3, 1.0, -1 / 3),
        (9.0, 3, 6.0, 6.0), (3.1, 3, 6.0, 4.0), (2.9, 3, 6.0, 2.0), (0.6, 2, 1.0, 1.0), (-0.4, 2, 1.0, 0.0), (-9.0, 2, 1.0, -1.0),
    ],
)  # fmt: skip
def test_sign_and_magnitude_has_the_same_levels_on_both_sides(x, bits, limit, result):
    made = as_numbers(Quantiser(bits, limit, code="sign-magnitude"))
    assert made.convert(x, (0.5,)) == pytest.approx(result, abs=1e-15)


@pytest.mark.parametrize(("bits", "steps"), [(7, 126), (8, 254), (9, 510)])
def test_sign_and_magnitude_counts_its_steps_as_the_periphery_of_published_array_models(bits, steps):
    """2**bits - 2 steps from end to end: 1/126, 1/254 and 1/510 of the range for 7, 8 and 9 bits."""
    made = as_numbers(Quantiser(bits, 1.0, code="sign-magnitude"))
    assert len({made.convert(x, (0.5,)) for x in np.linspace(-1.2, 1.2, 6 * steps)}) == steps + 1


@pytest.mark.parametrize(
    ("x", "gain_error", "offset", "result"),
    [
        (0.5, 0.0, 0.25, 0.75), (0.0, 0.0, 0.25, 0.25), (0.5, 0.25, 0.0, 0.75),  # 0.625 lies between two levels and goes up
        (0.5, -0.5, 0.0, 0.25), (-0.5, 0.5, 0.0, -0.75), (0.0, 0.5, 0.0, 0.0), (-1.0, 0.5, 0.5, -1.0), (-0.5, 0.5, 0.5, -0.25),
        (0.75, 0.0, 0.5, 0.75), (1e9, 0.0, -1.0, 0.75), (0.0, 0.0, -1.0, -1.0),  # the converter saturates, not what precedes it
    ],
)  # fmt: skip
def test_errors_of_gain_and_offset_come_before_rounding(x, gain_error, offset, result):
    for limit in (1.0, 4.0):
        made = as_numbers(Quantiser(3, limit, gain_error=gain_error, offset=offset))
        line = made.make((-1.3, 0.7))  # without spread every line is the same
        assert line == (1.0 + gain_error, offset * limit)
        assert made.convert(made.enter(line, limit * x), (0.5,)) == limit * result


def test_lines_differ_by_their_spread():
    made = Quantiser(3, 4.0, gain_error=0.1, offset=0.25, gain_spread=0.2, offset_spread=0.05)
    assert made.make((1.0, -2.0)) == pytest.approx((1.3, 0.6))  # 1 + 0.1 + 0.2, 4 (0.25 - 2 * 0.05)
    assert made.make((-9.0, 0.0)).gain == 0.0  # a line does not turn its signal round
    assert made.enter(Line(0.5, -0.25), 3.0) == 1.25


def test_the_spread_of_lines_is_as_stated():
    """Over n lines a mean misses by less than 5 sigma / sqrt(n), a variance by less than 5 sigma**2 sqrt(2 / n)."""
    n, limit = 10_000, 2.0
    made = Quantiser(8, limit, gain_error=0.1, offset=-0.1, gain_spread=0.05, offset_spread=0.2)
    gain, offset = np.array([made.make(u) for u in np.random.default_rng(6).standard_normal((n, 2))]).T
    for values, mean, sigma in ((gain, 1.1, 0.05), (offset, -0.2, 0.4)):
        assert abs(values.mean() - mean) < 5 * sigma / np.sqrt(n)
        assert abs(values.var() - sigma**2) < 5 * sigma**2 * np.sqrt(2 / n)
    assert abs(np.corrcoef(gain, offset)[0, 1]) < 5 / np.sqrt(n)


@pytest.mark.parametrize(
    ("code", "x", "clipped"),
    [
        ("twos-complement", 0.75, 0), ("twos-complement", 0.874, 0), ("twos-complement", 0.876, 1), ("twos-complement", -1.124, 0),
        ("twos-complement", -1.126, 1), ("twos-complement", np.inf, 1), ("sign-magnitude", 1.16, 0), ("sign-magnitude", 1.17, 1),
        ("sign-magnitude", -1.16, 0), ("sign-magnitude", -1.17, 1), ("sign-magnitude", -np.inf, 1),
    ],
)  # fmt: skip
def test_what_lies_more_than_half_a_step_beyond_the_last_level_is_clipped(code, x, clipped):
    """Three bits: levels from -1 to 3/4 in steps of 1/4, or from -1 to 1 in steps of 1/3."""
    assert as_numbers(Quantiser(3, 1.0, code=code)).clips(x) == clipped


@given(floats(-20, 20), integers(2, 12), floats(0.01, 10))
def test_what_is_not_clipped_moves_by_half_a_step_at_most(x, bits, limit):
    made, step = quantiser(bits, limit, "nearest"), limit / 2 ** (bits - 1)
    moved = abs(made.convert(x, (0.5,)) - x)
    assert (moved >= 0.5 * step * 0.999999) if made.clips(x) else (moved <= 0.5 * step * 1.000001)


@given(floats(-20, 20), integers(2, 16), floats(0.01, 10))
def test_a_code_of_sign_and_magnitude_is_odd(x, bits, limit):
    made = as_numbers(Quantiser(bits, limit, code="sign-magnitude"))
    lsb = limit / (2 ** (bits - 1) - 1)
    assert abs(made.convert(x, (0.5,)) + made.convert(-x, (0.5,))) <= lsb * 1.000001  # up to the tie, which goes up
    assert abs(made.convert(x, (0.5,))) <= limit


@pytest.mark.parametrize("x", [np.inf, -np.inf])
def test_what_is_infinite_saturates(x):
    assert convert(x) == (0.75 if x > 0 else -1.0)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Quantiser(0), r"bits must be a whole number from 1 to 16 \(bit\), got 0\."),  # never a way to say "no quantisation"
        (Quantiser(1, code="sign-magnitude"), r"^Quantiser\.bits must be at least 2 in sign and magnitude, got 1: "),
        (Quantiser(limit=0.0), r"limit must be a number greater than 0"),
        (Quantiser(gain_error=-1.0), r"gain_error must be a number from -0\.5 to 0\.5 \(share\), got -1\.0\."),
        (Quantiser(gain_spread=-0.1), r"gain_spread must be a number from 0 to 0\.5 \(share\), got -0\.1\."),
        (Quantiser(offset_spread=1.5), r"offset_spread must be a number from 0 to 1 \(share of the limit\), got 1\.5\."),
        (Quantiser(offset=2.0), r"offset must be a number from -1 to 1 \(share of the limit\), got 2\.0\."),
    ],
)
def test_an_impossible_converter_is_refused(part, message):
    with pytest.raises(InputError, match=message):
        check(part)
