"""The analog cell has the spread and the noise that it states.

Of n numbers, the mean is off by sigma / sqrt(n), the standard deviation by sigma / sqrt(2 n); both are held to five times that.
"""

import numpy as np
import pytest

from hw_models import Analog
from hw_models.cells.analog import Device

N = 8_000
NORMAL = np.random.default_rng(1).standard_normal(N)


def agrees(values, mean, sigma):
    return abs(np.mean(values) - mean) < 5 * sigma / np.sqrt(N) and abs(np.std(values) - sigma) < 5 * sigma / np.sqrt(2 * N)


def test_devices_differ_in_how_strongly_they_answer():
    cell = Analog(spread=0.15)  # wide enough to see, narrow enough that no gain is cut at zero
    made = [cell.make((n,)) for n in NORMAL]
    assert agrees([s.gain for s in made], 1.0, 0.15)
    assert {s.w for s in made} == {0.0}


def test_a_device_never_answers_backwards():
    assert Analog(spread=0.5).make((-3.0,)).gain == 0.0


def test_a_write_misses_in_proportion_to_the_change():
    cell = Analog(write_noise=0.2)
    changes = [cell.write(Device(0.1, 1.5), -0.04, 0.0, (n,))[0].w - 0.1 for n in NORMAL]
    assert agrees(changes, -0.06, 0.2 * 0.06)


def test_programming_misses_by_the_stated_share_of_full_scale():
    cell = Analog(program_noise=0.02)
    assert agrees([cell.program(Device(0.0, 0.3), 0.5, 0.0, (n,)).w for n in NORMAL], 0.5, 0.02)


@pytest.mark.parametrize(("dw", "w"), [(5.0, 1.0), (-5.0, -1.0)])
def test_it_saturates_and_says_that_it_was_written(dw, w):
    assert Analog().write(Device(0.0, 1.0), dw, 0.0, (0.1,)) == (Device(w, 1.0), 1.0)


def test_without_noise_it_does_what_is_asked():
    cell = Analog(0.0, 0.0, 0.0)
    s = cell.program(cell.make((2.0,)), 0.25, 0.0, (2.0,))
    s, _ = cell.write(s, 0.125, 0.0, (2.0,))
    assert cell.read(s, ()) == 0.375
