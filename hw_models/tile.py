"""How an array sums the currents or products of one column."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Range
from hw_models.protocols import Nothing


class Sum(NamedTuple):
    """What a column adds up: products."""

    h: float


class NoisySum(NamedTuple):
    """What a column adds up: products, and the energy of its inputs."""

    h: float
    energy: float


class Adder(NamedTuple):
    """Exact sum of a column: ``h = sum_j w_j x_j``."""

    Column = Nothing
    Sums = Sum
    draws = {}

    def make(self, u):
        return Nothing()

    def gather(self, w, x, at):
        return Sum(w * x)

    def finish(self, column, sums, u):
        return sums.h


class Crossbar(NamedTuple):
    """Analog sum of a column whose cells are read with white noise.

    Every read of a cell adds independent Gaussian noise of standard deviation ``read_noise``, so the column's sum is exactly
    ``h = sum_j w_j x_j + read_noise * sqrt(sum_j x_j**2) * n`` with one standard normal n: the same distribution at a fraction of the draws.

    Parameters
    ----------
    read_noise : float, share of full scale
        Standard deviation of one read of one cell.
    """

    read_noise: Annotated[float, Range("share of full scale", 0.0)] = 0.01

    Column = Nothing
    Sums = NoisySum
    draws = {"finish": "n"}

    def make(self, u):
        return Nothing()

    def gather(self, w, x, at):
        return NoisySum(w * x, x * x)

    def finish(self, column, sums, u):
        return sums.h + self.read_noise * np.sqrt(sums.energy) * u[0]


ALL_TILES = {"adder": Adder, "crossbar": Crossbar}
