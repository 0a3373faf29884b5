"""Charge-trapping memory against the figures published of it.

Of n numbers, the mean is off by sigma / sqrt(n), the standard deviation by sigma / sqrt(2 n); both are held to five times that.
"""

import math

import numpy as np
import pytest

from hw_models import InputError, Sonos
from hw_models.cells.sonos import current_spread, mean_drift, read_spread
from hw_models.parts import check
from hw_models.testing import as_numbers, check_cell

N = 5_000
RNG = np.random.default_rng(5)
DAY = 86400.0
A = (19.88665, 25.59102, 28.72753, 31.04318, 33.76214, 34.57909)
B = (176.3115, 186.85544, 193.56834, 198.90332, 204.77023, 207.34309)


# the published polynomial of each day at 0, 100, 400, 900 and 1200 nA, evaluated apart from this code
CURRENTS = (0.0, 100.0, 400.0, 900.0, 1200.0)
DRIFT = (
    (0.684, -0.699, -13.102, -27.537, -33.577),
    (0.661, 0.135, -13.624, -32.479, -39.999),
    (1.158, 0.551, -15.366, -36.881, -45.995),
    (0.872, 1.013, -16.047, -40.386, -50.552),
    (1.153, 1.222, -17.373, -42.932, -52.557),
)


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


@pytest.mark.parametrize("day", range(1, 6))
@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_the_mean_drifts_by_what_was_measured_on_each_day(day, number):
    """In float32 the terms of the polynomial, up to 1e5 nA, cancel to 0.1 nA or better."""
    found = [mean_drift(number(current), number(day * DAY)) for current in CURRENTS]
    assert found == pytest.approx(DRIFT[day - 1], abs=1e-3 if number is np.float64 else 0.1)


def test_the_mean_has_not_drifted_when_programmed_and_is_held_between_days_and_beyond_what_was_measured():
    assert mean_drift(900.0, 0.0) == 0.0
    assert mean_drift(900.0, 1.5 * DAY) == pytest.approx((DRIFT[0][3] + DRIFT[1][3]) / 2, abs=1e-3)
    assert mean_drift(900.0, 50 * DAY) == mean_drift(900.0, 5 * DAY)
    assert mean_drift(1800.0, DAY) == mean_drift(1400.0, DAY)


def test_a_pair_shows_the_drift_of_both_its_cells():
    """-27.54 nA of the cell at 900 nA and 0.68 nA of the one that is off, after a day: 871.78 of 1800 nA."""
    cell = Sonos(error=0.0, noise=0.0)
    assert cell.age(programmed(cell, 0.5), 0.0, DAY, ()).seen == pytest.approx((900 + DRIFT[0][3] - DRIFT[0][0]) / 1800, abs=1e-6)
    assert Sonos(error=0.0, drift=0.0).age(programmed(cell, 0.5), 0.0, DAY, ()).seen == 0.5


@pytest.mark.parametrize("t", [0.0, 2 * DAY])
def test_cells_spread_as_stated(t):
    """The cell that is off has no current and no spread, so the pair's is that of the other."""
    cell = Sonos(drift=0.0)
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
    cell = Sonos(error=0.0, drift=0.0, noise=0.0)
    assert cell.read(cell.age(programmed(cell, -0.375, (1.0, 2.0)), 0.0, DAY, ()), (3.0,)) == -0.375


@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_one_step_of_time_ends_where_many_end(number):
    cell = Sonos(*map(number, as_numbers(Sonos())))
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


def test_the_noise_of_a_read_is_the_measured_one():
    """12.58037 (1 - exp(-I / 215.36557)) nA: two constants, so more than one current."""
    assert [read_spread(current) for current in (0.0, 100.0, 1800.0)] == pytest.approx([0.0, 4.67288, 12.57742], abs=1e-4)
