"""Pulsed cells whose step is a curve: exponential, power, or interpolated in a table.

No closed form exists for n pulses. The step is evaluated twice, at the start and after one pulse; every further pulse is taken to change
the step by the same ratio (`train`): exact for one pulse and for two. On the steepest part of the fitted filamentary memory, 5 pulses
miss the way of 5 single ones by 0.4 % and 31 pulses by 12 %; on a power of 1.5 in steps of 0.004, 31 pulses miss theirs by 0.05 %.
"""

from typing import Annotated, Any, NamedTuple

from hw_models.cells import pulsed
from hw_models.cells.pulsed import (
    LEAST,
    Conductance,
    Cycle,
    Device,
    Diffusion,
    Leak,
    Lower,
    Pulses,
    Share,
    Shift,
    Spread,
    Step,
    Update,
    Upper,
    after,
    manufacture,
    pulses,
    settle,
    train,
    within,
)
from hw_models.parts import Range
from hw_models.scalars import exp, log, scalar

Relative = Annotated[float, Range("share of the step", 0.0)]
Exponent = Annotated[float, Range("", 0.0, 20.0)]
Number = Annotated[float, Range("", -100.0, 100.0)]
Multiple = Annotated[float, Range("steps", 0.0, 100.0)]

ROOM = 30.0  # largest exponent of a step's curve: what lies beyond means nothing, and its sums would overflow


# ---------------------------------------------------------------- the step at w, in units of the device's step


@scalar
def exponential(cell, w, low, high, rising):
    """``max(1 - amplitude * exp(+-gamma * z), 0)`` with ``z = 2 a w / (high - low) + b``: plus in the exponent for pulses up."""
    z = 2.0 * cell.a * w / max(high - low, LEAST) + cell.b
    exponent = cell.up_gamma * z if rising else -cell.down_gamma * z
    amplitude = cell.up_amplitude if rising else cell.down_amplitude
    return max(1.0 - amplitude * exp(within(exponent, -ROOM, ROOM)), 0.0)


@scalar
def power(cell, w, low, high, rising):
    """The share of its range that is left ahead of a device, to the power gamma."""
    left = (high - w if rising else w - low) / max(high - low, LEAST)
    gamma = cell.up_gamma if rising else cell.down_gamma
    return exp(gamma * log(within(left, 9.313225746154785e-10, 1.0))) if left > 0.0 else 0.0


@scalar
def piecewise(cell, w, low, high, rising):
    """Straight lines between five places from the lower bound to the upper one."""
    at = 4.0 * (w - low) / max(high - low, LEAST)
    y0, y1 = cell.up_0 if rising else cell.down_0, cell.up_1 if rising else cell.down_1
    y2, y3 = cell.up_2 if rising else cell.down_2, cell.up_3 if rising else cell.down_3
    y4 = cell.up_4 if rising else cell.down_4
    first, second = y0 + within(at, 0.0, 1.0) * (y1 - y0), within(at - 1.0, 0.0, 1.0) * (y2 - y1)
    third, fourth = within(at - 2.0, 0.0, 1.0) * (y3 - y2), within(at - 3.0, 0.0, 1.0) * (y4 - y3)
    return first + second + third + fourth


# ---------------------------------------------------------------- cells


class ShownDevice(NamedTuple):
    """One device and the weight that was seen after the last write."""

    w: Conductance
    shown: Conductance
    up: Conductance
    down: Conductance
    high: Conductance
    low: Conductance


class ExponentialStep(NamedTuple):
    """Device whose step changes exponentially along its range, as filamentary oxide memories do.

    A pulse up moves by ``up * y * (1 + cycle_noise * n)`` with ``y = max(1 - up_amplitude * exp(up_gamma * z), 0)``, one down by ``-down``
    times the same with ``down_amplitude`` and ``-down_gamma``; ``z = 2 a w / (high - low) + b`` with the device's bounds. What is seen is
    ``w + write_noise * step * n``, drawn anew at every write; the conductance behind it is not.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse where the exponential is nothing.
    step_spread : float, share
        Standard deviation of the step from device to device.
    asymmetry : float, steps
        Above 0, a pulse down is weaker by this share of the mean step; below 0, a pulse up is.
    asymmetry_spread : float, steps
        Standard deviation from device to device of what one direction gains and the other loses.
    high : float, share of full scale
        Mean upper bound.
    high_spread : float, share
        Standard deviation of the upper bound from device to device.
    low : float, share of full scale
        Mean lower bound.
    low_spread : float, share
        Standard deviation of the lower bound from device to device.
    a : float
        Scale of the place in the exponent.
    b : float
        Shift of the place in the exponent.
    up_gamma : float
        Steepness for pulses up.
    down_gamma : float
        Steepness for pulses down.
    up_amplitude : float, steps
        Amplitude for pulses up; below 0, the exponential adds to the step.
    down_amplitude : float, steps
        Amplitude for pulses down.
    cycle_noise : float, share of the step
        Standard deviation of one step from pulse to pulse; n pulses together have sqrt(n) of their mean step's.
    write_noise : float, steps
        Standard deviation of the weight that is seen after a write about the device's own.
    stuck : float, share of devices
        Devices that no pulse moves, anywhere between their bounds.
    longest : int, pulse
        Most pulses that one write delivers.
    update : "pulses" or "exact"
        Open-loop pulses, or closed-loop programming that ends where it was asked to.
    leak : float, 1/s
        Rate at which a device decays to 0.
    diffusion : float, share of full scale per sqrt(s)
        Random walk of a device with time.

    References
    ----------
    Gong et al. 2018, "Signal and noise extraction from analog memory elements for neuromorphic computing", doi:10.1038/s41467-018-04485-1.
    """

    step: Step = 0.002
    step_spread: Spread = 0.1
    asymmetry: Shift = 0.259359
    asymmetry_spread: Spread = 0.01
    high: Upper = 1.0
    high_spread: Spread = 0.1
    low: Lower = -1.0
    low_spread: Spread = 0.1
    a: Number = -0.5
    b: Number = -0.5
    up_gamma: Exponent = 5.0
    down_gamma: Exponent = 5.0
    up_amplitude: Number = -1.18445
    down_amplitude: Number = -0.081404
    cycle_noise: Relative = 0.3
    write_noise: Cycle = 1.0
    stuck: Share = 0.0
    longest: Pulses = 31
    update: Update = "pulses"
    leak: Leak = 0.0
    diffusion: Diffusion = 0.0

    State = ShownDevice
    draws = {"make": pulsed.MAKE, "write": "unn", "age": "n"}
    bounded = True
    ages = True

    stored_bits = pulsed.conductance

    def make(self, u):
        up, down, high, low = manufacture(self, 1.0 + self.step_spread * u[0], u)
        w = within(0.0, low, high)
        return ShownDevice(w, w, up, down, high, low)

    def program(self, s, w, now, u):
        w = within(w, s.low, s.high)
        return ShownDevice(w, w, s.up, s.down, s.high, s.low)

    def write(self, s, dw, now, u):
        exact: Any = self.update
        n, rising = pulses(self, dw, u[0]), dw > 0.0
        step = s.up if rising else -s.down
        first = step * exponential(self, s.w, s.low, s.high, rising)
        second = step * exponential(self, within(s.w + first, s.low, s.high), s.low, s.high, rising)
        w, hit = settle(self, s.w, s.low, s.high, dw, train(first, second, self.cycle_noise, n, u[1]), n)
        noise = (1.0 - exact) * self.write_noise * self.step * u[2] if s.high > s.low else 0.0
        return ShownDevice(w, w + noise if hit > 0.0 else s.shown, s.up, s.down, s.high, s.low), hit

    def read(self, s, u):
        return within(s.shown, -1.0, 1.0)

    def age(self, s, then, now, u):
        w = within(after(self, s.w, self.leak, then, now, u[0]), s.low, s.high)
        return ShownDevice(w, s.shown + (w - s.w), s.up, s.down, s.high, s.low)


class PowerStep(NamedTuple):
    """Device whose step is a power of the range that is left ahead of it.

    A pulse up moves by ``up * ((high - w) / (high - low))**up_gamma * (1 + cycle_noise * n)``, one down by ``-down * ((w - low) /
    (high - low))**down_gamma`` times the same, with the device's own bounds. At gamma = 1 these are soft bounds, at 0 constant steps.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse at the far bound, where the whole range is ahead.
    step_spread : float, share
        Standard deviation of the step from device to device.
    asymmetry : float, steps
        Above 0, a pulse down is weaker by this share of the mean step; below 0, a pulse up is.
    asymmetry_spread : float, steps
        Standard deviation from device to device of what one direction gains and the other loses.
    high : float, share of full scale
        Mean upper bound.
    high_spread : float, share
        Standard deviation of the upper bound from device to device.
    low : float, share of full scale
        Mean lower bound.
    low_spread : float, share
        Standard deviation of the lower bound from device to device.
    up_gamma : float
        Power for pulses up.
    down_gamma : float
        Power for pulses down.
    cycle_noise : float, share of the step
        Standard deviation of one step from pulse to pulse; n pulses together have sqrt(n) of their mean step's.
    stuck : float, share of devices
        Devices that no pulse moves, anywhere between their bounds.
    longest : int, pulse
        Most pulses that one write delivers.
    update : "pulses" or "exact"
        Open-loop pulses, or closed-loop programming that ends where it was asked to.
    leak : float, 1/s
        Rate at which a device decays to 0.
    diffusion : float, share of full scale per sqrt(s)
        Random walk of a device with time.
    """

    step: Step = 0.004
    step_spread: Spread = 0.1
    asymmetry: Shift = 0.0
    asymmetry_spread: Spread = 0.01
    high: Upper = 1.0
    high_spread: Spread = 0.1
    low: Lower = -1.0
    low_spread: Spread = 0.1
    up_gamma: Exponent = 1.5
    down_gamma: Exponent = 1.5
    cycle_noise: Relative = 0.3
    stuck: Share = 0.0
    longest: Pulses = 31
    update: Update = "pulses"
    leak: Leak = 0.0
    diffusion: Diffusion = 0.0

    State = Device
    draws = {"make": pulsed.MAKE, "write": "un", "age": "n"}
    bounded = True
    ages = True

    stored_bits = pulsed.conductance
    make, program, read, age = pulsed.make, pulsed.program, pulsed.read, pulsed.age

    def write(self, s, dw, now, u):
        n, rising = pulses(self, dw, u[0]), dw > 0.0
        step = s.up if rising else -s.down
        first = step * power(self, s.w, s.low, s.high, rising)
        second = step * power(self, within(s.w + first, s.low, s.high), s.low, s.high, rising)
        w, hit = settle(self, s.w, s.low, s.high, dw, train(first, second, self.cycle_noise, n, u[1]), n)
        return Device(w, s.up, s.down, s.high, s.low), hit


class PiecewiseStep(NamedTuple):
    """Device whose step is interpolated in a table of five places from its lower bound to its upper one, as measured curves are given.

    A pulse up moves by ``up * y(w) * (1 + cycle_noise * n)`` with y on straight lines through ``up_0`` (at the lower bound) to ``up_4`` (at
    the upper one), equally spaced; one down by ``-down`` times the same through ``down_0`` to ``down_4``.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse where the table says 1.
    step_spread : float, share
        Standard deviation of the step from device to device.
    asymmetry : float, steps
        Above 0, a pulse down is weaker by this share of the mean step; below 0, a pulse up is.
    asymmetry_spread : float, steps
        Standard deviation from device to device of what one direction gains and the other loses.
    high : float, share of full scale
        Mean upper bound.
    high_spread : float, share
        Standard deviation of the upper bound from device to device.
    low : float, share of full scale
        Mean lower bound.
    low_spread : float, share
        Standard deviation of the lower bound from device to device.
    up_0 : float, steps
        Step of a pulse up at the lower bound.
    up_1 : float, steps
        Step of a pulse up at a quarter of the range.
    up_2 : float, steps
        Step of a pulse up at the middle.
    up_3 : float, steps
        Step of a pulse up at three quarters of the range.
    up_4 : float, steps
        Step of a pulse up at the upper bound.
    down_0 : float, steps
        Step of a pulse down at the lower bound.
    down_1 : float, steps
        Step of a pulse down at a quarter of the range.
    down_2 : float, steps
        Step of a pulse down at the middle.
    down_3 : float, steps
        Step of a pulse down at three quarters of the range.
    down_4 : float, steps
        Step of a pulse down at the upper bound.
    cycle_noise : float, share of the step
        Standard deviation of one step from pulse to pulse; n pulses together have sqrt(n) of their mean step's.
    stuck : float, share of devices
        Devices that no pulse moves, anywhere between their bounds.
    longest : int, pulse
        Most pulses that one write delivers.
    update : "pulses" or "exact"
        Open-loop pulses, or closed-loop programming that ends where it was asked to.
    leak : float, 1/s
        Rate at which a device decays to 0.
    diffusion : float, share of full scale per sqrt(s)
        Random walk of a device with time.
    """

    step: Step = 0.002
    step_spread: Spread = 0.1
    asymmetry: Shift = 0.0
    asymmetry_spread: Spread = 0.01
    high: Upper = 1.0
    high_spread: Spread = 0.1
    low: Lower = -1.0
    low_spread: Spread = 0.1
    up_0: Multiple = 1.5
    up_1: Multiple = 1.25
    up_2: Multiple = 1.0
    up_3: Multiple = 0.75
    up_4: Multiple = 0.5
    down_0: Multiple = 0.5
    down_1: Multiple = 0.75
    down_2: Multiple = 1.0
    down_3: Multiple = 1.25
    down_4: Multiple = 1.5
    cycle_noise: Relative = 0.3
    stuck: Share = 0.0
    longest: Pulses = 31
    update: Update = "pulses"
    leak: Leak = 0.0
    diffusion: Diffusion = 0.0

    State = Device
    draws = {"make": pulsed.MAKE, "write": "un", "age": "n"}
    bounded = True
    ages = True

    stored_bits = pulsed.conductance
    make, program, read, age = pulsed.make, pulsed.program, pulsed.read, pulsed.age

    def write(self, s, dw, now, u):
        n, rising = pulses(self, dw, u[0]), dw > 0.0
        step = s.up if rising else -s.down
        first = step * piecewise(self, s.w, s.low, s.high, rising)
        second = step * piecewise(self, within(s.w + first, s.low, s.high), s.low, s.high, rising)
        w, hit = settle(self, s.w, s.low, s.high, dw, train(first, second, self.cycle_noise, n, u[1]), n)
        return Device(w, s.up, s.down, s.high, s.low), hit
