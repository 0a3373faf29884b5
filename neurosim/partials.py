"""What reference gradients ask of a neuron: its step on arrays, and the partial derivatives of that step.

A neuron is a state that moves with the current that arrives, and a function of the state that is sent,

    s(t) = F(s(t-1), i(t));  x(t) = f(s(t))

Its partial derivatives are those of one neuron alone, with the recurrent weights left out: `past` ds_a(t)/ds_b(t-1), `current`
ds_a(t)/di(t) and `sent` dx(t)/ds_b(t); one that is not listed is 0. Back-propagation takes them backward through all neurons, e-prop along each neuron alone.

A spike is a step of the distance u between potential and threshold, which has no derivative. In its place stands a surrogate,

    dx/du = height max(0, 1 - |u| / width) / width,  width = v_threshold - v_reset

and none while a neuron rests. It goes into what the spike does to others and, through an adaptive threshold, to the neuron itself. The jump of
a reset is left out: a potential that is set to v_reset forgets where it was, one that something is taken off does not.

Bellec et al. 2020, doi:10.1038/s41467-020-17236-y, whose height is 0.3; Zenke, Vogels 2021, doi:10.1162/neco_a_01367: without the reset.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError
from neurosim.cast import FloatArray, float_type, lower
from neurosim.neurons import ALIF, LI, LIF, Leaky, Linear, ReLU, Sigmoid, Tanh, discrete
from neurosim.neurons.spiking import VALUE

V, I, B = range(3)  # fields of a state that derivatives are told of: potential, synaptic current, adaptation


class Partials(NamedTuple):
    """Derivatives of one step, numbers or arrays of the shape of the state's, by the positions of its fields."""

    past: dict[tuple[int, int], Any]
    current: dict[int, Any]
    sent: dict[int, Any]


class Dynamics(Protocol):
    """A kind of neuron on arrays of any shape; `linear` if its membrane only filters, with the same numbers for all."""

    linear: bool

    def start(self, shape: tuple[int, ...], dtype: Any) -> Any: ...
    def step(self, s: Any, i: FloatArray) -> Any: ...
    def partials(self, before: Any, after: Any) -> Partials: ...


# ---------------------------------------------------------------- rate neurons


class Rate(NamedTuple):
    """``v <- v + rate (i - v); x = f(v)``, with the derivative of f as a function of the output."""

    activation: Callable
    slope: Callable
    rate: float

    linear = True

    class State(NamedTuple):
        v: FloatArray
        x: FloatArray

    def start(self, shape, dtype):
        return self.State(np.zeros(shape, dtype), np.zeros(shape, dtype))

    def step(self, s, i):
        v = i if self.rate == 1 else s.v + self.rate * (i - s.v)
        return self.State(v, self.activation(v))

    def partials(self, before, after):
        return Partials(_present({(V, V): 1 - self.rate}), {V: self.rate}, {V: self.slope(after.x)})


_TANH = (np.tanh, lambda x: 1 - x * x)
ACTIVATIONS: dict[type, tuple[Callable, Callable]] = {
    Tanh: _TANH,
    ReLU: (lambda v: np.maximum(v, 0), lambda x: (x > 0).astype(x.dtype)),
    Sigmoid: (lambda v: 0.5 + 0.5 * np.tanh(0.5 * v), lambda x: x * (1 - x)),
    Linear: (lambda v: v, np.ones_like),
    Leaky: _TANH,
}


# ---------------------------------------------------------------- spiking neurons


class Spiking(NamedTuple):
    """`LIF` and `ALIF`, to the same spikes as in the loop if what arrives is the same."""

    part: Any  #: in steps
    height: float  #: of the surrogate

    linear = False

    class State(NamedTuple):
        v: FloatArray  #: before a reset
        i: FloatArray
        adaptation: FloatArray  #: before the spike of this step
        rest: FloatArray  #: steps before it is free
        fired: NDArray[np.bool_]
        x: FloatArray

    def start(self, shape, dtype):
        zero = np.zeros(shape, dtype)
        return self.State(np.full(shape, self.part.v_leak, dtype), zero, zero, zero, np.zeros(shape, bool), zero)

    @property
    def adapts(self) -> bool:
        return hasattr(self.part, "beta")

    @property
    def width(self) -> float:
        return self.part.v_threshold - self.part.v_reset

    def distance(self, s):
        """From the threshold."""
        return s.v - (self.part.v_threshold + self.part.beta * s.adaptation if self.adapts else self.part.v_threshold)

    def spike(self, u):
        return (u > 0).astype(u.dtype)

    def surrogate(self, u):
        return self.height / self.width * np.maximum(1 - np.abs(u) / self.width, 0)

    def step(self, s, i):
        p = self.part
        v = np.where(s.fired, p.v_reset if p.reset == VALUE else s.v - self.width, s.v)
        rest = np.where(s.fired, p.pause, np.maximum(s.rest - 1, 0))
        free, i = rest < 1, p.synapse * s.i + i
        v = np.where(free, p.v_leak + p.leak * (v - p.v_leak) + p.reach * i, v)
        moved = s._replace(v=v, i=i, adaptation=p.recovery * (s.adaptation + s.x) if self.adapts else s.adaptation, rest=rest)
        u = self.distance(moved)
        return moved._replace(fired=free & (u > 0), x=np.where(free, self.spike(u), 0))

    def partials(self, before, after):
        p, free = self.part, after.rest < 1
        steep, steep_before = (np.where(s.rest < 1, self.surrogate(self.distance(s)), 0) for s in (after, before))
        remembers = np.where(before.fired, 0, 1) if p.reset == VALUE else 1
        past = {
            (V, V): (remembers * np.where(free, p.leak, 1)).astype(after.v.dtype),
            (V, I): np.where(free, p.reach * p.synapse, 0),
            (I, I): p.synapse,
        }
        sent = {V: steep}
        if self.adapts:
            past |= {(B, V): p.recovery * steep_before, (B, B): p.recovery * (1 - p.beta * steep_before)}
            sent[B] = -p.beta * steep
        current = {V: np.where(free, p.reach, 0), I: 1.0}
        if p.synapse == 0:  # the current is what arrives, and leaves nothing behind
            del past[V, I], past[I, I], current[I]
        return Partials(past, current, sent)


class Integrating(NamedTuple):
    """`LI`."""

    part: Any  #: in steps

    linear = True

    class State(NamedTuple):
        v: FloatArray
        i: FloatArray

        @property
        def x(self):
            return self.v

    def start(self, shape, dtype):
        return self.State(np.zeros(shape, dtype), np.zeros(shape, dtype))

    def step(self, s, i):
        i = self.part.synapse * s.i + i
        return self.State(self.part.leak * s.v + self.part.reach * i, i)

    def partials(self, before, after):
        leak, synapse, reach = self.part
        past = {(V, V): leak, (V, I): reach * synapse, (I, I): synapse}
        return Partials(_present(past), {V: reach, I: 1.0} if synapse else {V: reach}, {V: 1.0})


def at_each_step(neuron: Dynamics, states: Any) -> Partials:
    """The partial derivatives of a window's steps, every number as an array of (step, sequence, neuron); its states have that before it in front."""
    before, after = (type(states)(*(a[span] for a in states)) for span in (slice(None, -1), slice(1, None)))
    like = after.x

    def spread(numbers):
        return {place: np.broadcast_to(np.asarray(n, like.dtype), like.shape) for place, n in numbers.items()}

    return Partials(*map(spread, neuron.partials(before, after)))


def traces(neuron) -> int:
    """In how many fields of its state a neuron remembers what a weight did: the words of an eligibility that cannot be shared."""
    return 1 + (getattr(neuron, "tau_syn", 0) > 0) + isinstance(neuron, ALIF)


def _present(numbers):
    return {place: n for place, n in numbers.items() if n != 0}


def dynamics(neuron, step_s: float, height: float, dtype: str = "float64") -> Dynamics:
    """A neuron as gradients see it.

    Parameters
    ----------
    neuron : part
    step_s : float, s
        Length of a step.
    height : float
        Of the surrogate derivative of a spike.
    dtype : "float32" or "float64"
        That constants are rounded to, as in the loop.

    Raises
    ------
    InputError
        If its derivatives are not known.
    """
    kind, part = type(neuron), lower(discrete(neuron, step_s), float_type(dtype))
    if kind in ACTIVATIONS:
        return Rate(*ACTIVATIONS[kind], float(getattr(neuron, "rate", 1.0)))
    if kind is LI:
        return Integrating(part)
    if kind not in (LIF, ALIF):
        known = ", ".join(k.__name__ for k in (*ACTIVATIONS, LIF, ALIF, LI))
        raise InputError(f"No reference gradient is known for the neuron {kind.__name__}; use another rule or one of {known}.")
    if neuron.scatter > 0:
        raise InputError(
            f"Reference gradients start potentials at v_leak, but {kind.__name__}.scatter is {neuron.scatter:g}; set network.neuron.scatter to 0."
        )
    if not neuron.v_threshold > neuron.v_reset:
        raise InputError(
            f"The surrogate derivative of a spike is as wide as {kind.__name__}.v_threshold lies above v_reset, but they are "
            f"{neuron.v_threshold:g} and {neuron.v_reset:g}; raise v_threshold or lower v_reset."
        )
    return Spiking(part, height)
