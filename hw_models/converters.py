"""Converters in front of an array (DAC, or the width of a digital activation) and behind it (ADC)."""

from typing import Annotated, Literal, NamedTuple

import numpy as np

from hw_models.parts import Range

NEAREST, STOCHASTIC = 0, 1


class Exact(NamedTuple):
    """Passes every number unchanged."""

    draws = {}

    def convert(self, x, u):
        return x


class Quantiser(NamedTuple):
    """Rounds to 2**bits levels between -limit and limit and saturates outside.

    ``x <- clip(floor(x / lsb + r) * lsb)`` with lsb = limit * 2**(1 - bits), r = 1/2 (nearest) or uniform in (0, 1) (stochastic).

    Parameters
    ----------
    bits : int, bit
        Resolution, sign included.
    limit : float, unit of the signal
        Largest magnitude that passes.
    rounding : "nearest" or "stochastic"
        Stochastic rounding lets perturbations smaller than one level through on average.
    """

    bits: Annotated[int, Range("bit", 1, 16)] = 8
    limit: Annotated[float, Range("unit of the signal", 0.0, open_low=True)] = 1.0
    rounding: Literal["nearest", "stochastic"] = "nearest"

    draws = {"convert": "u"}

    def convert(self, x, u):
        lsb = self.limit * 2.0 ** (1.0 - self.bits)
        r = u[0] if self.rounding == STOCHASTIC else 0.5
        return min(max(np.floor(x / lsb + r) * lsb, -self.limit), self.limit - lsb)


ALL_CONVERTERS = {"exact": Exact, "quantiser": Quantiser}
