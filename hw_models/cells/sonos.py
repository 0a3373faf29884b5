"""Charge-trapping memory: programmed to a current, which drifts and spreads over days; every read is noisy."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.cells.programmed import Programmed, Target, Waiting, asked
from hw_models.cells.pulsed import named_tuple
from hw_models.parts import Bits, Range
from hw_models.scalars import power, scalar


class SonosPair(NamedTuple):
    """A differential pair: changes that wait, the weight asked for, how each device came out, when it was programmed, what shows and how noisily."""

    waiting: Waiting
    target: Target
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
def programmed(error, target, z):
    """Current of one cell that was just programmed to this target, nA."""
    # what `current_after` says at 0 s: a compiler may not drop its products with 0, two thirds of a write
    return max(target + error * saturating(19.88665, 176.3115, target) * z, 0.0)


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
def mean_drift(current, t):
    """What currents programmed to this one have gained on average t seconds later, nA."""
    d, x = t / 86400.0, min(current, 1400.0)  # see `Sonos`: beyond, the published polynomials follow no measurement
    one = 5.88902e-11 + x * (-1.07685e-13 + x * (1.17751e-16 + x * (-7.60016e-20 + x * (2.67255e-23 - x * 3.94954e-27))))
    one = 6.83650e-01 + x * (6.51250e-03 + x * (-4.03163e-04 + x * (3.37944e-06 + x * (-1.87435e-08 + x * one))))
    two = 2.36734e-11 + x * (-4.83740e-14 + x * (5.56072e-17 + x * (-3.65397e-20 + x * (1.28405e-23 - x * 1.87450e-27))))
    two = 6.60925e-01 + x * (8.60627e-03 + x * (-1.72936e-04 + x * (7.44096e-07 + x * (-5.94866e-09 + x * two))))
    three = 6.59752e-11 + x * (-1.19499e-13 + x * (1.28435e-16 + x * (-8.11574e-20 + x * (2.78802e-23 - x * 4.02057e-27))))
    three = 1.15821e00 + x * (1.96116e-02 + x * (-4.70807e-04 + x * (3.67510e-06 + x * (-2.08786e-08 + x * three))))
    four = 5.08256e-11 + x * (-1.01251e-13 + x * (1.14633e-16 + x * (-7.46124e-20 + x * (2.60559e-23 - x * 3.78724e-27))))
    four = 8.72216e-01 + x * (1.70926e-02 + x * (-2.23370e-04 + x * (1.57526e-06 + x * (-1.32779e-08 + x * four))))
    five = 3.39044e-11 + x * (-7.53872e-14 + x * (8.98185e-17 + x * (-6.00346e-20 + x * (2.12615e-23 - x * 3.11099e-27))))
    five = 1.15294e00 + x * (1.03149e-02 + x * (-6.05199e-05 + x * (1.76086e-08 + x * (-6.46690e-09 + x * five))))
    gained = one * min(max(d, 0.0), 1.0) + (two - one) * min(max(d - 1.0, 0.0), 1.0) + (three - two) * min(max(d - 2.0, 0.0), 1.0)
    return gained + (four - three) * min(max(d - 3.0, 0.0), 1.0) + (five - four) * min(max(d - 4.0, 0.0), 1.0)


@scalar
def current_after(current, drift, error, z, t):
    """Current of one cell t seconds after it was programmed to this one, nA."""
    mean = max(current + drift * mean_drift(current, t), 0.0)
    return max(mean + error * current_spread(mean, t) * z, 0.0)


@scalar
def read_spread(current):
    """Standard deviation of one read of a current, nA."""
    return saturating(12.58037, 215.36557, current)


@scalar
def shown(full, noise, waiting, target, z_plus, z_minus, since, plus, minus):
    """The pair whose cells have these currents."""
    one, other = read_spread(plus), read_spread(minus)
    seen = min(max((plus - minus) / full, -1.0), 1.0)
    return SonosPair(waiting, target, z_plus, z_minus, since, seen, noise * np.sqrt(one * one + other * other) / full)


@scalar
def placed(full, error, noise, w, z_plus, z_minus, now):
    """The pair after it was programmed for the weight w."""
    plus, minus = programmed(error, full * max(w, 0.0), z_plus), programmed(error, full * max(-w, 0.0), z_minus)
    return shown(full, noise, 0.0, w, z_plus, z_minus, now, plus, minus)


@named_tuple
class Sonos(Programmed):
    """Differential pair of 40 nm SONOS cells whose currents miss their target, drift and spread over days, and are noisy at every read.

    One cell takes a current of ``full max(w, 0)``, the other of ``full max(-w, 0)``. With I a target and n fresh standard normal
    numbers, in nA::

        mean(t)    = max(I + D(I, t), 0)
        current(t) = max(mean(t) + A(t) (1 - exp(-mean(t) / B(t))) z, 0)
        read       = current(t) + 12.58 (1 - exp(-current(t) / 215.4)) n

    z is drawn anew whenever the pair is programmed, so that one cell goes one way. A, B and the mean drift D, one polynomial in I a day,
    were measured at programming, where D is 0, and after 1, 2, 3, 4 and 5 days: linear between these days, held after the last. D is held
    above 1400 nA too: at 1800 nA the polynomials say -3496 nA after one day and -1162 nA after two, which no cell can do. A pair shows
    the difference of its currents over ``full``, cut to -1..1 before the noise of the read.

    Every write programs the pair anew: see `hw_models.cells.programmed`.

    Parameters
    ----------
    full : float, nA
        Current of a full-scale cell; the spread over days was measured up to 1800 nA.
    error : float, times the fit
        Spread of currents; 0 is none, 1 as measured.
    drift : float, times the fit
        Mean drift of currents.
    noise : float, times the fit
        Noise of a read.

    References
    ----------
    Agrawal et al. 2022, IEDM, IEEE 10019564. Xiao et al. 2022, doi:10.1109/TCSI.2021.3134313.
    """

    full: Annotated[float, Range("nA", 0.0, 1800.0, open_low=True)] = 1800.0
    error: Annotated[float, Range("times the fit", 0.0)] = 1.0
    drift: Annotated[float, Range("times the fit", 0.0)] = 1.0
    noise: Annotated[float, Range("times the fit", 0.0)] = 1.0

    State = SonosPair
    draws = {"program": "nn", "write": "nn", "read": "n"}
    ages = True

    def make(self, u):
        return SonosPair(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def program(self, s, w, now, u):
        return placed(self.full, self.error, self.noise, min(max(w, -1.0), 1.0), u[0], u[1], now)

    def write(self, s, dw, now, u):
        w, due, waiting = asked(self, s, dw)
        if due:
            return placed(self.full, self.error, self.noise, w, u[0], u[1], now), 2.0
        return SonosPair(waiting, *s[1:]), 0.0

    def read(self, s, u):
        return s.seen + s.noise * u[0]

    def age(self, s, then, now, u):
        # a function of the time since programming alone: any row of steps ends where one step does
        t = max(now - s.since, 0.0)
        plus = current_after(self.full * max(s.target, 0.0), self.drift, self.error, s.z_plus, t)
        minus = current_after(self.full * max(-s.target, 0.0), self.drift, self.error, s.z_minus, t)
        return shown(self.full, self.noise, s.waiting, s.target, s.z_plus, s.z_minus, s.since, plus, minus)
