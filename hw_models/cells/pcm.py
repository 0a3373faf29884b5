"""Phase-change memory: programmed with an error, then it drifts and its noise accumulates."""

from typing import Annotated, Literal, NamedTuple

import numpy as np

from hw_models.cells.programmed import Programmed, Target, Waiting, asked
from hw_models.cells.pulsed import named_tuple
from hw_models.parts import Bits, Range
from hw_models.scalars import log, power, scalar


class PCMPair(NamedTuple):
    """A differential pair: changes that wait, the weight asked for, both conductances as programmed, what sets their drift, when, and what shows."""

    waiting: Waiting
    target: Target
    plus: Annotated[float, Bits(0)]  #: share of full conductance
    minus: Annotated[float, Bits(0)]
    z_plus: Annotated[float, Bits(0)]  #: place of a device's exponent in the spread of exponents, standard deviations
    z_minus: Annotated[float, Bits(0)]
    since: Annotated[float, Bits(0)]  #: moment of programming, s
    seen: Annotated[float, Bits(0)]  #: weight that the array sees since the last programming or ageing

    aside = ("z_plus", "z_minus")


@scalar
def fitted(r, limit, slope, offset, low, high, c0, c1, c2, c3):
    """Logarithm between bounds below a limit, cubic from there on: the form of every fit to HERMES. A limit of 2 is never reached."""
    below = min(max(slope * log(min(max(r, 1e-7), 1.0)) + offset, low), high)
    return below if r < limit else c0 + r * (c1 + r * (c2 + r * c3))


@scalar
def programming_spread(fit, r):
    """Standard deviation of a programmed conductance around its target r, share of full conductance."""
    joshi = (0.26348 + r * (1.9650 - r * 1.1731)) / 25.0
    one = (0.15781817 + r * (2.32443916 + r * (-2.16310839 + r * 0.68841818))) / 10.35
    two = (0.16603222 + r * (4.71806468 + r * (-8.48101252 + r * 4.68961419))) / 20.7
    return joshi if fit == 0.0 else one if fit == 1.0 else two


@scalar
def exponent_mean(fit, r):
    """Mean drift exponent of devices programmed to r."""
    joshi = fitted(r, 2.0, -0.0155, 0.0244, 0.049, 0.1, 0.0, 0.0, 0.0, 0.0)
    return joshi if fit == 0.0 else fitted(r, 0.0945, -0.0387, -0.0182, 0.072, 0.13, 0.0736, -0.0126, -0.0436, 0.0)


@scalar
def exponent_spread(fit, r):
    """Standard deviation of the drift exponent from device to device, for devices programmed to r."""
    joshi = fitted(r, 2.0, -0.0125, -0.0059, 0.008, 0.045, 0.0, 0.0, 0.0, 0.0)
    one = fitted(r, 0.3039, -0.0120, -0.0023, 0.0124, 0.04, 0.0104, 0.0116, -0.0165, 0.0)
    two = fitted(r, 0.3055, -0.0117, -0.0057, 0.0091, 0.04, 0.0073, 0.0093, -0.0118, 0.0)
    return joshi if fit == 0.0 else one if fit == 1.0 else two


@scalar
def noise_strength(fit, g):
    """Strength Q of the 1/f noise of a device programmed to g; no fit is followed beyond full conductance."""
    g = min(g, 1.0)
    joshi = min(0.0088 / max(power(max(g, 1e-7), 0.65), 1e-3), 0.2)
    one = fitted(g, 0.1591, -0.0078, 0.0038, 0.0179, 0.04, 0.0088, 0.0768, -0.1352, 0.0664)
    two = fitted(g, 0.16, -0.0117, -0.0069, 0.015, 0.04, 0.0123, 0.0211, -0.0280, 0.0069)
    return joshi if fit == 0.0 else one if fit == 1.0 else two


@scalar
def decay(fit, nu, t):
    """Share of the programmed conductance left t seconds after programming."""
    t_0 = 20.0 if fit == 0.0 else 200.0 if fit == 1.0 else 300.0
    return power(t_0 / (t + t_0), nu)


@scalar
def accumulated_noise(fit, g, t):
    """Relative standard deviation of a conductance by the 1/f noise since it was programmed to g, t seconds ago."""
    t_0 = 20.0 if fit == 0.0 else 200.0 if fit == 1.0 else 300.0
    t_r = 250e-9 if fit == 0.0 else 512e-9
    # log((t + t_0 + t_r) / (2 t_r)) as a sum: the ratio itself is beyond what the logarithm takes
    return noise_strength(fit, g) * np.sqrt(-log(t_0 / (t + t_0 + t_r)) - log(2.0 * t_r / t_0))


@scalar
def left(fit, drift, r, z, t):
    """Share of its conductance that drift has left a device t seconds after it was programmed for a target of r."""
    return decay(fit, drift * abs(exponent_mean(fit, r) + exponent_spread(fit, r) * z), t)


@scalar
def conductance(fit, noise, g, share, t, n):
    """What a device shows t seconds after it was programmed to g, with the share of it that is left."""
    return max(g * share * (1.0 + noise * accumulated_noise(fit, g, t) * n), 0.0)


@scalar
def visible(fit, noise, plus, minus, share_plus, share_minus, t, n_plus, n_minus):
    """Weight that a pair shows t seconds after programming."""
    up, down = conductance(fit, noise, plus, share_plus, t, n_plus), conductance(fit, noise, minus, share_minus, t, n_minus)
    return min(max(up - down, -1.0), 1.0)


@scalar
def programmed(fit, error, noise, s, w, now, u):
    """The pair after both devices were programmed for the weight w."""
    up, down = max(w, 0.0), max(-w, 0.0)
    plus = max(up + error * programming_spread(fit, up) * u[0], 0.0)
    minus = max(down + error * programming_spread(fit, down) * u[1], 0.0)
    seen = visible(fit, noise, plus, minus, 1.0, 1.0, 0.0, u[2], u[3])  # nothing has drifted yet
    return PCMPair(0.0, w, plus, minus, s.z_plus, s.z_minus, now, seen)


@named_tuple
class PCM(Programmed):
    """Differential pair of phase-change devices that miss their target, drift, and carry 1/f noise.

    Both devices of a pair are programmed together in a closed loop: one takes ``max(w, 0)`` of full conductance, the other
    ``max(-w, 0)``. With r the target and n fresh standard normal numbers, in shares of full conductance::

        g    <- max(r + sigma_prog(r) n, 0)
        g(t)  = max(g ((t + t_0) / t_0)**(-nu) (1 + Q(g) sqrt(log((t + t_0 + t_r) / (2 t_r))) n), 0)

    with t the time since programming and ``nu = |mu(r) + sigma(r) z|``; z belongs to the device and never changes. The noise is what
    accumulated since programming: it is drawn when the pair is programmed or ages, not when it is read (a crossbar's ``read_noise``
    stands for the fast part). A pair shows ``g_plus - g_minus``, cut to -1..1.

    Every write programs the pair anew: see `hw_models.cells.programmed`.

    Parameters
    ----------
    fit : "joshi", "hermes-1" or "hermes-2"
        Which measurement: a million devices of 25 uS (t_0 = 20 s, t_r = 250 ns), or the HERMES chip with one (10.35 uS, 200 s) or two
        devices (20.7 uS, 300 s) a conductance (t_r = 512 ns).
    program_noise : float, times the fit
        Programming error; 0 is none, 1 as measured.
    drift : float, times the fit
        Drift exponents.
    noise : float, times the fit
        1/f noise.

    References
    ----------
    Joshi et al. 2020, "Accurate deep neural network inference using computational phase-change memory", doi:10.1038/s41467-020-16108-9.
    Nandakumar et al. 2019, "Phase-change memory models for deep learning training and inference", doi:10.1109/ICECS46596.2019.8964852.
    Le Gallo et al. 2023, doi:10.1038/s41928-023-01010-1. Vasilopoulos et al. 2023 (two devices), IEEE 10281389.
    """

    fit: Literal["joshi", "hermes-1", "hermes-2"] = "joshi"
    program_noise: Annotated[float, Range("times the fit", 0.0)] = 1.0
    drift: Annotated[float, Range("times the fit", 0.0, 10.0)] = 1.0
    noise: Annotated[float, Range("times the fit", 0.0)] = 1.0

    State = PCMPair
    forms = "fit"
    draws = {"make": "nn", "program": "nnnn", "write": "nnnn", "age": "nn"}
    ages = True

    def make(self, u):
        return PCMPair(0.0, 0.0, 0.0, 0.0, u[0], u[1], 0.0, 0.0)

    def program(self, s, w, now, u):
        return programmed(self.fit, self.program_noise, self.noise, s, min(max(w, -1.0), 1.0), now, u)

    def write(self, s, dw, now, u):
        w, due, waiting = asked(self, s, dw)
        if due:
            return programmed(self.fit, self.program_noise, self.noise, s, w, now, u), 2.0
        return PCMPair(waiting, *s[1:]), 0.0

    def read(self, s, u):
        return s.seen

    def age(self, s, then, now, u):
        # a function of the time since programming alone: any row of steps ends where one step does
        t = max(now - s.since, 0.0)
        plus = left(self.fit, self.drift, max(s.target, 0.0), s.z_plus, t)
        minus = left(self.fit, self.drift, max(-s.target, 0.0), s.z_minus, t)
        seen = visible(self.fit, self.noise, s.plus, s.minus, plus, minus, t, u[0], u[1])
        return PCMPair(s.waiting, s.target, s.plus, s.minus, s.z_plus, s.z_minus, s.since, seen)
