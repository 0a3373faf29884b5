"""Fixed-point memory that moves by at most one level a write, with a probability, as in ReckOn."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.cells.fixed_point import Word
from hw_models.parts import Range


class SingleStep(NamedTuple):
    """Two's-complement memory of -1 to 1 - lsb in steps of lsb = 2**(1 - bits), written by chance.

    ``w <- clip(w + sign(dw) * lsb)`` with probability p = 2**-right * min(1, 2**left * abs(dw) / lsb), else w stays. Without shifts a
    change of up to one level is right on average, and a larger one is cut to one level. A right shift is a learning rate in the memory;
    a large left shift makes it the sign of the change that counts: every change then lands with probability 2**-right.

    Parameters
    ----------
    bits : int, bit
        Width of a stored weight, sign included.
    left : int, bit
        Shift that makes a write more probable, before the probability saturates at 1.
    right : int, bit
        Shift that makes a write less probable, after the probability has saturated. At 20 one write in a million lands.

    References
    ----------
    Frenkel and Indiveri 2022, "ReckOn: A 28nm Sub-mm2 Task-Agnostic Spiking Recurrent Neural Network Processor Enabling On-Chip Learning
    over Second-Long Timescales", ISSCC, arXiv:2208.09759.
    """

    bits: Annotated[int, Range("bit", 1, 16)] = 8
    left: Annotated[int, Range("bit", 0, 20)] = 0
    right: Annotated[int, Range("bit", 0, 20)] = 0

    State = Word
    draws = {"write": "u"}
    bounded = True
    ages = False

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
        lsb = 2.0 ** (1.0 - self.bits)
        p = min(abs(dw) * 2.0 ** (self.left + self.bits - 1.0), 1.0) * 2.0**-self.right
        step = (lsb if dw > 0.0 else -lsb) if u[0] < p else 0.0
        w = min(max(s.w + step, -1.0), 1.0 - lsb)
        return Word(w), 1.0 if w != s.w else 0.0

    def read(self, s, u):
        return s.w
