"""Rate neurons: from the current that arrives to the number that is sent."""

from typing import Annotated, NamedTuple

from hw_models.parts import Bits, Range
from hw_models.scalars import sigmoid, tanh
from neurosim.protocols import Nothing


class Tanh(NamedTuple):
    """``x = tanh(i)``."""

    Params = State = Nothing
    draws = {}

    def make(self, u):
        return Nothing()

    def start(self, p):
        return Nothing()

    def step(self, p, s, i_in):
        return s, tanh(i_in), i_in


class ReLU(NamedTuple):
    """``x = max(i, 0)``."""

    Params = State = Nothing
    draws = {}

    def make(self, u):
        return Nothing()

    def start(self, p):
        return Nothing()

    def step(self, p, s, i_in):
        return s, max(i_in, 0.0), i_in


class Sigmoid(NamedTuple):
    """``x = 1 / (1 + exp(-i))``."""

    Params = State = Nothing
    draws = {}

    def make(self, u):
        return Nothing()

    def start(self, p):
        return Nothing()

    def step(self, p, s, i_in):
        return s, sigmoid(i_in), i_in


class Linear(NamedTuple):
    """``x = i``."""

    Params = State = Nothing
    draws = {}

    def make(self, u):
        return Nothing()

    def start(self, p):
        return Nothing()

    def step(self, p, s, i_in):
        return s, i_in, i_in


class Membrane(NamedTuple):
    """State of a leaky neuron."""

    v: Annotated[float, Bits(32)]


class Leaky(NamedTuple):
    """Leaky rate neuron: ``v <- v + rate * (i - v); x = tanh(v)``.

    Rules see the difference of the current i, so that an update is the gradient with respect to what its own synapse delivers.

    Parameters
    ----------
    rate : float, 1/step
        Share of the gap to its input that the membrane closes in one step; 1 is the tanh neuron.
    """

    rate: Annotated[float, Range("1/step", 0.0, 1.0, open_low=True)] = 0.5

    Params = Nothing
    State = Membrane
    draws = {}

    def make(self, u):
        return Nothing()

    def start(self, p):
        return Membrane(0.0)

    def step(self, p, s, i_in):
        v = s.v + self.rate * (i_in - s.v)
        return Membrane(v), tanh(v), i_in
