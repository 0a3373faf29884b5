"""Neuron circuits: how a chip carries out what a neuron model says, with its number format, its rails and its mismatch."""

from typing import Annotated, NamedTuple

from hw_models.converters import quantise, saturates
from hw_models.parts import Range


class IdealCircuit(NamedTuple):
    """Computes as the neuron model says, in the run's floating point."""

    draws = {}


class FixedPointCircuit(NamedTuple):
    """Digital neuron: current, state and output are signed fixed-point numbers that round to nearest and saturate.

    ``x <- clip(floor(x / lsb + 1/2) * lsb, -limit, limit - lsb)`` with lsb = limit / 2**(bits - 1), two's complement. What lies more than
    half a step beyond the ends is counted as saturated.

    Parameters
    ----------
    bits : int, bit
        Width of each number, sign included.
    limit : float, unit of the current
        Largest magnitude that is held.
    """

    bits: Annotated[int, Range("bit", 2, 24)] = 16
    limit: Annotated[float, Range("unit of the current", 0.0, open_low=True)] = 8.0

    draws = {}

    def hold(self, x):
        return quantise(x, self.bits, self.limit, 0.0, 0.5)

    def clips(self, x):
        return saturates(x, self.bits, self.limit, 0.0)


class Mismatch(NamedTuple):
    """How one analog neuron differs from the model, set by manufacture."""

    gain: float
    offset: float
    pace: float


class AnalogCircuit(NamedTuple):
    """Analog neuron: transistors that do not match, and rails.

    Of each neuron the current is ``gain * i + offset``, and its state moves by ``pace`` times the change that the model makes: a leak
    that is faster or slower. With n standard normal, fixed for each neuron and for each of the three, gain and pace are
    ``max(1 + spread * n, 0)`` and the offset is ``spread * n``. Current, state and output end at the rails, ``-limit`` and ``limit``.

    Parameters
    ----------
    gain_spread : float, share
        Standard deviation of the gain from neuron to neuron.
    offset_spread : float, unit of the current
        Standard deviation of the offset; that of a threshold, with its sign turned round.
    leak_spread : float, share
        Standard deviation of the pace; a neuron without state has no leak.
    limit : float, unit of the current
        Where the rails are.
    """

    gain_spread: Annotated[float, Range("share", 0.0, 1.0)] = 0.1
    offset_spread: Annotated[float, Range("unit of the current", 0.0)] = 0.1
    leak_spread: Annotated[float, Range("share", 0.0, 1.0)] = 0.1
    limit: Annotated[float, Range("unit of the current", 0.0, open_low=True)] = 8.0

    Params = Mismatch
    draws = {"make": "nnn"}

    def make(self, u):
        gain, pace = max(1.0 + self.gain_spread * u[0], 0.0), max(1.0 + self.leak_spread * u[2], 0.0)
        return Mismatch(gain, self.offset_spread * u[1], pace)

    def enter(self, p, x):
        return p.gain * x + p.offset

    def pace(self, p):
        return p.pace

    def hold(self, x):
        return min(max(x, -self.limit), self.limit)

    def clips(self, x):
        return 1.0 if abs(x) > self.limit else 0.0


ALL_CIRCUITS = {"ideal": IdealCircuit, "fixed-point": FixedPointCircuit, "analog": AnalogCircuit}
