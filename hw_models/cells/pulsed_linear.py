"""Pulsed cells whose step is constant or falls linearly: n pulses in closed form."""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

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
    linear_train,
    manufacture,
    pulses,
    settle,
    within,
)
from hw_models.parts import Range
from hw_models.scalars import exp

Slope = Annotated[float, Range("steps", 0.0, 2.0)]


class ConstantStep(NamedTuple):
    """Device that a pulse moves by the same step everywhere between its bounds.

    ``w <- clip(w +- step * (1 + cycle_noise * n), low, high)`` a pulse; the steps and the bounds differ from device to device.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse, up or down, at w = 0.
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
    cycle_noise : float, steps
        Standard deviation of one step from pulse to pulse; n pulses together have sqrt(n) of it.
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
    Gokmen & Vlasov 2016, doi:10.3389/fnins.2016.00333.
    """

    step: Step = 0.002
    step_spread: Spread = 0.1
    asymmetry: Shift = 0.0
    asymmetry_spread: Spread = 0.01
    high: Upper = 1.0
    high_spread: Spread = 0.1
    low: Lower = -1.0
    low_spread: Spread = 0.1
    cycle_noise: Cycle = 0.3
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
        n = pulses(self, dw, u[0])
        step = s.up if dw > 0.0 else -s.down
        moved = step * (n + self.cycle_noise * np.sqrt(n) * u[1])
        w, hit = settle(self, s.w, s.low, s.high, dw, moved, n)
        return Device(w, s.up, s.down, s.high, s.low), hit


class SlopedDevice(NamedTuple):
    """One device whose step falls linearly: what one unit of w takes from it, and how fast it leaks."""

    w: Conductance
    up: Conductance
    down: Conductance
    high: Conductance
    low: Conductance
    up_slope: Conductance
    down_slope: Conductance
    leak: Conductance


class LinearStep(NamedTuple):
    """Device whose step falls linearly towards the bound that it is driven to.

    A pulse up moves by ``up * (1 - up_slope * w / high + cycle_noise * n)``, one down by ``-down * (1 - down_slope * w / low +
    cycle_noise * n)`` (additive noise), with the mean bounds in the slope and the device's own as limits. Multiplicative noise is
    ``up * (1 - up_slope * w / high) * (1 + cycle_noise * n)``; that of n pulses is taken at their mean step.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse, up or down, at w = 0.
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
    up_slope : float, steps
        What a pulse up has lost at the mean upper bound.
    down_slope : float, steps
        What a pulse down has lost at the mean lower bound.
    slope_spread : float, steps
        Standard deviation of both slopes from device to device.
    cycle_noise : float, steps
        Standard deviation of one step from pulse to pulse.
    noise : "additive" or "multiplicative"
        Whether that noise is as large everywhere, or in proportion to the step.
    stuck : float, share of devices
        Devices that no pulse moves, anywhere between their bounds.
    longest : int, pulse
        Most pulses that one write delivers.
    update : "pulses" or "exact"
        Open-loop pulses, or closed-loop programming that ends where it was asked to.
    leak : float, 1/s
        Rate at which a device of mean lifetime decays to 0.
    leak_spread : float, share
        Standard deviation of the lifetime from device to device.
    diffusion : float, share of full scale per sqrt(s)
        Random walk of a device with time.

    References
    ----------
    Rasch et al. 2021, "A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar arrays",
    doi:10.1109/AICAS51828.2021.9458494.
    """

    step: Step = 0.002
    step_spread: Spread = 0.1
    asymmetry: Shift = 0.0
    asymmetry_spread: Spread = 0.01
    high: Upper = 1.0
    high_spread: Spread = 0.05
    low: Lower = -1.0
    low_spread: Spread = 0.05
    up_slope: Slope = 0.3
    down_slope: Slope = 0.3
    slope_spread: Spread = 0.05
    cycle_noise: Cycle = 0.3
    noise: Literal["additive", "multiplicative"] = "additive"
    stuck: Share = 0.0
    longest: Pulses = 31
    update: Update = "pulses"
    leak: Leak = 0.0
    leak_spread: Spread = 0.0
    diffusion: Diffusion = 0.0

    State = SlopedDevice
    draws = {"make": pulsed.MAKE + "nnn", "write": "un", "age": "n"}
    bounded = True
    ages = True

    stored_bits = pulsed.conductance
    read = pulsed.read

    def make(self, u):
        up, down, high, low = manufacture(self, 1.0 + self.step_spread * u[0], u)
        up_slope = max(self.up_slope + self.slope_spread * u[6], 0.0) / self.high
        down_slope = max(self.down_slope + self.slope_spread * u[7], 0.0) / self.low
        leak = self.leak / max(1.0 + self.leak_spread * u[8], LEAST)
        return SlopedDevice(within(0.0, low, high), up, down, high, low, up_slope, down_slope, leak)

    def program(self, s, w, now, u):
        return SlopedDevice(within(w, s.low, s.high), s.up, s.down, s.high, s.low, s.up_slope, s.down_slope, s.leak)

    def write(self, s, dw, now, u):
        multiplicative: Any = self.noise
        n = pulses(self, dw, u[0])
        step, slope = s.up if dw > 0.0 else -s.down, s.up_slope if dw > 0.0 else s.down_slope
        moved = linear_train(s.w, step, slope, self.cycle_noise * (1.0 - multiplicative), n, u[1])
        moved = moved * (1.0 + multiplicative * self.cycle_noise * u[1] / np.sqrt(max(n, 1.0)))
        w, hit = settle(self, s.w, s.low, s.high, dw, moved, n)
        return SlopedDevice(w, s.up, s.down, s.high, s.low, s.up_slope, s.down_slope, s.leak), hit

    def age(self, s, then, now, u):
        w = within(after(self, s.w, s.leak, then, now, u[0]), s.low, s.high)
        return SlopedDevice(w, s.up, s.down, s.high, s.low, s.up_slope, s.down_slope, s.leak)


class SoftBounds(NamedTuple):
    """Device whose step falls linearly to nothing at its own bounds, so that it comes near them and stays within.

    A pulse up moves by ``up * (1 - w / high + cycle_noise * n)``, one down by ``-down * (1 - w / low + cycle_noise * n)``; n pulses
    without noise give ``w <- high - (high - w) * (1 - up / high)**n``. Up and down balance at the symmetry point,
    ``(up - down) / (up / high - down / low)``.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse, up or down, at w = 0.
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
    cycle_noise : float, steps
        Standard deviation of one step from pulse to pulse.
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
    Fusi & Abbott 2007, "Limits on the memory storage capacity of bounded synapses", doi:10.1038/nn1859.
    """

    step: Step = 0.002
    step_spread: Spread = 0.1
    asymmetry: Shift = 0.0
    asymmetry_spread: Spread = 0.01
    high: Upper = 1.0
    high_spread: Spread = 0.1
    low: Lower = -1.0
    low_spread: Spread = 0.1
    cycle_noise: Cycle = 0.3
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
        n = pulses(self, dw, u[0])
        step, bound = s.up if dw > 0.0 else -s.down, s.high if dw > 0.0 else s.low
        moved = linear_train(s.w, step, 1.0 / bound, self.cycle_noise, n, u[1])
        w, hit = settle(self, s.w, s.low, s.high, dw, moved, n)
        return Device(w, s.up, s.down, s.high, s.low), hit


class ReferencedDevice(NamedTuple):
    """One device with its reference: its own conductance, and the weight that was seen after the last write."""

    g: Conductance
    shown: Conductance
    up: Conductance
    down: Conductance
    high: Conductance
    low: Conductance
    reference: Conductance


class SoftBoundsReference(NamedTuple):
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
    reference : "zero" or "symmetry"
        What the reference is meant to hold: 0, or the device's symmetry point.
    reference_spread : float, share of full scale
        Standard deviation of the reference from device to device.
    cycle_noise : float, steps
        Standard deviation of one step from pulse to pulse.
    write_noise : float, steps
        Standard deviation of the weight that is seen after a write about the conductance's own.
    stuck : float, share of devices
        Devices that no pulse moves, anywhere between their bounds.
    longest : int, pulse
        Most pulses that one write delivers.
    update : "pulses" or "exact"
        Open-loop pulses, or closed-loop programming after which the weight seen is the one asked for.
    leak : float, 1/s
        Rate at which the conductance decays to 0.
    diffusion : float, share of full scale per sqrt(s)
        Random walk of the conductance with time.

    References
    ----------
    Gong, Rasch et al. 2022, "Deep learning acceleration in 14nm CMOS compatible ReRAM array: device, material and algorithm
    co-optimization", IEDM.
    """

    step: Step = 0.02
    step_spread: Spread = 0.3
    law: Literal["normal", "log-normal"] = "normal"
    asymmetry: Shift = 0.0
    asymmetry_spread: Spread = 0.01
    high: Upper = 1.0
    high_spread: Spread = 0.1
    low: Lower = -1.0
    low_spread: Spread = 0.1
    reference: Literal["zero", "symmetry"] = "symmetry"
    reference_spread: Annotated[float, Range("share of full scale", 0.0, 1.0)] = 0.05
    cycle_noise: Cycle = 0.3
    write_noise: Cycle = 1.0
    stuck: Share = 0.0
    longest: Pulses = 31
    update: Update = "pulses"
    leak: Leak = 0.0
    diffusion: Diffusion = 0.0

    State = ReferencedDevice
    draws = {"make": pulsed.MAKE + "n", "write": "unn", "age": "n"}
    bounded = True
    ages = True

    stored_bits = pulsed.conductance

    def make(self, u):
        lognormal: Any = self.law
        symmetric: Any = self.reference
        spread = self.step_spread * u[0]
        up, down, high, low = manufacture(self, exp(spread) if lognormal > 0.5 else 1.0 + spread, u)
        balance = up / high - down / low
        point = symmetric * (up - down) / balance if balance > 0.0 else 0.0  # a stuck device has none
        reference = within(point + self.reference_spread * u[6], low, high)
        g = within(reference, low, high)
        return ReferencedDevice(g, g - reference, up, down, high, low, reference)

    def program(self, s, w, now, u):
        g = within(w + s.reference, s.low, s.high)
        return ReferencedDevice(g, g - s.reference, s.up, s.down, s.high, s.low, s.reference)

    def write(self, s, dw, now, u):
        exact: Any = self.update
        n = pulses(self, dw, u[0])
        step, bound = s.up if dw > 0.0 else -s.down, s.high if dw > 0.0 else s.low
        moved = linear_train(s.g, step, 1.0 / bound, self.cycle_noise, n, u[1])
        g, hit = settle(self, s.g, s.low, s.high, dw, moved, n)
        noise = (1.0 - exact) * self.write_noise * self.step * u[2] if s.high > s.low else 0.0
        shown = g - s.reference + noise if hit > 0.0 else s.shown
        return ReferencedDevice(g, shown, s.up, s.down, s.high, s.low, s.reference), hit

    def read(self, s, u):
        return within(s.shown, -1.0, 1.0)

    def age(self, s, then, now, u):
        g = within(after(self, s.g, self.leak, then, now, u[0]), s.low, s.high)
        return ReferencedDevice(g, s.shown + (g - s.g), s.up, s.down, s.high, s.low, s.reference)
