"""Pulsed cells whose step is constant or falls linearly: n pulses in closed form."""

from typing import Annotated, Any, Literal

import numpy as np

from hw_models.cells.pulsed import (
    LEAST,
    MAKE,
    Conductance,
    Cycle,
    Device,
    Pulsed,
    Spread,
    Step,
    after,
    linear_train,
    manufacture,
    named_tuple,
    pulses,
    settle,
    within,
    write_error,
)
from hw_models.parts import Range
from hw_models.scalars import exp, scalar

Slope = Annotated[float, Range("steps", 0.0, 2.0)]


@named_tuple
class ConstantStep(Pulsed):
    """Device that a pulse moves by the same step everywhere between its bounds.

    ``w <- clip(w +- step * (1 + cycle_noise * n), low, high)`` a pulse; the steps and the bounds differ from device to device. The noise
    of n pulses together is sqrt(n) times that of one.

    References
    ----------
    Gokmen & Vlasov 2016, doi:10.3389/fnins.2016.00333.
    """

    def write(self, s, dw, now, u):
        n, step = pulses(self, dw, u[0]), s.up if dw > 0.0 else -s.down
        w, hit = settle(self, s, dw, step * (n + self.cycle_noise * np.sqrt(n) * u[1]), n)
        return Device(w, *s[1:]), hit


@named_tuple
class SlopedDevice(Device):
    """One device whose step falls linearly: what one unit of w takes from it, and how fast it leaks."""

    up_slope: Conductance
    down_slope: Conductance
    leak: Conductance

    made = (*Device.made, "up_slope", "down_slope", "leak")


@named_tuple
class LinearStep(Pulsed):
    """Device whose step falls linearly towards the bound that it is driven to.

    A pulse up moves by ``up * (1 - up_slope * w / high + cycle_noise * n)``, one down by ``-down * (1 - down_slope * w / low +
    cycle_noise * n)`` (additive noise), with the mean bounds in the slope and the device's own as limits. Multiplicative noise is
    ``up * (1 - up_slope * w / high) * (1 + cycle_noise * n)``; that of n pulses is taken at their mean step.

    Parameters
    ----------
    up_slope : float, steps
        What a pulse up has lost at the mean upper bound.
    down_slope : float, steps
        What a pulse down has lost at the mean lower bound.
    slope_spread : float, steps
        Standard deviation of both slopes from device to device.
    noise : "additive" or "multiplicative"
        Whether the noise of a pulse is as large everywhere, or in proportion to the step.
    leak : float, 1/s
        Rate at which a device of mean lifetime decays to 0.
    leak_spread : float, share
        Standard deviation of the lifetime from device to device.

    References
    ----------
    Rasch et al. 2021, "A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar arrays",
    doi:10.1109/AICAS51828.2021.9458494.
    """

    high_spread: Spread = 0.05
    low_spread: Spread = 0.05
    up_slope: Slope = 0.3
    down_slope: Slope = 0.3
    slope_spread: Spread = 0.05
    noise: Literal["additive", "multiplicative"] = "additive"
    leak_spread: Spread = 0.0

    State = SlopedDevice
    draws = {"make": MAKE + "nnn", "write": "un", "age": "n"}

    def make(self, u):
        up, down, high, low = manufacture(self, 1.0 + self.step_spread * u[0], u)
        up_slope = max(self.up_slope + self.slope_spread * u[6], 0.0) / self.high
        down_slope = max(self.down_slope + self.slope_spread * u[7], 0.0) / self.low
        leak = self.leak / max(1.0 + self.leak_spread * u[8], LEAST)
        return SlopedDevice(within(0.0, low, high), up, down, high, low, up_slope, down_slope, leak)

    def program(self, s, w, now, u):
        return SlopedDevice(within(w, s.low, s.high), *s[1:])

    def write(self, s, dw, now, u):
        multiplicative: Any = self.noise
        n, step, slope = pulses(self, dw, u[0]), s.up if dw > 0.0 else -s.down, s.up_slope if dw > 0.0 else s.down_slope
        moved = linear_train(s.w, step, slope, self.cycle_noise * (1.0 - multiplicative), n, u[1])
        moved = moved * (1.0 + multiplicative * self.cycle_noise * u[1] / np.sqrt(max(n, 1.0)))
        w, hit = settle(self, s, dw, moved, n)
        return SlopedDevice(w, *s[1:]), hit

    def age(self, s, then, now, u):
        return SlopedDevice(after(self, s, s.leak, then, now, u[0]), *s[1:])


@scalar
def softly(cell, s, dw, n, normal):
    """Change by n pulses whose step falls to nothing at the device's own bound."""
    step, bound = s.up if dw > 0.0 else -s.down, s.high if dw > 0.0 else s.low
    return linear_train(s.w, step, 1.0 / bound, cell.cycle_noise, n, normal)


@named_tuple
class SoftBounds(Pulsed):
    """Device whose step falls linearly to nothing at its own bounds, so that it comes near them and stays within.

    A pulse up moves by ``up * (1 - w / high + cycle_noise * n)``, one down by ``-down * (1 - w / low + cycle_noise * n)``; n pulses
    without noise give ``w <- high - (high - w) * (1 - up / high)**n``. Up and down balance at the symmetry point,
    ``(up - down) / (up / high - down / low)``.

    References
    ----------
    Fusi & Abbott 2007, "Limits on the memory storage capacity of bounded synapses", doi:10.1038/nn1859.
    """

    def write(self, s, dw, now, u):
        n = pulses(self, dw, u[0])
        w, hit = settle(self, s, dw, softly(self, s, dw, n, u[1]), n)
        return Device(w, *s[1:]), hit


@named_tuple
class ReferencedDevice(Device):
    """One device with its reference, and the weight that was seen after the last write."""

    shown: Conductance
    reference: Conductance

    made = (*Device.made, "reference")


@named_tuple
class SoftBoundsReference(Pulsed):
    """Soft-bounds device read against a reference device that nothing writes: ``w = g - reference + write_noise * step * n``.

    The conductance g moves as in `SoftBounds`, between its own bounds. What is seen is drawn anew at every write, the conductance
    behind it is not. Read against its symmetry point, a device that is driven at random comes to rest at w = 0.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse, up or down, at g = 0 (the median if the law is log-normal).
    step_spread : float, share
        Standard deviation of the step from device to device, of its logarithm if the law is log-normal.
    law : "normal" or "log-normal"
        Distribution of the step over devices.
    reference : "zero" or "symmetry"
        What the reference is meant to hold: 0, or the device's symmetry point.
    reference_spread : float, share of full scale
        Standard deviation of the reference from device to device.
    write_noise : float, steps
        Standard deviation of the weight that is seen after a write about the conductance's own.
    leak : float, 1/s
        Rate at which the conductance decays to 0.

    References
    ----------
    Gong, Rasch et al. 2022, "Deep learning acceleration in 14nm CMOS compatible ReRAM array: device, material and algorithm
    co-optimization", IEDM.
    """

    step: Step = 0.02
    step_spread: Spread = 0.3
    law: Literal["normal", "log-normal"] = "normal"
    reference: Literal["zero", "symmetry"] = "symmetry"
    reference_spread: Annotated[float, Range("share of full scale", 0.0, 1.0)] = 0.05
    write_noise: Cycle = 1.0

    State = ReferencedDevice
    draws = {"make": MAKE + "n", "write": "unn", "age": "n"}

    def make(self, u):
        lognormal: Any = self.law
        symmetric: Any = self.reference
        spread = self.step_spread * u[0]
        up, down, high, low = manufacture(self, exp(spread) if lognormal > 0.5 else 1.0 + spread, u)
        balance = up / high - down / low
        point = symmetric * (up - down) / balance if balance > 0.0 else 0.0  # a stuck device has none
        reference = within(point + self.reference_spread * u[6], low, high)
        w = within(reference, low, high)
        return ReferencedDevice(w, up, down, high, low, w - reference, reference)

    def program(self, s, w, now, u):
        w = within(w + s.reference, s.low, s.high)
        return ReferencedDevice(w, s.up, s.down, s.high, s.low, w - s.reference, s.reference)

    def write(self, s, dw, now, u):
        n = pulses(self, dw, u[0])
        w, hit = settle(self, s, dw, softly(self, s, dw, n, u[1]), n)
        shown = w - s.reference + write_error(self, s, u[2]) if hit > 0.0 else s.shown
        return ReferencedDevice(w, s.up, s.down, s.high, s.low, shown, s.reference), hit

    def read(self, s, u):
        return within(s.shown, -1.0, 1.0)

    def age(self, s, then, now, u):
        w = after(self, s, self.leak, then, now, u[0])
        return ReferencedDevice(w, s.up, s.down, s.high, s.low, s.shown + (w - s.w), s.reference)
