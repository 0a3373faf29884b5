"""Floating-point memory of few bits, as in accelerators that learn in 8 or 16 bits."""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from hw_models.cells.fixed_point import Word
from hw_models.parts import InputError, Range
from hw_models.scalars import scalar


class FloatingPoint(NamedTuple):
    """Floating-point memory: sign, exponent and mantissa, with subnormals; what is too large becomes the largest number.

    ``w <- clip(round((w + dw) / ulp) * ulp)`` with ulp = 2**(floor(log2 |w + dw|) - mantissa_bits), constant below the lowest exponent.
    The layer's scale takes the place of the format's exponent bias: the highest exponent is that of 1/2 <= abs(w) < 1, so that no
    exponent lies beyond full scale and is lost. Exponents below 2**-64 of full scale share its ulp (they exist from 7 exponent bits on).

    Parameters
    ----------
    exponent_bits : int, bit
        Width of the exponent: 4 in E4M3, 5 in E5M2 and half precision, 8 in bfloat16.
    mantissa_bits : int, bit
        Width of the mantissa without its leading one: 3 in E4M3, 2 in E5M2, 10 in half precision, 7 in bfloat16. At most 15 with the exponent.
    top : "reserved" or "numbers"
        What the highest exponent's codes mean: infinity and not-a-number as in IEEE 754, or numbers but for the last code, as in E4M3.
    rounding : "nearest" or "stochastic"
        Nearest rounds halves to even and swallows every update smaller than half an ulp; stochastic rounding keeps its mean.

    References
    ----------
    IEEE Std 754-2019, doi:10.1109/IEEESTD.2019.8766229.
    Micikevicius et al. 2022, "FP8 Formats for Deep Learning", arXiv:2209.05433.
    """

    exponent_bits: Annotated[int, Range("bit", 2, 8)] = 5
    mantissa_bits: Annotated[int, Range("bit", 1, 13)] = 10
    top: Literal["reserved", "numbers"] = "reserved"
    rounding: Literal["nearest", "stochastic"] = "stochastic"

    State = Word
    draws = {"write": "u"}
    bounded = True
    ages = False

    def validate(self):
        if self.stored_bits > 16:
            raise InputError(
                f"FloatingPoint has 1 sign, {self.exponent_bits} exponent and {self.mantissa_bits} mantissa bits, {self.stored_bits} in all; "
                "at most 16 are allowed."
            )

    @property
    def stored_bits(self) -> int:
        """Sign, exponent and mantissa."""
        return 1 + self.exponent_bits + self.mantissa_bits

    def make(self, u):
        return Word(0.0)

    def program(self, s, w, now, u):
        return Word(rounded(w, 0.5, self.exponent_bits, self.mantissa_bits, self.top))

    def write(self, s, dw, now, u):
        stochastic: Any = self.rounding
        r = (0.5 - 0.5 * stochastic) + stochastic * u[0]
        w = rounded(s.w + dw, r, self.exponent_bits, self.mantissa_bits, self.top)
        return Word(w), 1.0 if w != s.w else 0.0

    def read(self, s, u):
        return s.w


@scalar
def rounded(x, r, exponent_bits, mantissa_bits, top):
    """The format's number next to x: of the two, the upper one if x lies more than a share r of the ulp above the lower, or just r and the lower is odd."""
    lowest = 2.0 ** (2.0 - top - 2.0**exponent_bits)
    ulp = max(binade(abs(x)), lowest) * 2.0**-mantissa_bits
    largest = 1.0 - 2.0 ** (top - 1.0 - mantissa_bits)
    x = x / ulp
    below = np.floor(x)
    share, half = x - below, 0.5 * below
    up = 1.0 if share > r or (share == r and half > np.floor(half)) else 0.0
    return min(max((below + up) * ulp, -largest), largest)


@scalar
def binade(a):
    """Largest power of two up to a, between 2**-64 and 1/2."""
    q = 0.5
    if a < 2.3283064365386963e-10:
        a, q = a * 4294967296.0, q * 2.3283064365386963e-10
    if a < 0.0000152587890625:
        a, q = a * 65536.0, q * 0.0000152587890625
    if a < 0.00390625:
        a, q = a * 256.0, q * 0.00390625
    if a < 0.0625:
        a, q = a * 16.0, q * 0.0625
    if a < 0.25:
        a, q = a * 4.0, q * 0.25
    return q * 0.5 if a < 0.5 else q
