"""How a column is summed."""

import numpy as np

from hw_models import Adder, Crossbar, Nothing
from hw_models.tile import NoisySum, Sum

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
