"""Memory that moves one level at most, with a probability scaled by shifts."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

from hw_models import InputError, SingleStep
from hw_models.cells.fixed_point import Word
from hw_models.parts import check
from hw_models.testing import as_numbers, check_cell

LSB = 1 / 128
uniforms = integers(0, 2**23 - 1).map(lambda k: (k + 0.5) * 2.0**-23)


@functools.cache
def cell(bits=8, left=0, right=0):
    return as_numbers(SingleStep(bits, left, right))


def write(w, dw, u, **shifts):
    word, hit = cell(**shifts).write(Word(w), dw, 0.0, (u,))
    return word.w, hit


@pytest.mark.parametrize(
    ("w", "levels", "u", "shifts", "result"),
    [
        (0.5, 0.3, 0.29, {}, 0.5 + LSB),  # lands with the probability of its share of a level
        (0.5, 0.3, 0.31, {}, 0.5),
        (0.5, -0.3, 0.29, {}, 0.5 - LSB),
        (0.5, -0.3, 0.31, {}, 0.5),
        (0.5, 7.0, 0.999, {}, 0.5 + LSB),  # one level, however large the change
        (0.5, 0.3, 0.59, {"left": 1}, 0.5 + LSB),
        (0.5, 0.3, 0.61, {"left": 1}, 0.5),
        (0.5, 0.3, 0.14, {"right": 1}, 0.5 + LSB),
        (0.5, 0.3, 0.16, {"right": 1}, 0.5),
        (0.5, 1e-5, 0.24, {"left": 20, "right": 2}, 0.5 + LSB),  # the left shift saturates first: the right shift alone is left
        (0.5, 1e-5, 0.26, {"left": 20, "right": 2}, 0.5),
        (1 - LSB, 1.0, 0.1, {}, 1 - LSB),  # no overflow from one end to the other
        (-1.0, -1.0, 0.1, {}, -1.0),
        (0.5, 0.0, 2.0**-24, {"left": 20}, 0.5),  # nothing asked, nothing done, however small the random number
    ],
)  # fmt: skip
def test_a_write_worked_by_hand(w, levels, u, shifts, result):
    assert write(w, levels * LSB, u, **shifts) == (result, float(result != w))


@pytest.mark.parametrize(
    ("levels", "left", "right", "p"),
    [(0.3, 0, 0, 0.3), (-0.3, 0, 0, 0.3), (5.0, 0, 3, 0.125), (0.01, 4, 0, 0.16), (0.01, 10, 4, 0.0625), (-0.2, 1, 2, 0.1)],
)
def test_it_lands_as_often_as_the_shifts_say(levels, left, right, p):
    """Of n writes a share p lands, off by 5 sqrt(p (1 - p) / n) once in two million times; each that lands moves by one level."""
    n = 4000
    moved = [write(0.25, levels * LSB, u, left=left, right=right)[0] - 0.25 for u in np.random.default_rng(4).random(n)]
    assert set(moved) <= {0.0, np.sign(levels) * LSB}
    assert abs(np.mean(np.abs(moved)) / LSB - p) < 5 * np.sqrt(p * (1 - p) / n)


@given(integers(1, 16), floats(-1, 1), floats(-3, 3), uniforms)
def test_a_word_stays_on_its_levels_and_moves_one_at_most(bits, w, dw, u):
    lsb, before = 2.0 ** (1 - bits), cell(bits).program(Word(0.0), w, 0.0, ()).w
    word, hit = cell(bits).write(Word(before), dw, 0.0, (u,))
    assert -1.0 <= word.w <= 1.0 - lsb and (word.w / lsb).is_integer()
    assert (word.w - before) / lsb in (-1.0, 0.0, 1.0) and (word.w - before) * dw >= 0.0
    assert hit == (word.w != before)


@pytest.mark.parametrize("part", [SingleStep(), SingleStep(4), SingleStep(8, 3, 4), SingleStep(16)])
def test_it_keeps_the_contract(part):
    check_cell(part, tolerance=0.15)
    assert part.stored_bits == part.bits


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (SingleStep(0), r"bits must be a whole number from 1 to 16 \(bit\), got 0\."),
        (SingleStep(8, -1), r"left must be a whole number from 0 to 20 \(bit\), got -1\."),
        (SingleStep(8, 0, 21), r"right must be a whole number from 0 to 20 \(bit\), got 21\."),
    ],
)
def test_impossible_numbers_are_refused(part, message):
    with pytest.raises(InputError, match=message):
        check(part)
