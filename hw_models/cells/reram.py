"""Filamentary resistive memory: programmed in a closed loop, then it relaxes."""

from typing import Annotated, Literal, NamedTuple

import numpy as np

from hw_models.cells.programmed import Programmed, Target, Waiting, asked
from hw_models.cells.pulsed import named_tuple
from hw_models.parts import Bits, Range
from hw_models.scalars import log, scalar


class ReRAMPair(NamedTuple):
    """A differential pair: changes that wait, the weight asked for, how each device came out, when it was programmed, and what shows."""

    waiting: Waiting
    target: Target
    z_plus: Annotated[float, Bits(0)]  #: place of a device in the spread of conductances, standard deviations
    z_minus: Annotated[float, Bits(0)]
    since: Annotated[float, Bits(0)]  #: moment of programming, s
    seen: Annotated[float, Bits(0)]  #: weight that the array sees


@scalar
def second(r):
    """Standard deviation of a conductance around its target r within a second of programming, times full conductance over 40."""
    return 0.348 + r * (16.030 + r * (-43.853 + r * (45.393 - r * 16.815)))


@scalar
def relaxed_spread(r, t):
    """Standard deviation of a conductance around its target r, t seconds after programming, share of full conductance."""
    day = 0.701 + r * (22.086 + r * (-50.773 + r * (47.095 - r * 16.458)))
    two_days = 0.782 + r * (20.274 + r * (-43.507 + r * (37.062 - r * 11.934)))
    elapsed = -log(1.0 / max(t, 1.0))
    first = min(elapsed / 11.366742954792146, 1.0)  # log(86400)
    then = min(max((elapsed - 11.366742954792146) / 0.6931471805599453, 0.0), 1.0)
    return (second(r) + first * (day - second(r)) + then * (two_days - day)) / 40.0


@scalar
def difference(w, plus, minus, z_plus, z_minus):
    """Weight that a pair asked for w shows, whose devices spread by so much around their targets."""
    return min(max(max(max(w, 0.0) + plus * z_plus, 0.0) - max(max(-w, 0.0) + minus * z_minus, 0.0), -1.0), 1.0)


@scalar
def placed_pair(error, w, z_plus, z_minus, now):
    """The pair after it was programmed for the weight w."""
    # what `relaxed_spread` says at 0 s: a compiler may not drop its products with 0, two thirds of the polynomials
    plus, minus = error * (second(max(w, 0.0)) / 40.0), error * (second(max(-w, 0.0)) / 40.0)
    return ReRAMPair(0.0, w, z_plus, z_minus, now, difference(w, plus, minus, z_plus, z_minus))


@named_tuple
class WanReRAM(Programmed):
    """Differential pair of ReRAM devices as in the NeuRRAM chip, whose conductances spread after programming.

    One device takes ``max(w, 0)`` of full conductance (40 uS), the other ``max(-w, 0)``. With r the target::

        g(t) = max(r + sigma(r, t) z, 0)

    z is drawn anew whenever the pair is programmed, so that one device goes one way. sigma was measured 1 s, 1 day and 2 days after
    programming: between these times it is interpolated in the logarithm of time, outside them it is held, never extrapolated. A pair
    shows ``g_plus - g_minus``, cut to -1..1. Another fit of the same figure gives 1.05 instead of 0.35 uS at r = 0, and 17 % more
    than this one at mid-range after 1 s.

    The noise of a read, about 1 % of full conductance a device, is independent from read to read: give it to the crossbar.

    Every write programs the pair anew: see `hw_models.cells.programmed`.

    Parameters
    ----------
    error : float, times the fit
        Spread of conductances; 0 is none, 1 as measured.

    References
    ----------
    Wan et al. 2022, "A compute-in-memory chip based on resistive random-access memory", doi:10.1038/s41586-022-04992-8.
    """

    error: Annotated[float, Range("times the fit", 0.0)] = 1.0

    State = ReRAMPair
    draws = {"program": "nn", "write": "nn"}
    ages = True

    def make(self, u):
        return ReRAMPair(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def program(self, s, w, now, u):
        return placed_pair(self.error, min(max(w, -1.0), 1.0), u[0], u[1], now)

    def write(self, s, dw, now, u):
        w, due, waiting = asked(self, s, dw)
        if due:
            return placed_pair(self.error, w, u[0], u[1], now), 2.0
        return ReRAMPair(waiting, *s[1:]), 0.0

    def read(self, s, u):
        return s.seen

    def age(self, s, then, now, u):
        # a function of the time since programming alone: any row of steps ends where one step does
        t, up, down = max(now - s.since, 0.0), max(s.target, 0.0), max(-s.target, 0.0)
        plus, minus = self.error * relaxed_spread(up, t), self.error * relaxed_spread(down, t)
        seen = difference(s.target, plus, minus, s.z_plus, s.z_minus)
        return ReRAMPair(s.waiting, s.target, s.z_plus, s.z_minus, s.since, seen)


class HfOxDevice(NamedTuple):
    """One device: changes that wait, the weight asked for, its conductance as programmed, which way it relaxes, when it was programmed, and what shows."""

    waiting: Waiting
    target: Target
    g: Annotated[float, Bits(0)]  #: uS
    z: Annotated[float, Bits(0)]  #: place of the device in the spread of relaxations, standard deviations
    since: Annotated[float, Bits(0)]  #: moment of programming, s
    seen: Annotated[float, Bits(0)]  #: weight that the array sees since the last programming or ageing


@scalar
def placed_spread(acceptance, g):
    """Standard deviation of a conductance around its target g after programming, uS."""
    return 0.00106879 * g + 0.00081107 if acceptance == 0.0 else 0.01129027 * g + 0.01121854


@scalar
def drifted(g, z, t):
    """Conductance t seconds after it was programmed to g, uS."""
    elapsed = -log(1.0 / max(t, 1.0))
    return min(max(g - 0.08900206 * elapsed + (0.04201137 * elapsed + 0.41183342) * z, 9.0), 88.2)


@scalar
def accumulated_noise(g, t):
    """Standard deviation of a conductance of at least 1 uS by the noise since it was programmed t seconds ago, uS."""
    # log((t + t_r) / (2 t_r)) as a sum: the ratio itself is beyond what the logarithm takes
    return 0.0277316483 * 0.4342944819032518 * -log(1.0 / g) * np.sqrt(-log(1.0 / (max(t, 1.0) + 1e-6)) - log(2e-6))


@scalar
def shown(drift, noise, g, z, t, n):
    """Weight that a device shows t seconds after it was programmed to g."""
    level = min(max(g + drift * (drifted(g, z, t) - g), 9.0), 88.2)
    level = min(max(level + noise * accumulated_noise(level, t) * n, 9.0), 88.2)
    return (level - 9.0) / 39.6 - 1.0


@scalar
def placed(acceptance, error, drift, noise, w, now, u):
    """The device after it was programmed for the weight w."""
    target = 9.0 + (w + 1.0) * 39.6
    g = min(max(target + error * placed_spread(acceptance, target) * u[0], 9.0), 88.2)
    return HfOxDevice(0.0, w, g, u[1], now, shown(drift, noise, g, u[1], 0.0, u[2]))


@named_tuple
class HfOxReRAM(Programmed):
    """Single conductive-metal-oxide/HfOx device against a fixed reference, which relaxes and carries 1/f noise.

    A weight of -1 is 9 uS, of +1 88.2 uS. In uS, with n fresh standard normal numbers and z drawn whenever the device is programmed::

        g    <- target + (a target + b) n
        g(t)  = g - 0.0890 log(t) + (0.0420 log(t) + 0.412) z
        seen  = g(t) + 0.0277 log10(g(t)) sqrt(log((t + t_r) / (2 t_r))) n

    with t the seconds since programming, at least 1, and t_r = 1 us; every line is cut to 9..88.2 uS. The noise is what accumulated since
    programming: it is drawn when the device is programmed or ages, not when it is read.

    Every write programs the device anew: see `hw_models.cells.programmed`.

    Parameters
    ----------
    acceptance : "0.2 %" or "2 %"
        How near its target the programming loop accepts a device.
    error : float, times the fit
        Programming error; 0 is none, 1 as measured.
    drift : float, times the fit
        Drift and relaxation.
    noise : float, times the fit
        1/f noise.

    References
    ----------
    Falcone et al. 2025, arXiv:2502.04524. Lombardo et al. 2024 (read noise), doi:10.1109/DRC61706.2024.10643760.
    """

    acceptance: Literal["0.2 %", "2 %"] = "2 %"
    error: Annotated[float, Range("times the fit", 0.0)] = 1.0
    drift: Annotated[float, Range("times the fit", 0.0)] = 1.0
    noise: Annotated[float, Range("times the fit", 0.0)] = 1.0

    State = HfOxDevice
    draws = {"program": "nnn", "write": "nnn", "age": "n"}
    ages = True

    @property
    def most_pulses(self) -> int:
        """That one write takes: there is one device."""
        return 1

    def make(self, u):
        return HfOxDevice(0.0, 0.0, 48.6, 0.0, 0.0, 0.0)

    def program(self, s, w, now, u):
        return placed(self.acceptance, self.error, self.drift, self.noise, min(max(w, -1.0), 1.0), now, u)

    def write(self, s, dw, now, u):
        w, due, waiting = asked(self, s, dw)
        if due:
            return placed(self.acceptance, self.error, self.drift, self.noise, w, now, u), 1.0
        return HfOxDevice(waiting, *s[1:]), 0.0

    def read(self, s, u):
        return s.seen

    def age(self, s, then, now, u):
        # a function of the time since programming alone: any row of steps ends where one step does
        seen = shown(self.drift, self.noise, s.g, s.z, max(now - s.since, 0.0), u[0])
        return HfOxDevice(s.waiting, s.target, s.g, s.z, s.since, seen)
