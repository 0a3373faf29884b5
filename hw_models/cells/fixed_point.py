"""Signed fixed-point memory, as in digital neuromorphic chips."""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from hw_models.parts import Bits, Range


class Word(NamedTuple):
    """One signed word, written as a number in -1..1 (its width is the cell's ``bits``)."""

    w: Annotated[float, Bits(16)]


class FixedPoint(NamedTuple):
    """Two's-complement memory of -1 to 1 - lsb in steps of lsb = 2**(1 - bits).

    ``w <- clip(w + floor(dw / lsb + r) * lsb)`` with r = 1/2 (nearest) or uniform in (0, 1) (stochastic: right on average).

    Parameters
    ----------
    bits : int, bit
        Width of a stored weight, sign included.
    rounding : "nearest" or "stochastic"
        Nearest rounding swallows every update smaller than half a level; stochastic rounding keeps its mean.

    References
    ----------
    Gupta et al. 2015, "Deep Learning with Limited Numerical Precision", arXiv:1502.02551.
    """

    bits: Annotated[int, Range("bit", 1, 16)] = 8
    rounding: Literal["nearest", "stochastic"] = "stochastic"

    State = Word
    draws = {"program": "u", "write": "u"}
    bounded = True
    ages = False
    linear = True
    cheap = True

    @property
    def stored_bits(self) -> int:
        """Width of the stored word."""
        return self.bits

    def make(self, u):
        return Word(0.0)

    def program(self, s, w, now, u):
        lsb, levels = 2.0 ** (1.0 - self.bits), 2.0 ** (self.bits - 1.0)
        return Word(min(max(np.floor(w * levels + 0.5) * lsb, -1.0), 1.0 - lsb))

    def write(self, s, dw, now, u):
        lsb, levels = 2.0 ** (1.0 - self.bits), 2.0 ** (self.bits - 1.0)
        stochastic: Any = self.rounding  # 0 or 1: a branch costs 10 % more than this product
        r = stochastic * (0.5 - u[0])
        # levels are counted apart from w, whose digits would drown a small chance
        n = np.floor(dw * levels + (0.5 + (r if dw > 0.0 else -r)))
        w = min(max(s.w + n * lsb, -1.0), 1.0 - lsb)
        return Word(w), 1.0 if w != s.w else 0.0

    def read(self, s, u):
        return s.w

    def chance(self, dw):
        stochastic: Any = self.rounding
        # rounded to nearest, half a level always moves it and less never; proportional all the same, it asks some cells in vain
        return abs(dw) * (2.0 ** (self.bits - 1.0) * (2.0001 - stochastic))
