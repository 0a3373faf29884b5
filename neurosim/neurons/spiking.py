"""Spiking neurons: leaky integrate-and-fire, with the constants of one step computed once from times in seconds.

A model as a person writes it holds times; `discrete(step_s)` gives the part that the loop runs. Linear equations are integrated exactly,
so that all that a longer step changes is when spikes are seen, sent and reset; or, to compute what another simulator does, by forward
Euler steps, whose error is of the order of a step over a time constant. What arrives in a step is there from its beginning: a
spike of step t acts from the beginning of step t + 1. With a synaptic time constant it is a jump of the current, which then decays; with
none (0) it is the current itself, held for the step.

A spike is 1 and no spike 0. Potentials have the unit of what arrives, for the resistance of the membrane is part of the weights; the
thresholds are such that a network with Xavier's weights fires when its inputs are of the order of a half.
"""

import functools
import math
from typing import Annotated, Any, Literal, NamedTuple

from hw_models.parts import Bits, InputError, Range
from hw_models.scalars import exp, piece
from neurosim.protocols import Nothing

Seconds = Annotated[float, Range("s", 0.0)]
Share = Annotated[float, Range("share", 0.0, 1.0)]
TimeConstant = Annotated[float, Range("s", 0.0, open_low=True)]
Potential = Annotated[float, Range("unit of the potential")]
Reset = Literal["value", "subtract"]
Integration = Literal["exact", "euler"]
Activity = Literal["current", "membrane", "spikes"]
VALUE, CURRENT = 0, 0  #: positions of the words

Word = Annotated[float, Bits(32)]
Counter = Annotated[float, Bits(16, counts=True)]


def decay(tau: float, step_s: float, integration: Integration = "exact") -> float:
    """What a step leaves of something that decays; nothing if it has no time constant."""
    if integration == "euler" and 0 < tau < step_s:
        raise InputError(f"A forward Euler step of {step_s:g} s is longer than a time constant of {tau:g} s; take a shorter chip.step_s.")
    if tau == 0:
        return 0.0
    return 1 - step_s / tau if integration == "euler" else math.exp(-step_s / tau)


def reach(tau_mem: float, tau_syn: float, step_s: float, integration: Integration = "exact") -> float:
    """How far a unit of current at the beginning of a step moves the membrane by its end: ``tau_mem dv/dt = -v + i, tau_syn di/dt = -i``."""
    if integration == "euler":
        return step_s / tau_mem
    if tau_syn == 0:
        return -math.expm1(-step_s / tau_mem)  # the current is held for the step
    gap = step_s * (1 / tau_syn - 1 / tau_mem)
    return decay(tau_mem, step_s) * step_s / tau_mem * (-math.expm1(-gap) / gap if gap else 1.0)


def steps(seconds: float, step_s: float) -> float:
    """Whole steps of a time."""
    return float(round(seconds / step_s))


@piece
def answer(neuron, s, v, free, threshold, arrived):
    """What becomes of a potential: what is left of it, steps to rest, spike, activity."""
    fired = free and v > threshold
    out = 1.0 if fired else 0.0
    after = neuron.v_reset if neuron.reset == VALUE else v - (neuron.v_threshold - neuron.v_reset)
    rest = neuron.pause if fired else max(s.refractory - 1.0, 0.0)
    return after if fired else v, rest, out, arrived if neuron.activity == CURRENT else v


class Start(NamedTuple):
    """Where the potential of a neuron starts."""

    v: float


@piece
def scattered(neuron, u):
    """From v_leak towards a place of its own between v_reset and v_threshold."""
    return Start(neuron.v_leak + neuron.scatter * (neuron.v_reset + u * (neuron.v_threshold - neuron.v_reset) - neuron.v_leak))


@functools.cache
def with_trace(State) -> Any:
    """A record of the same words and a trace; counters stand last."""
    *words, counter = State.__annotations__.items()
    return NamedTuple(f"Traced{State.__name__}", [*words, ("trace", Word), counter])  # pyright: ignore[reportArgumentType]: pairs of name and type


def traced(cls):
    """The class of the same neurons with a trace of their spikes, for rules to see the difference of: a state that no other needs."""
    start, step, State = piece(cls.start), piece(cls.step), with_trace(cls.State)

    class Traced(cls):
        def start(self, p):
            s = start(self, p)
            return State(*s[:-1], 0.0, s[-1])

        def step(self, p, s, i_in):
            after, out, _ = step(self, p, s, i_in)
            trace = self.filter * s.trace + out
            return State(*after[:-1], trace, after[-1]), out, trace

    Traced.__name__, Traced.__doc__, Traced.State = f"Traced{cls.__name__}", cls.__doc__, State
    return Traced


# ---------------------------------------------------------------- leaky integrate-and-fire


class OneSynapse(NamedTuple):
    """State of a spiking neuron with one synaptic current."""

    v: Word
    i: Word
    refractory: Counter


class DiscreteLIF(NamedTuple):
    """`LIF` in steps."""

    leak: float
    synapse: float
    reach: float
    filter: float
    v_threshold: float
    v_reset: float
    v_leak: float
    scatter: float
    pause: float
    reset: Reset
    activity: Activity

    Params, State = Start, OneSynapse
    draws = {"make": "u"}
    spikes = True

    def make(self, u):
        return scattered(self, u[0])

    def start(self, p):
        return OneSynapse(p.v, 0.0, 0.0)

    def step(self, p, s, i_in):
        i, free = self.synapse * s.i + i_in, s.refractory < 1.0
        v = self.v_leak + self.leak * (s.v - self.v_leak) + self.reach * i if free else s.v
        v, rest, out, activity = answer(self, s, v, free, self.v_threshold, i_in)
        return OneSynapse(v, i, rest), out, activity


TracedLIF = traced(DiscreteLIF)


class LIF(NamedTuple):
    """Leaky integrate-and-fire neuron: ``tau_mem dv/dt = v_leak - v + i``; a spike and a reset where ``v > v_threshold``.

    Parameters
    ----------
    tau_mem : float, s
        Time constant of the membrane.
    tau_syn : float, s
        Time constant of the synaptic current, to which what arrives in a step is added; 0: what arrives is the current, for this step.
    v_threshold : float
        Potential above which the neuron fires.
    v_reset : float
        Potential after a spike.
    v_leak : float
        Potential at which the membrane settles without input; a constant current adds to it.
    scatter : float, share
        Where the membrane starts: 0 is at v_leak, 1 anywhere between v_reset and v_threshold, each neuron at a place of its own.
    refractory : float, s
        How long the potential is held after a spike, rounded to whole steps. (A simulator that counts the step of the spike itself, as
        Brian2 does, must be given one step more for the same train.)
    reset : "value" or "subtract"
        Whether a spike sets the potential to v_reset or takes v_threshold - v_reset off it.
    activity : "current", "membrane" or "spikes"
        What rules see the difference of: what arrives, the potential before the reset, or the trace of the spikes.
    tau_trace : float, s
        Time constant of that trace, to which each spike adds 1. It is a state of neurons with activity "spikes" alone.
    integration : "exact" or "euler"
        How the step is taken; forward Euler is what many tools for gradients do.

    References
    ----------
    Rotter, Diesmann 1999, "Exact digital simulation of time-invariant linear systems with applications to neuronal modeling",
    doi:10.1007/s004220050570.
    """

    tau_mem: TimeConstant = 20e-3
    tau_syn: Seconds = 5e-3
    v_threshold: Potential = 0.15
    v_reset: Potential = 0.0
    v_leak: Potential = 0.0
    scatter: Share = 0.0
    refractory: Seconds = 0.0
    reset: Reset = "value"
    activity: Activity = "current"
    tau_trace: TimeConstant = 20e-3
    integration: Integration = "exact"

    Params, State = Start, OneSynapse
    spikes = True

    def discrete(self, step_s):
        how = self.integration
        return (TracedLIF if self.activity == "spikes" else DiscreteLIF)(
            decay(self.tau_mem, step_s, how), decay(self.tau_syn, step_s, how), reach(self.tau_mem, self.tau_syn, step_s, how),
            decay(self.tau_trace, step_s), self.v_threshold, self.v_reset, self.v_leak, self.scatter, steps(self.refractory, step_s),
            self.reset, self.activity,
        )  # fmt: skip


# ---------------------------------------------------------------- what excites and what inhibits, apart


class TwoSynapses(NamedTuple):
    """State of a spiking neuron whose excitation and inhibition decay apart."""

    v: Word
    excitation: Word
    inhibition: Word
    refractory: Counter


class DiscreteExcInhLIF(NamedTuple):
    """`ExcInhLIF` in steps."""

    leak: float
    excitation: float
    inhibition: float
    reach_exc: float
    reach_inh: float
    filter: float
    v_threshold: float
    v_reset: float
    v_leak: float
    scatter: float
    pause: float
    reset: Reset
    activity: Activity

    Params, State = Start, TwoSynapses
    draws = {"make": "u"}
    spikes = apart = True

    def make(self, u):
        return scattered(self, u[0])

    def start(self, p):
        return TwoSynapses(p.v, 0.0, 0.0, 0.0)

    def step(self, p, s, i_in):
        e, i, free = self.excitation * s.excitation + i_in.excitation, self.inhibition * s.inhibition + i_in.inhibition, s.refractory < 1.0
        v = self.v_leak + self.leak * (s.v - self.v_leak) + (self.reach_exc * e + self.reach_inh * i) if free else s.v
        v, rest, out, activity = answer(self, s, v, free, self.v_threshold, i_in.excitation + i_in.inhibition)
        return TwoSynapses(v, e, i, rest), out, activity


TracedExcInhLIF = traced(DiscreteExcInhLIF)


class ExcInhLIF(NamedTuple):
    """LIF neuron with a synaptic current for what excites and another for what inhibits, each with its time constant.

    Positive products of weight and input excite, negative ones inhibit; the two come down lines of their own. Other fields as in `LIF`.

    Parameters
    ----------
    tau_syn_exc : float, s
        Time constant of the exciting current.
    tau_syn_inh : float, s
        Time constant of the inhibiting current.

    References
    ----------
    Brette et al. 2007, "Simulation of networks of spiking neurons: a review of tools and strategies", doi:10.1007/s10827-007-0038-6:
    benchmark 2 (CUBA).
    """

    tau_mem: TimeConstant = 20e-3
    tau_syn_exc: Seconds = 5e-3
    tau_syn_inh: Seconds = 10e-3
    v_threshold: Potential = 0.15
    v_reset: Potential = 0.0
    v_leak: Potential = 0.0
    scatter: Share = 0.0
    refractory: Seconds = 0.0
    reset: Reset = "value"
    activity: Activity = "current"
    tau_trace: TimeConstant = 20e-3
    integration: Integration = "exact"

    Params, State = Start, TwoSynapses
    spikes = apart = True

    def discrete(self, step_s):
        how = self.integration
        return (TracedExcInhLIF if self.activity == "spikes" else DiscreteExcInhLIF)(
            decay(self.tau_mem, step_s, how), decay(self.tau_syn_exc, step_s, how), decay(self.tau_syn_inh, step_s, how),
            reach(self.tau_mem, self.tau_syn_exc, step_s, how), reach(self.tau_mem, self.tau_syn_inh, step_s, how),
            decay(self.tau_trace, step_s), self.v_threshold, self.v_reset, self.v_leak, self.scatter, steps(self.refractory, step_s),
            self.reset, self.activity,
        )  # fmt: skip


class DiscreteConductanceLIF(NamedTuple):
    """`ConductanceLIF` in steps."""

    rate: float
    excitation: float
    inhibition: float
    e_exc: float
    e_inh: float
    filter: float
    v_threshold: float
    v_reset: float
    v_leak: float
    scatter: float
    pause: float
    reset: Reset
    activity: Activity

    Params, State = Start, TwoSynapses
    draws = {"make": "u"}
    spikes = apart = True

    def make(self, u):
        return scattered(self, u[0])

    def start(self, p):
        return TwoSynapses(p.v, 0.0, 0.0, 0.0)

    def step(self, p, s, i_in):
        e, i, free = self.excitation * s.excitation + i_in.excitation, self.inhibition * s.inhibition - i_in.inhibition, s.refractory < 1.0
        total = 1.0 + e + i
        settled = (self.v_leak + e * self.e_exc + i * self.e_inh) / total
        v = settled + (s.v - settled) * exp(-self.rate * total) if free else s.v
        v, rest, out, activity = answer(self, s, v, free, self.v_threshold, i_in.excitation + i_in.inhibition)
        return TwoSynapses(v, e, i, rest), out, activity


TracedConductanceLIF = traced(DiscreteConductanceLIF)


class ConductanceLIF(NamedTuple):
    """LIF neuron with conductances: ``tau_mem dv/dt = v_leak - v + g_exc (e_exc - v) + g_inh (e_inh - v)``, in units of the leak's.

    Positive products of weight and input add to g_exc, the size of negative ones to g_inh; the two come down lines of their own. Both
    decay exactly; the potential is integrated with the conductances of the beginning of a step. Other fields as in `LIF`.

    Parameters
    ----------
    tau_syn_exc : float, s
        Time constant of g_exc.
    tau_syn_inh : float, s
        Time constant of g_inh.
    e_exc : float
        Potential towards which excitation pulls.
    e_inh : float
        Potential towards which inhibition pulls.

    References
    ----------
    Vogels, Abbott 2005, "Signal propagation and logic gating in networks of integrate-and-fire neurons",
    doi:10.1523/JNEUROSCI.3508-05.2005; the defaults are theirs, with rest at 0 and threshold at 1.
    """

    tau_mem: TimeConstant = 20e-3
    tau_syn_exc: Seconds = 5e-3
    tau_syn_inh: Seconds = 10e-3
    e_exc: Potential = 6.0
    e_inh: Potential = -2.0
    v_threshold: Potential = 1.0
    v_reset: Potential = 0.0
    v_leak: Potential = 0.0
    scatter: Share = 0.0
    refractory: Seconds = 5e-3
    reset: Reset = "value"
    activity: Activity = "current"
    tau_trace: TimeConstant = 20e-3

    Params, State = Start, TwoSynapses
    spikes = apart = True

    def discrete(self, step_s):
        return (TracedConductanceLIF if self.activity == "spikes" else DiscreteConductanceLIF)(
            step_s / self.tau_mem, decay(self.tau_syn_exc, step_s), decay(self.tau_syn_inh, step_s), self.e_exc, self.e_inh,
            decay(self.tau_trace, step_s), self.v_threshold, self.v_reset, self.v_leak, self.scatter, steps(self.refractory, step_s),
            self.reset, self.activity,
        )  # fmt: skip


# ---------------------------------------------------------------- adaptation


class Adaptive(NamedTuple):
    """State of a spiking neuron with an adaptive threshold."""

    v: Word
    i: Word
    adaptation: Word
    refractory: Counter


class DiscreteALIF(NamedTuple):
    """`ALIF` in steps."""

    leak: float
    synapse: float
    reach: float
    recovery: float
    beta: float
    filter: float
    v_threshold: float
    v_reset: float
    v_leak: float
    scatter: float
    pause: float
    reset: Reset
    activity: Activity

    Params, State = Start, Adaptive
    draws = {"make": "u"}
    spikes = True

    def make(self, u):
        return scattered(self, u[0])

    def start(self, p):
        return Adaptive(p.v, 0.0, 0.0, 0.0)

    def step(self, p, s, i_in):
        i, b, free = self.synapse * s.i + i_in, self.recovery * s.adaptation, s.refractory < 1.0
        v = self.v_leak + self.leak * (s.v - self.v_leak) + self.reach * i if free else s.v
        v, rest, out, activity = answer(self, s, v, free, self.v_threshold + self.beta * b, i_in)
        return Adaptive(v, i, b + out, rest), out, activity


TracedALIF = traced(DiscreteALIF)


class ALIF(NamedTuple):
    """LIF neuron whose threshold rises by ``beta_adaptation`` with each spike and falls back with ``tau_adaptation``.

    Other fields as in `LIF`; a reset by subtraction takes the same off the potential however high the threshold was.

    Parameters
    ----------
    beta_adaptation : float
        By how much a spike raises the threshold.
    tau_adaptation : float, s
        Time constant with which the threshold falls back.

    References
    ----------
    Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons", doi:10.1038/s41467-020-17236-y.
    """

    tau_mem: TimeConstant = 20e-3
    tau_syn: Seconds = 5e-3
    beta_adaptation: Annotated[float, Range("unit of the potential", 0.0)] = 0.03
    tau_adaptation: TimeConstant = 200e-3
    v_threshold: Potential = 0.15
    v_reset: Potential = 0.0
    v_leak: Potential = 0.0
    scatter: Share = 0.0
    refractory: Seconds = 0.0
    reset: Reset = "value"
    activity: Activity = "current"
    tau_trace: TimeConstant = 20e-3
    integration: Integration = "exact"

    Params, State = Start, Adaptive
    spikes = True

    def discrete(self, step_s):
        how = self.integration
        return (TracedALIF if self.activity == "spikes" else DiscreteALIF)(
            decay(self.tau_mem, step_s, how), decay(self.tau_syn, step_s, how), reach(self.tau_mem, self.tau_syn, step_s, how),
            decay(self.tau_adaptation, step_s, how), self.beta_adaptation, decay(self.tau_trace, step_s), self.v_threshold, self.v_reset,
            self.v_leak, self.scatter, steps(self.refractory, step_s), self.reset, self.activity,
        )  # fmt: skip


# ---------------------------------------------------------------- readout


class Integrator(NamedTuple):
    """State of a leaky integrator."""

    v: Word
    i: Word


class DiscreteLI(NamedTuple):
    """`LI` in steps."""

    leak: float
    synapse: float
    reach: float

    Params, State = Nothing, Integrator
    draws = {}

    def make(self, u):
        return Nothing()

    def start(self, p):
        return Integrator(0.0, 0.0)

    def step(self, p, s, i_in):
        i = self.synapse * s.i + i_in
        v = self.leak * s.v + self.reach * i
        return Integrator(v, i), v, i_in


class LI(NamedTuple):
    """Leaky integrator, the readout of spiking networks: ``tau_mem dv/dt = -v + i; y = v``. Rules see the difference of what arrives.

    Parameters
    ----------
    tau_mem : float, s
        Time constant of the membrane.
    tau_syn : float, s
        Time constant of the synaptic current, as in `LIF`; 0: what arrives is the current, for this step.
    integration : "exact" or "euler"
        As in `LIF`.
    """

    tau_mem: TimeConstant = 5e-3
    tau_syn: Seconds = 0.0
    integration: Integration = "exact"

    Params, State = Nothing, Integrator

    def discrete(self, step_s):
        how = self.integration
        return DiscreteLI(
            decay(self.tau_mem, step_s, how), decay(self.tau_syn, step_s, how), reach(self.tau_mem, self.tau_syn, step_s, how)
        )
