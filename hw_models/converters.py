"""Converters in front of an array (DAC, or the width of a digital activation) and behind it (ADC)."""

from typing import Annotated, Literal, NamedTuple

import numpy as np

from hw_models.parts import InputError, Range
from hw_models.scalars import scalar

STOCHASTIC = 1  #: position of the word in Quantiser.rounding
SIGN_MAGNITUDE = 1  #: and in Quantiser.code


@scalar
def quantise(x, bits, limit, signed, r):
    """``clip(floor(x / lsb + r) * lsb)`` between -limit and the highest level; signed is 1 for a code of sign and magnitude, else 0."""
    lsb = limit / (2.0 ** (bits - 1.0) - signed)
    return min(max(np.floor(x / lsb + r) * lsb, -limit), limit - (1.0 - signed) * lsb)


@scalar
def saturates(x, bits, limit, signed):
    """1 if x lies more than half a step beyond the lowest or highest level of `quantise`, else 0."""
    lsb = limit / (2.0 ** (bits - 1.0) - signed)
    return 1.0 if x > limit - (0.5 - signed) * lsb else 1.0 if x < -limit - 0.5 * lsb else 0.0


class Exact(NamedTuple):
    """Passes every number unchanged."""

    draws = {}
    exact = True

    def convert(self, x, u):
        return x


class Line(NamedTuple):
    """What the converter of one line does to a number before it rounds, set by manufacture."""

    gain: float
    offset: float


class Quantiser(NamedTuple):
    """Rounds to equal steps between -limit and limit and saturates outside, with an error of gain and of offset.

    ``x <- clip(floor((gain x + offset * limit) / lsb + r) * lsb)`` with r = 1/2 (nearest) or uniform in (0, 1) (stochastic). The gain is
    ``max(1 + gain_error + gain_spread * n, 0)``, the offset ``offset + offset_spread * n'``, with n, n' standard normal and fixed for each
    converter: the DAC of a row, the ADC of a column of a tile.
    In two's complement there are 2**bits levels from -limit to limit - lsb, lsb = limit / 2**(bits - 1); in sign and magnitude
    2**bits - 1 levels from -limit to limit, lsb = limit / (2**(bits - 1) - 1).

    Parameters
    ----------
    bits : int, bit
        Resolution, sign included; sign and magnitude need at least 2.
    limit : float, unit of the signal
        Largest magnitude that passes.
    rounding : "nearest" or "stochastic"
        Stochastic rounding lets perturbations smaller than one level through on average.
    code : "twos-complement" or "sign-magnitude"
        The levels: one more below zero than above, or the same on both sides.
    gain_error : float, share
        By how much the slope differs from 1 on average.
    offset : float, share of the limit
        What is added to every number on average.
    gain_spread : float, share
        Standard deviation of the slope from converter to converter.
    offset_spread : float, share of the limit
        Standard deviation of what is added, from converter to converter.
    """

    bits: Annotated[int, Range("bit", 1, 16)] = 8
    limit: Annotated[float, Range("unit of the signal", 0.0, open_low=True)] = 1.0
    rounding: Literal["nearest", "stochastic"] = "nearest"
    code: Literal["twos-complement", "sign-magnitude"] = "twos-complement"
    gain_error: Annotated[float, Range("share", -0.5, 0.5)] = 0.0
    offset: Annotated[float, Range("share of the limit", -1.0, 1.0)] = 0.0
    gain_spread: Annotated[float, Range("share", 0.0, 0.5)] = 0.0
    offset_spread: Annotated[float, Range("share of the limit", 0.0, 1.0)] = 0.0

    Params = Line
    draws = {"make": "nn", "convert": "u"}

    def validate(self):
        if self.code == "sign-magnitude" and self.bits < 2:
            raise InputError(
                f"Quantiser.bits must be at least 2 in sign and magnitude, got {self.bits}: one bit would hold the sign alone; "
                'give more bits or the code "twos-complement".'
            )

    def make(self, u):
        return Line(max(1.0 + self.gain_error + self.gain_spread * u[0], 0.0), (self.offset + self.offset_spread * u[1]) * self.limit)

    def enter(self, p, x):
        return p.gain * x + p.offset

    def clips(self, x):
        return saturates(x, self.bits, self.limit, 1.0 if self.code == SIGN_MAGNITUDE else 0.0)

    def convert(self, x, u):
        r = u[0] if self.rounding == STOCHASTIC else 0.5
        return quantise(x, self.bits, self.limit, 1.0 if self.code == SIGN_MAGNITUDE else 0.0, r)


ALL_CONVERTERS = {"exact": Exact, "quantiser": Quantiser}
