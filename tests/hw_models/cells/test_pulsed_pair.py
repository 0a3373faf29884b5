"""Two devices that pulses only fill: which one a pulse meets, how far it goes, and when both start again."""

import numpy as np
import pytest

from hw_models import ALL_CELLS, PRESETS, OneSidedPair
from hw_models.cells.pulsed_pair import Pair, filling
from hw_models.testing import as_numbers, check_cell, draw

CERTAIN = {"step_spread": 0.0, "high_spread": 0.0, "cycle_noise": 0.0}


def certain(**changes):
    """A pair without any chance."""
    return as_numbers(PRESETS["pcm-one-sided"]._replace(**CERTAIN, **changes))


def pair(cell, plus, minus):
    return Pair(plus, minus, cell.step, cell.step, cell.high, cell.high)


def pulsed(cell, s, n):
    return cell.write(s, n * cell.step, 0.0, (0.5, 0.0))


def test_it_keeps_the_contract():
    check_cell(OneSidedPair(), tolerance=0.15)
    check_cell(OneSidedPair(update="trains"), tolerance=0.15)
    check_cell(OneSidedPair(update="exact"), tolerance=0.15)
    assert ALL_CELLS["one-sided-pair"] is OneSidedPair


@pytest.mark.parametrize(("g", "step"), [(0.0, 0.28235), (1.0, 0.03236), (2.0, 0.01184)])
def test_the_steps_of_the_phase_change_device(g, step):
    # 0.01 (1 + 27.235 exp(-2.5 g)), Nandakumar et al. 2020
    assert 0.01 * filling(certain(), g, 2.0) == pytest.approx(step, abs=1e-5)


def test_the_weight_is_the_difference_of_the_two():
    cell = certain()
    assert cell.read(pair(cell, 0.7, 0.4), ()) == pytest.approx(0.3)
    assert cell.read(pair(cell, 0.1, 1.9), ()) == -1.0  # full scale
    assert cell.program(pair(cell, 0.7, 0.4), -0.25, 0.0, ())[:2] == pytest.approx((0.01, 0.26))


def test_pulses_up_meet_only_the_plus_device_and_pulses_down_only_the_other():
    cell = certain()
    s = pair(cell, 1.0, 1.0)
    up, hit = pulsed(cell, s, 1)
    assert up[:2] == pytest.approx((1.0 + 0.032356, 1.0), abs=1e-6) and hit == 1.0
    down, hit = pulsed(cell, s, -1)
    assert down[:2] == pytest.approx((1.0, 1.0 + 0.032356), abs=1e-6) and hit == 1.0
    assert cell.write(s, 0.004, 0.0, (0.5, 3.0)) == (s, 0.0) and cell.write(s, 0.0, 0.0, (0.999, 3.0)) == (s, 0.0)


def test_pulses_in_one_write_are_near_single_ones():
    cell = certain()
    s = pair(cell, 0.6, 0.0)
    together, hit = pulsed(cell, s, 5)
    for _ in range(5):
        s, _ = pulsed(cell, s, 1)
    assert hit == 5.0 and together.plus == pytest.approx(s.plus, rel=0.02)


def test_the_noise_of_a_pulse():
    cell, rng, n = certain()._replace(cycle_noise=0.6), np.random.default_rng(1), 4_000
    ends = [cell.write(pair(cell, 1.0, 0.2), 0.01, 0.0, (0.5, draw(rng, "n")))[0].plus for _ in range(n)]
    sigma = 0.6 * (0.032356 + 0.042 + 0.108)
    assert abs(np.mean(ends) - 1.032356) < 5 * sigma / np.sqrt(n) and abs(np.std(ends) - sigma) < 5 * sigma / np.sqrt(2 * n)


@pytest.mark.parametrize(
    ("plus", "minus", "again"),
    [(1.49, 1.2, True), (1.45, 1.2, False), (1.9, 0.49, False), (1.9, 0.51, True), (1.6, 1.9, True)],
)
def test_both_start_again_when_one_is_near_its_bound_and_the_other_not_empty(plus, minus, again):
    cell = certain()
    grown = plus + 0.01 * filling(cell, plus, 2.0)  # by hand above: 0.75 and 0.25 of 2 are 1.5 and 0.5
    s, hit = pulsed(cell, pair(cell, plus, minus), 1)
    if again:
        difference = min(grown, 2.0) - minus
        assert s[:2] == pytest.approx((0.01 + max(difference, 0.0), 0.01 + max(-difference, 0.0))) and hit == 4.0
    else:
        assert s[:2] == pytest.approx((grown, minus)) and hit == 1.0


def test_a_refresh_is_delivered_by_a_write_and_keeps_the_weight():
    cell = certain(update="exact")
    s, hit = cell.write(pair(cell, 1.45, 0.9), 0.1, 0.0, (0.5, 0.0))
    assert hit == 4.0 and s[:2] == pytest.approx((0.66, 0.01)) and cell.read(s, ()) == pytest.approx(0.65)
    assert cell.write(pair(cell, 1.9, 1.9), 0.0, 0.0, (0.5, 0.0)) == (pair(cell, 1.9, 1.9), 0.0)


def test_a_pair_never_gets_stuck():
    # without a refresh both devices would be full after some tens of pulses each
    cell, rng = as_numbers(PRESETS["pcm-one-sided"]), np.random.default_rng(2)
    s, refreshed, seen = cell.make((0.3, -0.2, 0.1, -0.1)), 0, []
    for k in range(2_000):
        s, hit = cell.write(s, 0.01 if k % 2 else -0.01, 0.0, (0.5, draw(rng, "n")))
        refreshed += hit == 4.0
        seen.append(cell.read(s, ()))
        assert 0.0 <= s.plus <= s.plus_high and 0.0 <= s.minus <= s.minus_high
        assert not (max(s[:2]) > 1.5 and min(s[:2]) > 0.5)
    assert refreshed > 10 and np.std(seen[-1_000:]) > 0.01
