"""Behind the columns of an array: the reference column that they are measured against, and the reach of their ADCs."""

from typing import Annotated, NamedTuple

import numpy as np
import pytest

from hw_models import Analog, Bits, Chip, Crossbar, Quantiser, load
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.neurons import Linear
from neurosim.rules import ANP
from neurosim.simulator import Simulator

LINE = Network(2, 3, 1, neuron=Linear(), readout=Linear())
X = np.array([[0.5, -1.0]])


class Stored(NamedTuple):
    w: Annotated[float, Bits(32)]


class Offset(NamedTuple):
    """A device that comes out too high by ``miss``, and rises by ``rate`` a second: what one reference for all cannot know."""

    miss: float = 0.125
    rate: float = 0.25

    State = Stored
    draws = {}
    bounded, ages = True, True

    @property
    def stored_bits(self):
        return 8

    def make(self, u):
        return Stored(0.0)

    def program(self, s, w, now, u):
        return Stored(w + self.miss)

    def write(self, s, dw, now, u):
        return Stored(s.w + dw), 1.0

    def read(self, s, u):
        return s.w

    def age(self, s, then, now, u):
        return Stored(s.w + self.rate * (now - then))


def currents(chip, seconds=0.0, change=None):
    one = Simulator(LINE, chip, 3, dtype="float64", plain=True)
    one.wait(seconds)
    if change is not None:
        one.references[0].w[:] = change
    return one.run(X, record=("h",))["h"][0], one


def test_a_reference_column_takes_off_what_all_its_devices_have_in_common():
    """Against a number that is always right, the error 1/8 of every device and its rise by 1/2 remain: 5/8 of full scale times (0.5 - 1)."""
    (exact, _), (column, _), (off, one) = (
        currents(chip, seconds=2.0) for chip in (Chip(), Chip(cell=Offset(), reference="column"), Chip(cell=Offset()))
    )
    np.testing.assert_allclose(column, exact, atol=1e-12)
    np.testing.assert_allclose(off - exact, one.scales[0] * 0.625 * (0.5 - 1.0), atol=1e-12)


def test_the_errors_of_the_reference_are_shared_by_all_columns():
    """Reference cells at 0.25 and -0.125: every column loses 0.25 * 0.5 + 0.125 * 1 of full scale."""
    exact, _ = currents(Chip(cell=Offset(0.0)))
    column, one = currents(Chip(cell=Offset(0.0), reference="column"), change=[[0.25], [-0.125]])
    np.testing.assert_allclose(column, exact - one.scales[0] * 0.25, atol=1e-12)
    np.testing.assert_allclose(
        one.weights[0], Simulator(LINE, Chip(), 3, dtype="float64", plain=True).weights[0] - one.scales[0] * np.array([[0.25], [-0.125]])
    )


def test_every_tile_has_its_own_part_of_the_reference_and_it_comes_before_the_adc():
    """Two tiles of 64 rows: sums of 3 and -3 against references of 2.75 and -2.75 leave 0.25 each, which an ADC that ends at 1 lets pass."""
    chip = Chip(cell=Offset(0.0), tile=Crossbar(0.0, 64), adc=Quantiser(bits=16, limit=1.0), reference="column")
    one = Simulator(Network(128, 1, 1, neuron=Linear()), chip, 3, dtype="float64", plain=True)
    sign = np.repeat([1.0, -1.0], 64)[:, None]
    one.planes[0].w[:], one.references[0].w[:] = sign * 3 / 64, sign * 2.75 / 64
    h = one.run(np.ones((1, 128)), record=("h",))["h"][0, 0]
    assert h == pytest.approx(0.0, abs=1e-12)
    one.references[0].w[64:] = 0.0  # now -3, which the second ADC cuts off at -1
    assert one.run(np.ones((1, 128)), record=("h",))["h"][0, 0] == pytest.approx(one.scales[0] * (0.25 - 1.0), abs=1e-4)


def test_a_noisy_array_measures_its_reference_noisily_too():
    """Of n currents of one neuron, the variance misses 2 s**2 |x|**2 (the column's own and the reference's) by 5 sqrt(2 / n) at most."""
    n, s = 1000, 0.05
    chip = Chip(tile=Crossbar(s), cell=Offset(0.0, 0.0), reference="column")
    one = Simulator(Network(2, 1, 1, neuron=Linear()), chip, 1, dtype="float64", plain=True)
    h = one.run(np.repeat(X[None], n, 0), record=("h",))["h"][:, 0, 0] / one.scales[0]
    assert abs(h.var() / (2 * s * s * (X @ X.T)[0, 0]) - 1) < 5 * np.sqrt(2 / n)


def test_a_reference_drifts_and_learns_the_same_compiled_and_is_part_of_the_state():
    rng = np.random.default_rng(3)
    data = rng.standard_normal((1, 12, 2)), rng.standard_normal((1, 12, 1)), np.ones((1, 12), bool)
    chip = load("pcm").replace(reference="column", step_s=5.0)
    pair = [Simulator(Network(2, 9, 1), chip, 4, ANP(lr=0.02).learning(), plain=plain) for plain in (False, True)]
    fresh = pair[0].state()["references.0.seen"]
    for one in pair:
        one.learn(*data)
    for a, b in zip(*(one.state().values() for one in pair), strict=True):
        np.testing.assert_array_equal(a, b)
    assert fresh.shape == (2, 1) and np.any(pair[0].state()["references.0.seen"] != fresh)


def test_reference_cells_take_memory():
    rule = ANP().learning()
    with_, without = (memory_bits(LINE, Chip(cell=Offset(), reference=word), rule)["weights"] for word in ("column", "ideal"))
    assert with_ - without == 8 * (2 + 3 + 3)


# ---------------------------------------------------------------- the reach of the ADCs


def test_the_reach_of_an_array_is_the_spread_of_its_sums():
    """Full scale stands for 4 standard deviations: the sum of 2 rows spreads by sqrt(2) / 4, of 3 by sqrt(3) / 4."""
    one = Simulator(LINE, load("analog-noisy").replace(reach="by array"), plain=True)
    np.testing.assert_allclose(one.reaches, np.sqrt([2, 3, 3]) / 4)
    assert Simulator(LINE, load("analog-noisy"), plain=True).reaches.tolist() == [1.0, 1.0, 1.0]
    tall = Simulator(Network(100, 3, 1), load("analog-noisy").replace(reach="by array", tile__rows=64), plain=True)
    assert tall.reaches[0] == pytest.approx(np.sqrt(64) / 4)


def test_what_the_adc_sees_is_divided_by_the_reach_and_multiplied_again():
    """Three bits up to 2 spreads: levels are half a spread apart, -2 to 1.5; of full scale the spread of 2 rows is 0.35355."""
    chip = Chip(cell=Offset(0.0), adc=Quantiser(bits=3, limit=2.0), reach="by array")
    one = Simulator(LINE, chip, 3, dtype="float64", plain=True)
    spread = np.sqrt(2) / 4
    one.planes[0].w[:] = spread * np.array([[0.6, 2.4, -9.0], [0.0, 0.0, 0.0]])
    h = one.run([[1.0, 0.0]], record=("h",))["h"][0]
    np.testing.assert_allclose(h, one.scales[0] * spread * np.array([0.5, 1.5, -2.0]))


def test_trained_weights_that_cells_hold_exactly_are_mapped_so_that_the_largest_is_a_full_scale_cell():
    weights = [np.array([[3.0, -4.0, 0.0], [1.0, 2.0, 2.0]]), np.zeros((3, 3)), np.array([[0.5], [0.25], [-0.5]])]
    chip = Chip(cell=Offset(0.0), reach="by array")
    cut, fitted = (Simulator(LINE, chip, 3, dtype="float64", plain=True) for _ in range(2))
    before = cut.scales.copy()
    cut.program(weights)
    fitted.program(weights, fit=True)
    assert cut.scales.tolist() == before.tolist() and fitted.scales.tolist() == [4.0, before[1], 0.5]
    for found, w in zip(fitted.weights, weights, strict=True):
        np.testing.assert_allclose(found, w)
    # columns of norm sqrt(10), sqrt(20), 2: sqrt(34 / 3) on average, of a full scale of 4; an array of zeros stays what it was
    np.testing.assert_allclose(fitted.reaches, [np.sqrt(34 / 3) / 4, np.sqrt(3) / 4, 0.75 / 0.5])


def test_the_worse_cells_are_programmed_the_more_of_the_largest_weights_is_cut():
    """Of normal weights of size 1, a scale s cuts off 2 ((1 + s**2) Q(s) - s q(s)) and misses by (e s)**2: the least is at 2.88 and 1.69."""
    w = [np.random.default_rng(1).standard_normal((2, 300)), np.random.default_rng(2).standard_normal((300, 300)), np.zeros((300, 1))]
    scales = []
    for error in (0.0, 0.02, 0.15):
        one = Simulator(Network(2, 300, 1), Chip(cell=Analog(program_noise=error)), 3)
        one.program(w, fit=True)
        scales.append(one.scales[1])
    largest = np.abs(w[1]).max()
    assert scales == pytest.approx([largest, 2.88, 1.69], abs=0.1 * largest), "to the step in which scales are tried"
