"""Charge-trapping memory: programmed to a current, which spreads over days; every read is noisy."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Bits, Range
from hw_models.scalars import power, scalar


class SonosPair(NamedTuple):
    """A differential pair: the weight asked for, how each device came out, when it was programmed, what shows and how noisily."""

    target: Annotated[float, Bits(16)]  #: kept digitally: the programming loop compares the devices with it
    z_plus: Annotated[float, Bits(0)]  #: place of a device in the spread of currents, standard deviations
    z_minus: Annotated[float, Bits(0)]
    since: Annotated[float, Bits(0)]  #: moment of programming, s
    seen: Annotated[float, Bits(0)]  #: mean weight that the array sees
    noise: Annotated[float, Bits(0)]  #: standard deviation of one read of it


@scalar
def saturating(a, b, current):
    """``a (1 - exp(-current / b))``, the form of every spread measured, nA."""
    return a * (1.0 - power(0.36787944117144233, current / b))


@scalar
def current_spread(current, t):
    """Standard deviation of a current around its target, t seconds after programming, nA."""
    d = t / 86400.0
    # the published days one by one, linear between them, held after the last
    a = 19.88665 + 5.70437 * min(max(d, 0.0), 1.0) + 3.13651 * min(max(d - 1.0, 0.0), 1.0) + 2.31565 * min(max(d - 2.0, 0.0), 1.0)
    a = a + 2.71896 * min(max(d - 3.0, 0.0), 1.0) + 0.81695 * min(max(d - 4.0, 0.0), 1.0)
    b = 176.3115 + 10.54394 * min(max(d, 0.0), 1.0) + 6.7129 * min(max(d - 1.0, 0.0), 1.0) + 5.33498 * min(max(d - 2.0, 0.0), 1.0)
    b = b + 5.86691 * min(max(d - 3.0, 0.0), 1.0) + 2.57286 * min(max(d - 4.0, 0.0), 1.0)
    return saturating(a, b, current)


@scalar
def read_spread(current):
    """Standard deviation of one read of a current, nA."""
    return saturating(12.58037, 215.36557, current)


@scalar
def aged(full, error, noise, target, z_plus, z_minus, since, t):
    """The pair t seconds after it was programmed."""
    up, down = full * max(target, 0.0), full * max(-target, 0.0)
    plus = max(up + error * current_spread(up, t) * z_plus, 0.0)
    minus = max(down + error * current_spread(down, t) * z_minus, 0.0)
    one, other = read_spread(plus), read_spread(minus)
    seen = min(max((plus - minus) / full, -1.0), 1.0)
    return SonosPair(target, z_plus, z_minus, since, seen, noise * np.sqrt(one * one + other * other) / full)


class Sonos(NamedTuple):
    """Differential pair of 40 nm SONOS cells whose currents miss their target, spread over days, and are noisy at every read.

    One cell takes a current of ``full max(w, 0)``, the other of ``full max(-w, 0)``. With I a target and n fresh standard normal
    numbers, in nA::

        current(t) = max(I + A(t) (1 - exp(-I / B(t))) z, 0)
        read       = current(t) + 12.58 (1 - exp(-current(t) / 215.4)) n

    z is drawn anew whenever the pair is programmed, so that one cell goes one way. A and B were measured at programming and after 1, 2,
    3, 4 and 5 days: linear between these days, held after the last. A pair shows the difference of its currents over ``full``, cut to
    -1..1 before the noise of the read. The mean drift of the currents is not modelled.

    Every write programs the pair anew, to the target it had plus the change: it costs a full programming error however small the
    change. Therefore changes up to ``deadband`` are swallowed. The target is a digital word beside the pair.

    Parameters
    ----------
    full : float, nA
        Current of a full-scale cell; the spread over days was measured up to 1800 nA.
    deadband : float, share of full scale
        Changes of at most this size are not written.
    error : float, times the fit
        Spread of currents; 0 is none, 1 as measured.
    noise : float, times the fit
        Noise of a read.

    References
    ----------
    Agrawal et al. 2022, IEDM, IEEE 10019564. Xiao et al. 2022, doi:10.1109/TCSI.2021.3134313.
    """

    full: Annotated[float, Range("nA", 0.0, 1800.0, open_low=True)] = 1800.0
    deadband: Annotated[float, Range("share of full scale", 0.0, 1.0)] = 0.05
    error: Annotated[float, Range("times the fit", 0.0)] = 1.0
    noise: Annotated[float, Range("times the fit", 0.0)] = 1.0

    State = SonosPair
    draws = {"program": "nn", "write": "nn", "read": "n"}
    bounded = True
    ages = True

    @property
    def stored_bits(self) -> int:
        """The target: the currents take cells instead of bits."""
        return 16

    def make(self, u):
        return SonosPair(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def program(self, s, w, now, u):
        return aged(self.full, self.error, self.noise, min(max(w, -1.0), 1.0), u[0], u[1], now, 0.0)

    def write(self, s, dw, now, u):
        w = min(max(s.target + dw, -1.0), 1.0)
        if abs(dw) > self.deadband and w != s.target:
            return aged(self.full, self.error, self.noise, w, u[0], u[1], now, 0.0), 2.0
        return s, 0.0

    def read(self, s, u):
        return s.seen + s.noise * u[0]

    def age(self, s, then, now, u):
        # a function of the time since programming alone: any row of steps ends where one step does
        return aged(self.full, self.error, self.noise, s.target, s.z_plus, s.z_minus, s.since, max(now - s.since, 0.0))
