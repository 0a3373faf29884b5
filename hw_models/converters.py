"""Converters in front of an array (DAC, or the width of a digital activation) and behind it (ADC)."""

from typing import Annotated, Literal, NamedTuple

import numpy as np

from hw_models.parts import InputError, Range

STOCHASTIC = 1  #: position of the word in Quantiser.rounding
SIGN_MAGNITUDE = 1  #: and in Quantiser.code


class Exact(NamedTuple):
    """Passes every number unchanged."""

    draws = {}

    def convert(self, x, u):
        return x


class Quantiser(NamedTuple):
    """Rounds to equal steps between -limit and limit and saturates outside, with an error of gain and of offset.

    ``x <- clip(floor(((1 + gain_error) x + offset * limit) / lsb + r) * lsb)`` with r = 1/2 (nearest) or uniform in (0, 1) (stochastic).
    In two's complement there are 2**bits levels from -limit to limit - lsb, lsb = limit / 2**(bits - 1); in sign and magnitude
    2**bits - 1 levels from -limit to limit, lsb = limit / (2**(bits - 1) - 1). Every converter of a chip has the same errors.

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
        By how much the slope differs from 1.
    offset : float, share of the limit
        What is added to every number.
    """

    bits: Annotated[int, Range("bit", 1, 16)] = 8
    limit: Annotated[float, Range("unit of the signal", 0.0, open_low=True)] = 1.0
    rounding: Literal["nearest", "stochastic"] = "nearest"
    code: Literal["twos-complement", "sign-magnitude"] = "twos-complement"
    gain_error: Annotated[float, Range("share", -0.5, 0.5)] = 0.0
    offset: Annotated[float, Range("share of the limit", -1.0, 1.0)] = 0.0

    draws = {"convert": "u"}

    def validate(self):
        if self.code == "sign-magnitude" and self.bits < 2:
            raise InputError(
                f"Quantiser.bits must be at least 2 in sign and magnitude, got {self.bits}: one bit would hold the sign alone; "
                'give more bits or the code "twos-complement".'
            )

    def convert(self, x, u):
        signed = 1.0 if self.code == SIGN_MAGNITUDE else 0.0
        lsb = self.limit / (2.0 ** (self.bits - 1.0) - signed)
        r = u[0] if self.rounding == STOCHASTIC else 0.5
        x = (1.0 + self.gain_error) * x + self.offset * self.limit
        return min(max(np.floor(x / lsb + r) * lsb, -self.limit), self.limit - (1.0 - signed) * lsb)


ALL_CONVERTERS = {"exact": Exact, "quantiser": Quantiser}
