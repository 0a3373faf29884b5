"""The reward wire: the one number that learning broadcasts to the whole chip."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Range
from hw_models.protocols import Nothing


class ExactWire(NamedTuple):
    """Delivers every number unchanged and at once."""

    State = Nothing
    draws = {}

    def make(self, u):
        return Nothing()

    def send(self, s, value, u):
        return s, value, True


class DigitalWire(NamedTuple):
    """Delivers a signed fixed-point number with stochastic rounding; larger values saturate.

    Parameters
    ----------
    bits : int, bit
        Width of the broadcast number, sign included.
    limit : float, unit of the loss
        Largest magnitude that can be sent.
    """

    bits: Annotated[int, Range("bit", 1, 16)] = 16
    limit: Annotated[float, Range("unit of the loss", 0.0, open_low=True)] = 1.0

    State = Nothing
    draws = {"send": "u"}

    def make(self, u):
        return Nothing()

    def send(self, s, value, u):
        lsb = self.limit * 2.0 ** (1.0 - self.bits)
        return s, min(max(np.floor(value / lsb + u[0]) * lsb, -self.limit), self.limit - lsb), True


ALL_WIRES = {"exact": ExactWire, "digital": DigitalWire}
