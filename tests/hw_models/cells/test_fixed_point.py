"""Signed fixed-point memory, worked by hand and by what rounding must mean."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, sampled_from

from hw_models import FixedPoint
from hw_models.cells.fixed_point import Word
from hw_models.testing import as_numbers

uniforms = integers(0, 2**23 - 1).map(lambda k: (k + 0.5) * 2.0**-23)


@functools.cache
def cell(bits, rounding="nearest"):
    return as_numbers(FixedPoint(bits, rounding))


def write(bits, w, dw, rounding="nearest", u=0.5):
    """The word and the hit after one change, starting from w as it is stored."""
    word, hit = cell(bits, rounding).write(Word(w), dw, 0.0, (u,))
    return word.w, hit


def program(bits, w):
    return cell(bits).program(Word(0.0), w, 0.0, (0.5,)).w


@pytest.mark.parametrize(
    ("bits", "w", "stored"),
    [
        (1, -0.6, -1.0), (1, -0.4, 0.0), (1, 0.9, 0.0),  # one bit: the levels are -1 and 0
        (2, 0.2, 0.0), (2, 0.3, 0.5), (2, 1.0, 0.5), (2, -0.8, -1.0),
        (3, 0.13, 0.25), (3, 0.12, 0.0), (3, 0.9, 0.75), (3, -7.0, -1.0),
        (8, 0.5, 0.5), (8, 1.0, 127 / 128), (8, -1.0, -1.0), (8, 0.0039, 0.0), (8, 0.004, 1 / 128),
        (16, 1.0, 1 - 2.0**-15), (16, 3.4 * 2.0**-15, 3 * 2.0**-15), (16, -3.6 * 2.0**-15, -4 * 2.0**-15),
    ],
)  # fmt: skip
def test_program_stores_the_nearest_level(bits, w, stored):
    assert program(bits, w) == stored


@pytest.mark.parametrize(
    ("bits", "w", "dw", "result"),
    [
        (3, 0.25, 0.12, (0.25, 0.0)),  # less than half a level: swallowed
        (3, 0.25, 0.13, (0.5, 1.0)),
        (3, 0.25, -0.12, (0.25, 0.0)),
        (3, 0.25, -0.13, (0.0, 1.0)),
        (3, 0.25, 0.125, (0.5, 1.0)),  # a tie goes up
        (3, 0.0, -0.125, (0.0, 0.0)),
        (3, 0.5, 9.0, (0.75, 1.0)),  # saturates
        (3, 0.75, 9.0, (0.75, 0.0)),
        (3, 0.5, -9.0, (-1.0, 1.0)),
        (1, -1.0, 1.0, (0.0, 1.0)),
        (16, 0.0, 0.49 * 2.0**-15, (0.0, 0.0)),
        (16, 0.0, 0.51 * 2.0**-15, (2.0**-15, 1.0)),
    ],
)
def test_nearest_rounding(bits, w, dw, result):
    assert write(bits, w, dw) == result


@pytest.mark.parametrize(
    ("dw", "u", "result"),
    [
        (0.05, 0.19, (0.5, 1.0)),  # a fifth of a level: one draw in five moves
        (0.05, 0.21, (0.25, 0.0)),
        (-0.05, 0.19, (0.0, 1.0)),
        (-0.05, 0.21, (0.25, 0.0)),
        (0.25, 0.999, (0.5, 1.0)),  # a whole level is certain
        (0.25, 0.001, (0.5, 1.0)),
    ],
)
def test_stochastic_rounding_of_three_bits(dw, u, result):
    assert write(3, 0.25, dw, "stochastic", u) == result


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
@pytest.mark.parametrize("share", [0.01, 0.3, -0.5, -0.97])
def test_stochastic_rounding_is_right_on_average(bits, share):
    """The level is hit with probability p: n draws miss its mean by 5 sqrt(p (1 - p) / n) once in two million times."""
    n, lsb, p = 4000, 2.0 ** (1 - bits), abs(share)
    rng = np.random.default_rng(bits)
    mean = np.mean([write(bits, 0.0, share * lsb, "stochastic", u)[0] for u in rng.random(n)]) / lsb
    assert abs(mean - share) < 5 * np.sqrt(p * (1 - p) / n)


@given(integers(1, 16), floats(-1, 1), floats(-3, 3), sampled_from(["nearest", "stochastic"]), uniforms)
def test_a_word_stays_on_its_levels_and_hit_says_whether_it_changed(bits, w, dw, rounding, u):
    lsb, before = 2.0 ** (1 - bits), program(bits, w)
    after, hit = write(bits, before, dw, rounding, u)
    assert -1.0 <= after <= 1.0 - lsb
    assert after / lsb == np.floor(after / lsb)
    assert hit == (after != before)
    assert abs(after - min(max(before + dw, -1.0), 1.0 - lsb)) <= (lsb if rounding == "stochastic" else lsb / 2)


@given(integers(1, 16), floats(-1, 1), sampled_from(["nearest", "stochastic"]), uniforms)
def test_no_change_asked_for_is_no_change(bits, w, rounding, u):
    before = program(bits, w)
    assert write(bits, before, 0.0, rounding, u) == (before, 0.0)
