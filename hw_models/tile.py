"""How an array sums the currents or products of one column."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import InputError, Range
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
    exact = True

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
    rows : int, rows
        Height of a tile, a multiple of 64; a taller layer is split over several, and their partial sums pass an ADC each.
    """

    read_noise: Annotated[float, Range("share of full scale", 0.0)] = 0.01
    rows: Annotated[int, Range("rows", 64, 65536)] = 1024

    Column = Nothing
    Sums = NoisySum
    draws = {"finish": "n"}

    def validate(self):
        _whole_blocks(self)

    def make(self, u):
        return Nothing()

    def gather(self, w, x, at):
        return NoisySum(w * x, x * x)

    def finish(self, column, sums, u):
        return sums.h + self.read_noise * np.sqrt(sums.energy) * u[0]


class WiredSum(NamedTuple):
    """What a column adds up when its wires have resistance: products, the energy of its inputs, current, and products by position."""

    h: float
    energy: float
    load: float
    far: float


class WiredCrossbar(NamedTuple):
    """Analog sum of a column whose cells are read with noise and whose wires have resistance.

    With a = rows * load / conductance_ratio, load = sum_j ``|w_j x_j|`` and c = 0.05 a**3 - 0.2 a**2 + 0.5 a, the column loses
    ``ir_drop * c * sum_j w_j x_j (1 - (1 - p_j)**2)``, p_j from 0 to 1 the place of row j on the tile; then noise of the reads and of the output
    is added.

    Parameters
    ----------
    read_noise : float, share of full scale
        Standard deviation of one read of one cell.
    output_noise : float, unit of the column's sum
        Standard deviation of the noise of a column's output.
    ir_drop : float
        Strength of the voltage drop along the wires; 1 is as fitted, 0 is none.
    conductance_ratio : float
        Conductance of a wire segment over that of a full-scale cell; 0.35 Ohm and 5 uS give 5.71e5.
    rows : int, rows
        Height of a tile, a multiple of 64; a taller layer is split over several, and their partial sums pass an ADC each.

    References
    ----------
    The fitted polynomial is that of Rasch et al. 2021, "A flexible and fast PyTorch toolkit for simulating training and inference on
    analog crossbar arrays", doi:10.1109/AICAS51828.2021.9458494.
    """

    read_noise: Annotated[float, Range("share of full scale", 0.0)] = 0.01
    output_noise: Annotated[float, Range("unit of the column's sum", 0.0)] = 0.04
    ir_drop: Annotated[float, Range("", 0.0)] = 1.0
    conductance_ratio: Annotated[float, Range("", 1.0)] = 5.71e5
    rows: Annotated[int, Range("rows", 64, 65536)] = 512

    Column = Nothing
    Sums = WiredSum
    draws = {"finish": "nn"}

    def validate(self):
        _whole_blocks(self)

    def make(self, u):
        return Nothing()

    def gather(self, w, x, at):
        return WiredSum(w * x, x * x, abs(w * x), w * x * (1.0 - (1.0 - at) * (1.0 - at)))

    def finish(self, column, sums, u):
        a = self.rows * sums.load / self.conductance_ratio
        drop = self.ir_drop * a * (0.5 + a * (0.05 * a - 0.2)) * sums.far
        return sums.h - drop + self.read_noise * np.sqrt(sums.energy) * u[0] + self.output_noise * u[1]


def _whole_blocks(tile) -> None:
    if tile.rows % 64:
        raise InputError(f"tile.rows must be a multiple of 64, got {tile.rows}; tiles of real chips have 64 to 1024 rows.")


ALL_TILES = {"adder": Adder, "crossbar": Crossbar, "wired-crossbar": WiredCrossbar}
