"""What cells written in pulses share: how a device comes out, how a change becomes pulses, where it ends, how it ages.

A pulse moves a device by a step that depends on where it is, a step model a class: `pulsed_linear` and `pulsed_shaped`. Each is derived
from `Pulsed` and says what it adds: its own fields, what its devices hold, and how far the n pulses of one write move them. In
`pulsed_pair`, two devices make a weight.

A change of dw asks for abs(dw) / step pulses, at most ``longest``. As "pulses", that number is rounded stochastically, floor(. + u): right
on average, and as little spread as whole numbers allow. As "trains", it is the number of coincidences of two stochastic pulse trains of
``longest`` slots, one of the row and one of the column (Gokmen & Vlasov 2016, doi:10.3389/fnins.2016.00333): binomial. All devices of a
row share its train and all of a column the column's, so that their numbers are correlated, wherever a change is what comes from below
times what the neuron knows, as such a scheme needs. Elsewhere every synapse draws a binomial number of its own: with a trace or momentum, by
sign alone, where weights are perturbed, in batches, at the end of a sequence, over sparse wires, and in a matrix that decorrelates. Trains
are not shortened when an update needs fewer slots.

A device may reach beyond full scale; the array reads no more than -1..1 of it. Devices that are stuck have an upper and a lower bound
in the same place and steps of nothing, so that no formula has to ask for them.
"""

import inspect
import re
import types
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, dataclass_transform

import numpy as np

from hw_models.parts import Bits, Range
from hw_models.scalars import exp, scalar

MAKE = "nnnnuu"  #: random numbers that `manufacture` takes: step, asymmetry, upper bound, lower bound, whether stuck, where

LEAST = 0.01  # the smallest bound of a device, as a share of the mean one: a normal spread would let some have none

Conductance = Annotated[float, Bits(0)]  # set by manufacture or by pulses: no memory of its own
Step = Annotated[float, Range("share of full scale", 0.0, 1.0, open_low=True)]
Spread = Annotated[float, Range("share", 0.0, 2.0)]
Shift = Annotated[float, Range("steps", -1.0, 1.0)]
Cycle = Annotated[float, Range("steps", 0.0)]


# ---------------------------------------------------------------- one class from several

T = TypeVar("T")


@dataclass_transform()
def named_tuple(cls: type[T]) -> type[T]:
    """The `NamedTuple` that a class and those it is derived from make together.

    Fields stand in the order in which they first appear; the last default, range and meaning of a field counts. The docstring is the
    class's own with the Parameters of all.
    """
    kinds: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for base in (base for base in reversed(cls.__mro__) if base not in (object, tuple)):
        kinds |= vars(base).get("__annotations__", {})
        defaults = vars(base).get("_field_defaults", vars(base))
        if "chance" in vars(base):
            body.pop("linear", None)  # which was said of the one before
        body |= {name: value for name, value in vars(base).items() if not name.startswith("_") and name not in kinds}
        body |= {name: defaults[name] for name in kinds if name in defaults}
    body |= {"__module__": cls.__module__, "__doc__": documented(cls), "__annotations__": kinds}
    return types.new_class(cls.__name__, (NamedTuple,), {}, lambda space: space.update(body))


def documented(cls: type) -> str:
    """The docstring of a class with the Parameters of those it is derived from."""
    docs = [inspect.cleandoc(base.__doc__ or "") for base in reversed(cls.__mro__)]
    meanings = {found[1]: found[0] for text in docs for found in re.finditer(r"^(\w+) : .*(?:\n    .*)+", text, re.M)}
    if not meanings:
        return docs[-1]
    text, mark, references = docs[-1].partition("\n\nReferences\n")
    text = text.partition("\n\nParameters\n")[0]
    return "\n".join([f"{text}\n\nParameters\n----------", *meanings.values()]) + mark + references


@named_tuple
class Device:
    """One device: where it stands, what a pulse up and a pulse down do at 0, and its own bounds."""

    w: Conductance
    up: Conductance
    down: Conductance
    high: Conductance
    low: Conductance

    made = ("up", "down", "high", "low")


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


# ---------------------------------------------------------------- a change becomes pulses


@scalar
def pulses(cell, dw, u):
    """Pulses that a change of dw becomes, the more the smaller u is: right on average while there are fewer than ``longest``."""
    n = abs(dw) / cell.step
    whole = np.floor(n)  # kept apart from the rest, whose digits it would drown
    rounded = min(whole + (1.0 if u < n - whole else 0.0), cell.longest)
    return coincidences(cell.longest, n / cell.longest, u) if cell.update == 1.0 else rounded


@scalar
def coincidences(slots, p, u):
    """Binomial number of coincidences in up to 31 slots, each of probability p (at most 1): the largest n that is reached with
    a probability above u.

    Exact but for the grid of u, whose steps of 2**-23 leave out what is rarer than that. Above p = 1/2, the slots without a
    coincidence are counted: the probability of none then stays above 2**-31, and no quotient is 0 / 0.
    """
    p = min(p, 1.0)
    rare = min(p, 1.0 - p)
    odds = rare / (1.0 - rare)
    total, share = powers(1.0 - rare, slots)  # share of n of the rarer; first of none
    v = u if p > 0.5 else 1.0 - u
    below, n, k = share, 0.0, 0.0
    for _ in range(31):
        share = share * odds * ((slots - k) / (k + 1.0))
        n, k = n + 1.0 if v > below else n, k + 1.0
        below = below + share
    seldom = max(n, 1.0) if u < rare * total else 0.0  # 1 - u has lost the digits of a small u
    return slots - n if p > 0.5 else seldom


# ---------------------------------------------------------------- n pulses at once


@scalar
def digit(total, power, block, q, n):
    """One binary digit of n in `powers`: block is the sum of 1, 2, 4 ... powers, q the power that one more block brings."""
    half = np.floor(0.5 * n)
    odd = n > 2.0 * half
    return total + power * block if odd else total, power * q if odd else power, block * (1.0 + q), q * q, half


@scalar
def powers(q, n):
    """``1 + q + ... + q**(n - 1)`` and ``q**n`` for a whole n from 0 to 31."""
    total, power, block, q, n = digit(0.0, 1.0, 1.0, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    total, power, block, q, n = digit(total, power, block, q, n)
    return total, power


@scalar
def geometric(q, n):
    """``1 + q + ... + q**(n - 1)``, without the cancellation of (1 - q**n) / (1 - q) near q = 1."""
    return powers(q, n)[0]


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
def settle(cell, s, dw, moved, n):
    """Where a write ends and how many pulses it took; programmed exactly, it is one, however many tries the programmer needs."""
    exact = cell.update > 1.5
    ended = within(s.w + (dw if exact else moved), s.low, s.high)
    return ended, (1.0 if dw != 0.0 else 0.0) if exact else n


@scalar
def write_error(cell, s, normal):
    """What the weight seen after a write is off by; nothing, if the programmer looked, or if the device is stuck."""
    return cell.write_noise * cell.step * normal if cell.update < 1.5 and s.high > s.low else 0.0


# ---------------------------------------------------------------- time


@scalar
def after(cell, s, leak, then, now, normal):
    """A device some time later: ``w * exp(-leak * t) + diffusion * sqrt(t) * n``, within its bounds."""
    t = max(now - then, 0.0)
    return within(s.w * exp(-leak * t) + cell.diffusion * np.sqrt(t) * normal, s.low, s.high)


# ---------------------------------------------------------------- the cells that the others are derived from


@named_tuple
class Written:
    """What is written in pulses.

    Parameters
    ----------
    step : float, share of full scale
        Mean step of one pulse, up or down, at w = 0.
    step_spread : float, share
        Standard deviation of the step from device to device.
    high : float, share of full scale
        Mean upper bound.
    high_spread : float, share
        Standard deviation of the upper bound from device to device.
    cycle_noise : float, steps
        Standard deviation of one step from pulse to pulse.
    longest : int, pulse
        Most pulses that one write delivers.
    update : "pulses", "trains" or "exact"
        Open-loop pulses, their number rounded at random or that of the coincidences of two stochastic trains; or closed-loop programming
        that ends where it was asked to.
    """

    step: Step = 0.002
    step_spread: Spread = 0.1
    high: Annotated[float, Range("share of full scale", 0.1, 2.0)] = 1.0
    high_spread: Spread = 0.1
    cycle_noise: Cycle = 0.3
    longest: Annotated[int, Range("pulse", 1, 31)] = 31  # five binary digits: see `powers`
    update: Literal["pulses", "trains", "exact"] = "pulses"

    forms = "update"
    linear = True
    bounded = True

    @property
    def stored_bits(self) -> int:
        """None: the value is a conductance, and takes a device instead of bits."""
        return 0

    @property
    def most_pulses(self) -> int:
        """That one write gives to the device."""
        return 1 if self.update == "exact" else self.longest

    def slots(self):
        update: Any = self.update
        return self.longest if update == 1.0 else 0.0

    def chance(self, dw):
        update: Any = self.update
        # more than the mean number of pulses, so that no rounding leaves out a cell that `write` would move
        return abs(dw) * (3e38 if update > 1.5 else 1.0001 / self.step)


@named_tuple
class Pulsed(Written):
    """One device that pulses move up and down; how far is left to the cells derived from it.

    Parameters
    ----------
    asymmetry : float, steps
        Above 0, a pulse down is weaker by this share of the mean step; below 0, a pulse up is.
    asymmetry_spread : float, steps
        Standard deviation from device to device of what one direction gains and the other loses.
    low : float, share of full scale
        Mean lower bound.
    low_spread : float, share
        Standard deviation of the lower bound from device to device.
    stuck : float, share of devices
        Devices that no pulse moves, anywhere between their bounds.
    leak : float, 1/s
        Rate at which a device decays to 0.
    diffusion : float, share of full scale per sqrt(s)
        Random walk of a device with time.
    """

    asymmetry: Shift = 0.0
    asymmetry_spread: Spread = 0.01
    low: Annotated[float, Range("share of full scale", -2.0, -0.1)] = -1.0
    low_spread: Spread = 0.1
    stuck: Annotated[float, Range("share of devices", 0.0, 1.0)] = 0.0
    leak: Annotated[float, Range("1/s", 0.0)] = 0.0
    diffusion: Annotated[float, Range("share of full scale per sqrt(s)", 0.0)] = 0.0

    State = Device
    draws = {"make": MAKE, "write": "un", "age": "n"}
    ages = True

    def make(self, u):
        up, down, high, low = manufacture(self, 1.0 + self.step_spread * u[0], u)
        return Device(within(0.0, low, high), up, down, high, low)

    def program(self, s, w, now, u):
        return Device(within(w, s.low, s.high), *s[1:])

    def read(self, s, u):
        return within(s.w, -1.0, 1.0)

    def age(self, s, then, now, u):
        return Device(after(self, s, self.leak, then, now, u[0]), *s[1:])
