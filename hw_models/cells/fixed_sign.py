"""Few-bit magnitude whose sign is set when it is programmed, as in ODIN."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Bits, Range


class Magnitude(NamedTuple):
    """A level, 0 to 2**bits - 1 (its width is the cell's ``bits``), and the sign it is read with, -1 or 1."""

    level: Annotated[float, Bits(8)]
    sign: Annotated[float, Bits(1)]


class FixedSign(NamedTuple):
    """Unsigned memory of 2**bits levels from 0 to full scale; a weight stays excitatory or inhibitory, as it was programmed.

    ``m <- clip(m + sign(sign * dw))`` with probability p = min(1, abs(dw) / lsb), else m stays; it is read as ``sign * m * lsb`` with
    lsb = 1 / (2**bits - 1). A change of up to one level is right on average, a larger one is cut to one level, and one past zero stops
    there. ODIN keeps one sign for all synapses that leave a neuron and steps by one level whenever its own rule says so; here every
    synapse has its sign, and the probability carries the size of a change.

    Parameters
    ----------
    bits : int, bit
        Width of a stored magnitude; the sign takes one bit more.

    References
    ----------
    Frenkel et al. 2019, "A 0.086-mm2 12.7-pJ/SOP 64k-Synapse 256-Neuron Online-Learning Digital Spiking Neuromorphic Processor in 28-nm
    CMOS", IEEE TBioCAS 13(1):145-158, doi:10.1109/TBCAS.2018.2880425, arXiv:1804.07858.
    """

    bits: Annotated[int, Range("bit", 1, 8)] = 3

    State = Magnitude
    draws = {"write": "u"}
    bounded = True
    ages = False

    @property
    def stored_bits(self) -> int:
        """Magnitude and sign."""
        return self.bits + 1

    def make(self, u):
        return Magnitude(0.0, 1.0)

    def program(self, s, w, now, u):
        top = 2.0**self.bits - 1.0
        return Magnitude(min(np.floor(abs(w) * top + 0.5), top), -1.0 if w < 0.0 else 1.0)

    def write(self, s, dw, now, u):
        top = 2.0**self.bits - 1.0
        step = (1.0 if s.sign * dw > 0.0 else -1.0) if u[0] < abs(dw) * top else 0.0
        level = min(max(s.level + step, 0.0), top)
        return Magnitude(level, s.sign), 1.0 if level != s.level else 0.0

    def read(self, s, u):
        return s.sign * s.level / (2.0**self.bits - 1.0)
