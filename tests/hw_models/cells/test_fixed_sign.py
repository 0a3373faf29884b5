"""Magnitudes of few bits that keep the sign they were programmed with."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

from hw_models import FixedSign, InputError
from hw_models.cells.fixed_sign import Magnitude
from hw_models.parts import check
from hw_models.testing import as_numbers, check_cell

uniforms = integers(0, 2**23 - 1).map(lambda k: (k + 0.5) * 2.0**-23)


@functools.cache
def cell(bits=3):
    return as_numbers(FixedSign(bits))


def program(w, bits=3):
    return cell(bits).program(Magnitude(0.0, 1.0), w, 0.0, ())


@pytest.mark.parametrize(
    ("w", "level", "sign"),
    [(0.0, 0, 1), (0.07, 0, 1), (0.08, 1, 1), (-0.08, 1, -1), (-0.07, 0, -1), (0.5, 4, 1), (0.9, 6, 1), (1.0, 7, 1), (-7.0, 7, -1)],
)
def test_three_bits_store_the_nearest_seventh_and_the_sign(w, level, sign):
    assert program(w) == (level, sign)
    assert cell().read(program(w), ()) == sign * level / 7


@pytest.mark.parametrize(
    ("before", "sevenths", "u", "after"),
    [
        ((3.0, 1.0), 0.3, 0.29, 4.0),
        ((3.0, 1.0), 0.3, 0.31, 3.0),
        ((3.0, 1.0), -0.3, 0.29, 2.0),
        ((3.0, -1.0), 0.3, 0.29, 2.0),  # up for an inhibitory weight is a smaller magnitude
        ((3.0, -1.0), -0.3, 0.29, 4.0),
        ((3.0, 1.0), 5.0, 0.999, 4.0),  # one level, however large the change
        ((7.0, 1.0), 5.0, 0.1, 7.0),  # neither end overflows
        ((0.0, 1.0), -5.0, 0.1, 0.0),  # and none crosses zero
        ((0.0, -1.0), 5.0, 0.1, 0.0),
        ((0.0, -1.0), -5.0, 0.1, 1.0),
        ((3.0, 1.0), 0.0, 2.0**-24, 3.0),
    ],
)
def test_a_write_worked_by_hand(before, sevenths, u, after):
    assert cell().write(Magnitude(*before), sevenths / 7, 0.0, (u,)) == (Magnitude(after, before[1]), float(after != before[0]))


@pytest.mark.parametrize("share", [0.01, 0.3, -0.5, -0.97])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_change_of_less_than_a_level_is_right_on_average(share, sign):
    """A level is moved with probability p: n draws miss its mean by 5 sqrt(p (1 - p) / n) once in two million times."""
    n, p, before = 4000, abs(share), Magnitude(4.0, sign)
    after = [cell().write(before, share / 7, 0.0, (u,))[0] for u in np.random.default_rng(5).random(n)]
    change = 7 * (np.mean([cell().read(s, ()) for s in after]) - cell().read(before, ()))
    assert abs(change - share) < 5 * np.sqrt(p * (1 - p) / n)


@given(integers(1, 8), floats(-1, 1), floats(-3, 3), uniforms)
def test_the_sign_stays_and_the_level_is_one_of_its_levels(bits, w, dw, u):
    before = program(w, bits)
    after, hit = cell(bits).write(before, dw, 0.0, (u,))
    assert after.sign == before.sign and 0.0 <= after.level <= 2.0**bits - 1.0 and after.level.is_integer()
    assert hit == (after != before) and abs(after.level - before.level) <= 1.0


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_it_keeps_the_contract(bits):
    check_cell(FixedSign(bits), tolerance=0.2)
    assert FixedSign(bits).stored_bits == bits + 1


def test_no_bits_are_refused():
    with pytest.raises(InputError, match=r"bits must be a whole number from 1 to 8 \(bit\), got 0\."):
        check(FixedSign(0))
