"""What cells written in pulses share: how a device comes out, how a change becomes pulses, where it ends, how it ages.

A pulse moves a device by a step that depends on where it is, a step model a class: `pulsed_linear` and `pulsed_shaped`. A requested
change of dw is rounded stochastically to n = floor(abs(dw) / step + u) pulses, at most ``longest``: right on average, as coincidences
of stochastic pulse trains are (Gokmen & Vlasov 2016, doi:10.3389/fnins.2016.00333), whose number varies more. The n pulses of one write
are one formula.

A device may reach beyond full scale; the array reads no more than -1..1 of it. Devices that are stuck have an upper and a lower bound
in the same place and steps of nothing, so that no formula has to ask for them.
"""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from hw_models.parts import Bits, Range
from hw_models.scalars import exp, scalar

MAKE = "nnnnuu"  #: random numbers that `manufacture` takes: step, asymmetry, upper bound, lower bound, whether stuck, where

LEAST = 0.01  # the smallest bound of a device, as a share of the mean one: a normal spread would let some have none

Conductance = Annotated[float, Bits(0)]  # set by manufacture or by pulses: no memory of its own
Step = Annotated[float, Range("share of full scale", 0.0, 1.0, open_low=True)]
Spread = Annotated[float, Range("share", 0.0, 2.0)]
Shift = Annotated[float, Range("steps", -1.0, 1.0)]
Upper = Annotated[float, Range("share of full scale", 0.1, 2.0)]
Lower = Annotated[float, Range("share of full scale", -2.0, -0.1)]
Cycle = Annotated[float, Range("steps", 0.0)]
Share = Annotated[float, Range("share of devices", 0.0, 1.0)]
Pulses = Annotated[int, Range("pulse", 1, 31)]  # five binary digits: see `geometric`
Update = Literal["pulses", "exact"]
Leak = Annotated[float, Range("1/s", 0.0)]
Diffusion = Annotated[float, Range("share of full scale per sqrt(s)", 0.0)]

conductance = property(lambda self: 0, doc="None: the value is a conductance, and takes a device instead of bits.")


class Device(NamedTuple):
    """One device: where it stands, what a pulse up and a pulse down do at 0, and its own bounds."""

    w: Conductance
    up: Conductance
    down: Conductance
    high: Conductance
    low: Conductance


# ---------------------------------------------------------------- manufacture


@scalar
def manufacture(cell, gain, u):
    """Steps up and down, upper and lower bound of one device, of a cell with spreads; ``gain`` is the device's share of the mean step.

    ``up = step * abs(gain + rho + min(asymmetry, 0))`` and ``down = step * abs(gain - rho - max(asymmetry, 0))`` with
    rho = asymmetry_spread * n: a constant asymmetry weakens one direction, its spread strengthens one and weakens the other.
    """
    rho = cell.asymmetry_spread * u[1]
    up = cell.step * abs(gain + rho + min(cell.asymmetry, 0.0))
    down = cell.step * abs(gain - rho - max(cell.asymmetry, 0.0))
    high = cell.high * max(1.0 + cell.high_spread * u[2], LEAST)
    low = cell.low * max(1.0 + cell.low_spread * u[3], LEAST)
    place = low + (high - low) * u[5]
    place = place if place != 0.0 else high  # some formulas divide by a bound
    stuck = u[4] < cell.stuck
    return 0.0 if stuck else up, 0.0 if stuck else down, place if stuck else high, place if stuck else low


@scalar
def within(w, low, high):
    """The nearest place that a device can take."""
    return min(max(w, low), high)


# ---------------------------------------------------------------- pulses


@scalar
def pulses(cell, dw, u):
    """Pulses that a change of dw becomes: right on average while there are fewer than ``longest``."""
    return min(np.floor(abs(dw) / cell.step + u), cell.longest)


@scalar
def digit(total, power, block, q, n):
    """One binary digit of n in `geometric`: block is the sum of 1, 2, 4 ... powers, q the power that one more block brings."""
    half = np.floor(0.5 * n)
    odd = n > 2.0 * half
    return total + power * block if odd else total, power * q if odd else power, block * (1.0 + q), q * q, half


@scalar
def geometric(q, n):
    """``1 + q + ... + q**(n - 1)`` for a whole n from 0 to 31, without the cancellation of (1 - q**n) / (1 - q) near q = 1."""
    total, power, block, q, n = digit(0.0, 1.0, 1.0, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    return total


@scalar
def linear_train(w, step, slope, noise, n, normal):
    """Change by n pulses of ``step * (1 - slope * w + noise * normal)``: every pulse shrinks the way left by q = 1 - step * slope.

    The noise of the n pulses is one normal number of the variance that their sum has, each shrunk by the pulses after it.
    """
    q = min(max(1.0 - step * slope, 0.0), 1.0)  # a step longer than the way left ends on the bound
    return step * ((1.0 - slope * w) * geometric(q, n) + noise * np.sqrt(geometric(q * q, n)) * normal)


@scalar
def train(first, second, noise, n, normal):
    """Change by n pulses whose first two move by ``first`` and ``second``, as if each next one shrank (or grew) in the same ratio.

    Exact for one pulse, for two, and for every linear step. The relative noise of the n pulses adds up as sqrt(n).
    """
    q = min(max(second / first, 0.0), 2.0) if first != 0.0 else 0.0
    return first * geometric(q, n) * (1.0 + noise * normal / np.sqrt(max(n, 1.0)))


@scalar
def settle(cell, w, low, high, dw, moved, n):
    """Where a write ends and how many pulses it took; programmed exactly, it is one, however many tries the programmer needs."""
    exact = cell.update > 0.5
    ended = within(w + (dw if exact else moved), low, high)
    return ended, (1.0 if dw != 0.0 else 0.0) if exact else n


# ---------------------------------------------------------------- time


@scalar
def after(cell, w, leak, then, now, normal):
    """A device some time later: ``w * exp(-leak * t) + diffusion * sqrt(t) * n``, its bounds not yet considered."""
    t = max(now - then, 0.0)
    return w * exp(-leak * t) + cell.diffusion * np.sqrt(t) * normal


# ---------------------------------------------------------------- methods of every cell whose state is a `Device`


def make(self: Any, u):
    up, down, high, low = manufacture(self, 1.0 + self.step_spread * u[0], u)
    return Device(within(0.0, low, high), up, down, high, low)


def program(self: Any, s, w, now, u):
    return Device(within(w, s.low, s.high), s.up, s.down, s.high, s.low)


def read(self: Any, s, u):
    return within(s.w, -1.0, 1.0)


def age(self: Any, s, then, now, u):
    return Device(within(after(self, s.w, self.leak, then, now, u[0]), s.low, s.high), s.up, s.down, s.high, s.low)
