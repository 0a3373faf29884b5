"""Charge-trapping memory against the figures published of it.

Of n numbers, the mean is off by sigma / sqrt(n), the standard deviation by sigma / sqrt(2 n); both are held to five times that.
"""

import math

import numpy as np
import pytest

from hw_models import InputError, Sonos
from hw_models.cells.sonos import current_spread, read_spread
from hw_models.parts import check
from hw_models.testing import check_cell

N = 5_000
RNG = np.random.default_rng(5)
DAY = 86400.0
A = (19.88665, 25.59102, 28.72753, 31.04318, 33.76214, 34.57909)
B = (176.3115, 186.85544, 193.56834, 198.90332, 204.77023, 207.34309)


def programmed(cell, w, u=(0.0, 0.0), now=0.0):
    return cell.program(cell.make(()), w, now, u)


def agrees(values, mean, sigma):
    n = len(values)
    return abs(np.mean(values) - mean) < 5 * sigma / np.sqrt(n) and abs(np.std(values) - sigma) < 5 * sigma / np.sqrt(2 * n)


@pytest.mark.parametrize("day", range(6))
@pytest.mark.parametrize("current", [0.0, 10.0, 400.0, 1800.0])
def test_the_spread_is_the_measured_one_on_each_day(day, current):
    assert current_spread(current, day * DAY) == pytest.approx(A[day] * (1 - math.exp(-current / B[day])), rel=1e-6, abs=1e-9)


def test_the_published_example_of_400_nanoampere():
    assert current_spread(400.0, 0.0) == pytest.approx(17.8, abs=0.05)
    assert read_spread(400.0) == pytest.approx(10.6, abs=0.05)


def test_between_its_days_the_spread_is_interpolated_and_after_the_last_it_is_held():
    at_half_a_day = (A[0] + A[1]) / 2 * (1 - math.exp(-400 / ((B[0] + B[1]) / 2)))
    assert current_spread(400.0, DAY / 2) == pytest.approx(at_half_a_day, rel=1e-6)
    assert current_spread(400.0, 50 * DAY) == pytest.approx(current_spread(400.0, 5 * DAY))


@pytest.mark.parametrize("t", [0.0, 2 * DAY])
def test_cells_spread_as_stated(t):
    """The cell that is off has no current and no spread, so the pair's is that of the other."""
    cell = Sonos()
    seen = [cell.age(programmed(cell, -0.5, u), 0.0, t, ()).seen for u in RNG.standard_normal((N, 2))]
    assert agrees(seen, -0.5, current_spread(900.0, t) / 1800)


def test_every_read_is_noisy_and_independent():
    """So that, unlike the spread, it vanishes when reads are averaged."""
    cell = Sonos(error=0.0)
    s = programmed(cell, 0.5)
    reads = [cell.read(s, (n,)) for n in RNG.standard_normal(N)]
    assert agrees(reads, 0.5, read_spread(900.0) / 1800)


def test_a_weight_is_a_share_of_the_full_current():
    cell = Sonos(full=800.0, error=0.0)
    assert programmed(cell, 0.5).noise == pytest.approx(10.6 / 800, rel=5e-3)


def test_no_current_is_negative_and_no_weight_beyond_one():
    cell = Sonos()
    for w in (-1.0, 0.0, 0.001, 1.0):
        for u in (-9.0, 9.0):
            for t in (0.0, 5 * DAY):
                s = cell.age(programmed(cell, w, (u, -u)), 0.0, t, ())
                assert abs(s.seen) <= 1.0 and s.noise >= 0.0


def test_without_errors_it_is_what_was_asked_for():
    cell = Sonos(error=0.0, noise=0.0)
    assert cell.read(cell.age(programmed(cell, -0.375, (1.0, 2.0)), 0.0, DAY, ()), (3.0,)) == -0.375


@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_one_step_of_time_ends_where_many_end(number):
    cell = Sonos(*map(number, Sonos()))
    s = cell.State(*map(number, programmed(Sonos(), 0.5, (1.0, 0.5), now=3.0)))
    walked, then = s, number(3.0)
    for t in map(number, (1e-3, 1.0, 77.0, DAY, 1e7)):
        walked, then = cell.age(walked, then, then + t, ()), then + t
    assert cell.age(s, number(3.0), then, ()) == walked


def test_the_days_count_from_programming():
    cell = Sonos()
    old, young = (cell.age(programmed(cell, 0.5, (1.0, 0.5), now), now, now + DAY, ()) for now in (0.0, 1000.0))
    assert old.seen == young.seen


@pytest.mark.parametrize("dw", [0.0, 0.05, -0.05, 1e-9])
def test_a_change_within_the_deadband_leaves_the_cells_alone(dw):
    s = programmed(Sonos(), 0.25, (0.1, 0.2))
    assert Sonos(deadband=0.05).write(s, dw, 7.0, (1.0, 1.0)) == (s, 0.0)


def test_a_saturated_pair_is_not_programmed_again():
    s = programmed(Sonos(), 1.0)
    assert Sonos().write(s, 0.5, 1.0, (1.0, 1.0)) == (s, 0.0)


def test_a_write_places_the_target_plus_the_change_anew():
    """What a write of a tiny change costs is the error of programming the weight from nothing."""
    cell = Sonos(deadband=0.0)
    s = programmed(cell, 0.25, (2.0, 0.0))
    assert cell.write(s, 1e-6, 9.0, (1.0, -1.0)) == (programmed(cell, 0.250001, (1.0, -1.0), 9.0), 2.0)


@pytest.mark.parametrize("cell", [Sonos(), Sonos(full=400.0), Sonos(deadband=0.0)], ids=str)
def test_it_keeps_its_contract(cell):
    check_cell(cell)


@pytest.mark.parametrize(("field", "value"), [("full", 0.0), ("full", 3200.0), ("deadband", 2.0), ("noise", -1.0)])
def test_impossible_numbers_are_refused(field, value):
    with pytest.raises(InputError, match=field):
        check(Sonos()._replace(**{field: value}))
