"""The reward wire: the one number that learning broadcasts to the whole chip."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Bits, Range
from hw_models.protocols import Nothing
from hw_models.scalars import scalar


class ExactWire(NamedTuple):
    """Delivers every number unchanged and at once."""

    State = Nothing
    draws = {}

    def make(self, u):
        return Nothing()

    def send(self, s, value, u):
        return s, value, True


class Line(NamedTuple):
    """A delay line of eight places: the number sent so many steps ago, and whether there was one."""

    one: Annotated[float, Bits(24)]
    two: Annotated[float, Bits(24)]
    three: Annotated[float, Bits(24)]
    four: Annotated[float, Bits(24)]
    five: Annotated[float, Bits(24)]
    six: Annotated[float, Bits(24)]
    seven: Annotated[float, Bits(24)]
    eight: Annotated[float, Bits(24)]
    sent_one: Annotated[float, Bits(1)]
    sent_two: Annotated[float, Bits(1)]
    sent_three: Annotated[float, Bits(1)]
    sent_four: Annotated[float, Bits(1)]
    sent_five: Annotated[float, Bits(1)]
    sent_six: Annotated[float, Bits(1)]
    sent_seven: Annotated[float, Bits(1)]
    sent_eight: Annotated[float, Bits(1)]


@scalar
def pick(delay, now, one, two, three, four, five, six, seven, eight):
    """One of nine numbers by its age in steps."""
    late = five if delay < 5.5 else (six if delay < 6.5 else (seven if delay < 7.5 else eight))
    early = one if delay < 1.5 else (two if delay < 2.5 else (three if delay < 3.5 else four))
    return now if delay < 0.5 else (early if delay < 4.5 else late)


@scalar
def advance(s, delay, value, sent):
    """One step of a delay line: what enters, what leaves."""
    received = pick(delay, value, s.one, s.two, s.three, s.four, s.five, s.six, s.seven, s.eight)
    valid = pick(delay, sent, s.sent_one, s.sent_two, s.sent_three, s.sent_four, s.sent_five, s.sent_six, s.sent_seven, s.sent_eight)
    moved = Line(
        value, s.one, s.two, s.three, s.four, s.five, s.six, s.seven,
        sent, s.sent_one, s.sent_two, s.sent_three, s.sent_four, s.sent_five, s.sent_six, s.sent_seven,
    )  # fmt: skip
    return moved, received, valid > 0.5


class DigitalWire(NamedTuple):
    """Delivers a signed fixed-point number, perhaps late, disturbed or not at all.

    ``received <- clip(floor((value + noise * n) / lsb + u) * lsb)`` with lsb = limit * 2**(1 - bits), u uniform in (0, 1) (stochastic
    rounding) and n standard normal; larger values saturate.

    Parameters
    ----------
    bits : int, bit
        Width of the broadcast number, sign included.
    limit : float, unit of the loss
        Largest magnitude that can be sent.
    delay : int, step
        The reward of one step is used so many steps later, steps without a reward counted too; what would arrive after the end of a
        sequence is lost. A rule without an eligibility trace then credits what the synapse does when the reward arrives.
    noise : float, unit of the loss
        Standard deviation of what is added to each number before it is rounded.
    lost : float, share of broadcasts
        Probability that a broadcast never arrives.
    """

    bits: Annotated[int, Range("bit", 1, 24)] = 16
    limit: Annotated[float, Range("unit of the loss", 0.0, open_low=True)] = 1.0
    delay: Annotated[int, Range("step", 0, 8)] = 0
    noise: Annotated[float, Range("unit of the loss", 0.0)] = 0.0
    lost: Annotated[float, Range("share of broadcasts", 0.0, 1.0)] = 0.0

    State = Line
    draws = {"send": "unu"}

    def make(self, u):
        return Line(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def send(self, s, value, u):
        lsb = self.limit * 2.0 ** (1.0 - self.bits)
        level = np.floor((value + self.noise * u[1]) / lsb + u[0]) * lsb
        return advance(s, self.delay, min(max(level, -self.limit), self.limit - lsb), 0.0 if u[2] < self.lost else 1.0)

    def wait(self, s):
        return advance(s, self.delay, 0.0, 0.0)


ALL_WIRES = {"exact": ExactWire, "digital": DigitalWire}
