"""How a column is summed."""

import numpy as np
import pytest

from hw_models import Adder, Crossbar, InputError, Nothing, WiredCrossbar
from hw_models.parts import check
from hw_models.tile import NoisySum, Sum, WiredSum

W, X = np.array([0.5, -0.25, 0.8]), np.array([1.0, 2.0, -0.5])


def column(tile, u=()):
    sums = [tile.gather(w, x, 1.0) for w, x in zip(W, X, strict=True)]
    return tile.finish(Nothing(), type(sums[0])(*np.sum(sums, 0)), u)


def test_the_adder_adds_products():
    assert Adder().gather(0.5, 3.0, 1.0) == Sum(1.5)
    assert column(Adder()) == W @ X


def test_the_crossbar_gathers_products_and_energy():
    assert Crossbar().gather(0.5, 3.0, 1.0) == NoisySum(1.5, 9.0)


def test_a_crossbar_without_noise_is_an_adder():
    assert column(Crossbar(0.0), (3.0,)) == column(Adder())


def test_one_draw_a_column_is_the_same_distribution_as_one_draw_a_cell():
    """Means off by less than 5 sigma / sqrt(n), variances by less than 5 sigma**2 sqrt(2 / n)."""
    n, noise = 20_000, 0.1
    rng = np.random.default_rng(4)
    of_cells = (W + noise * rng.standard_normal((n, 3))) @ X
    of_column = np.array([column(Crossbar(noise), (u,)) for u in rng.standard_normal(n)])
    variance = noise**2 * (X @ X)
    for h in (of_cells, of_column):
        assert abs(h.mean() - W @ X) < 5 * np.sqrt(variance / n)
        assert abs(h.var() - variance) < 5 * variance * np.sqrt(2 / n)


def test_wires_with_resistance_lose_what_the_fit_says():
    """Two rows of 64 that matter, half-way and at the end: a = 64 * 3 / 100 = 1.92, c = 0.05 a**3 - 0.2 a**2 + 0.5 a = 0.5766."""
    tile = WiredCrossbar(read_noise=0.0, output_noise=0.0, ir_drop=1.0, conductance_ratio=100.0, rows=64)
    first, last = tile.gather(0.5, 2.0, 0.5), tile.gather(-1.0, 2.0, 1.0)
    assert first == WiredSum(1.0, 4.0, 1.0, 0.75) and last == WiredSum(-2.0, 4.0, 2.0, -2.0)
    sums = WiredSum(*np.add(first, last))
    assert tile.finish(Nothing(), sums, (1.0, 1.0)) == pytest.approx(-1.0 + 0.5766144 * 1.25)
    assert tile._replace(ir_drop=0.0).finish(Nothing(), sums, (1.0, 1.0)) == -1.0


def test_a_cell_of_5_microsiemens_is_fed_through_0_35_ohm():
    """The ratio that the fit was made with; a manual says 5 mS, which would be a thousand times the drop."""
    assert WiredCrossbar().conductance_ratio == pytest.approx(1 / (0.35 * 5e-6), rel=1e-3)


def test_read_noise_and_output_noise_add_up():
    tile, n = WiredCrossbar(read_noise=0.1, output_noise=0.3, ir_drop=0.0), 20_000
    draws = np.random.default_rng(5).standard_normal((n, 2))
    h = np.array([tile.finish(Nothing(), WiredSum(2.0, 9.0, 0.0, 0.0), u) for u in draws])
    variance = 0.1**2 * 9.0 + 0.3**2
    assert abs(h.mean() - 2.0) < 5 * np.sqrt(variance / n) and abs(h.var() - variance) < 5 * variance * np.sqrt(2 / n)


@pytest.mark.parametrize("tile", [Crossbar(rows=100), WiredCrossbar(rows=65)])
def test_a_tile_is_of_whole_blocks(tile):
    with pytest.raises(InputError, match="multiple of 64"):
        check(tile)
