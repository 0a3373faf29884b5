"""Differential pair of devices that pulses can only fill: up pulses go to one device, down pulses to the other."""

from typing import Annotated, Any, NamedTuple

import numpy as np

from hw_models.cells.pulsed import LEAST, Conductance, Spread, Step, Written, named_tuple, pulses, train, within
from hw_models.cells.pulsed_shaped import Exponent, Number, curve
from hw_models.parts import Range
from hw_models.scalars import scalar

Threshold = Annotated[float, Range("share of the mean upper bound", 0.0, 1.0)]
Level = Annotated[float, Range("share of full scale", 0.0, 1.0)]


class Pair(NamedTuple):
    """Two devices: where each stands, what a pulse adds to it where the exponential is nothing, and its upper bound."""

    plus: Conductance
    minus: Conductance
    plus_step: Conductance
    minus_step: Conductance
    plus_high: Conductance
    minus_high: Conductance

    made = ("plus_step", "minus_step", "plus_high", "minus_high")


@scalar
def filling(cell, g, high):
    """What one pulse adds to a conductance of g, in units of the device's step."""
    return curve(cell.amplitude, cell.gamma * (2.0 * cell.a * g / max(high, LEAST) + cell.b))


@scalar
def placed(cell, s, w):
    """The pair after both devices were reset and one of them was programmed to the difference."""
    plus = within(cell.reset + max(w, 0.0), 0.0, s.plus_high)
    minus = within(cell.reset + max(-w, 0.0), 0.0, s.minus_high)
    return Pair(plus, minus, s.plus_step, s.minus_step, s.plus_high, s.minus_high)


@named_tuple
class OneSidedPair(Written):
    """Two devices a weight, ``w = plus - minus``, each between 0 and its bound, where a pulse only adds, as in phase-change memory.

    A change upwards is pulses on the plus device, one downwards is pulses on the minus device. A pulse adds
    ``y + cycle_noise * (y + noise_floor + noise_slope * g) * n`` to the conductance g of its device, with
    ``y = step * max(1 - amplitude * exp(gamma * (2 a g / high + b)), 0)`` and the device's own step and bound; the noise may take
    something away. A change still asks for abs(dw) / step pulses, however much more they move where the exponential is large.

    Every write ends with a look at the pair: if one device is above ``refresh`` and the other above ``refresh_other`` of the mean bound,
    both are reset and the difference is programmed anew, in a closed loop that ends where it was asked to. That is counted as three more
    pulses. (A pair of which only one device is that full has a weight that a reset would not free.) Written exactly, the change of the one
    device ends where it was asked to.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse where the exponential is nothing.
    a : float
        Scale of the place in the exponent.
    b : float
        Shift of the place in the exponent.
    gamma : float
        Steepness.
    amplitude : float, steps
        Amplitude of the exponential; below 0, it adds to the step.
    cycle_noise : float, share
        Standard deviation of one step from pulse to pulse, as a share of the step and what the two fields below add to it; n pulses
        together have sqrt(n) of their mean step's.
    noise_floor : float, share of full scale
        What the noise of a pulse has besides its step.
    noise_slope : float, share of the conductance
        What the noise of a pulse has besides its step where the conductance is large.
    reset : float, share of full scale
        Conductance of a device that was reset.
    refresh : float, share of the mean upper bound
        Above it, the fuller device of a pair asks for a refresh.
    refresh_other : float, share of the mean upper bound
        Above it, the emptier device of a pair agrees to one.

    References
    ----------
    Nandakumar et al. 2020, "Mixed-precision deep learning based on computational memory", doi:10.3389/fnins.2020.00406.
    """

    step: Step = 0.01
    step_spread: Spread = 0.2
    high: Annotated[float, Range("share of full scale", 0.1, 2.0)] = 2.0
    a: Number = -1.0
    b: Number = 0.0
    gamma: Exponent = 2.5
    amplitude: Number = -27.235
    cycle_noise: Spread = 0.6
    noise_floor: Level = 0.042
    noise_slope: Annotated[float, Range("share of the conductance", 0.0)] = 0.108
    reset: Level = 0.01
    refresh: Threshold = 0.75
    refresh_other: Threshold = 0.25

    State = Pair
    draws = {"make": "nnnn", "write": "un"}

    @property
    def most_pulses(self) -> int:
        """That one write gives to the pair, those of a refresh among them."""
        return (1 if self.update == "exact" else self.longest) + 3

    def make(self, u):
        plus_high = self.high * max(1.0 + self.high_spread * u[2], LEAST)
        minus_high = self.high * max(1.0 + self.high_spread * u[3], LEAST)
        plus_step, minus_step = self.step * abs(1.0 + self.step_spread * u[0]), self.step * abs(1.0 + self.step_spread * u[1])
        return placed(self, Pair(0.0, 0.0, plus_step, minus_step, plus_high, minus_high), 0.0)

    def program(self, s, w, now, u):
        return placed(self, s, w)

    def write(self, s, dw, now, u):
        update: Any = self.update
        n, rising, exact = pulses(self, dw, u[0]), dw > 0.0, update > 1.5
        g, step, high = s.plus if rising else s.minus, s.plus_step if rising else s.minus_step, s.plus_high if rising else s.minus_high
        first = step * filling(self, g, high)
        second = step * filling(self, within(g + first, 0.0, high), high)
        mean = train(first, second, 0.0, n, 0.0)
        noise = mean / np.sqrt(max(n, 1.0)) + np.sqrt(n) * (self.noise_floor + self.noise_slope * g)
        ended = within(g + (abs(dw) if exact else mean + self.cycle_noise * noise * u[1]), 0.0, high)
        hit = (1.0 if dw != 0.0 else 0.0) if exact else n
        plus, minus = ended if rising else s.plus, s.minus if rising else ended
        full = max(plus, minus) > self.refresh * self.high and min(plus, minus) > self.refresh_other * self.high
        fresh = placed(self, s, plus - minus)
        again = full and hit > 0.0
        plus, minus = fresh.plus if again else plus, fresh.minus if again else minus
        return Pair(plus, minus, *s[2:]), hit + 3.0 if again else hit

    def read(self, s, u):
        return within(s.plus - s.minus, -1.0, 1.0)
