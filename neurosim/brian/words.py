"""Neurons and rules in Brian2's own words: one entry each, written from their equations and not from our code."""

from typing import NamedTuple

from hw_models.parts import InputError
from neurosim import neurons
from neurosim.rules import activity_perturbation as anp
from neurosim.rules import node_perturbation as np_
from neurosim.rules import synapse


class Rate(NamedTuple):
    """A rate neuron: how its output x follows from its current h, and how far rounding can take two simulators of it apart."""

    step: tuple[str, ...]  #: statements; numbers of the part stand in braces
    state: tuple[str, ...] = ()
    slope: float = 1.0  #: the most by which a change of the current changes x
    rounding: float = 0.0  #: of x, in machine epsilons: of a function, each library is within 4 of the true value


RATES = {
    neurons.Tanh: Rate(("x = tanh(h)",), rounding=8.0),
    neurons.ReLU: Rate(("x = clip(h, 0, inf)",)),
    neurons.Sigmoid: Rate(("x = 1/(1 + exp(-h))",), slope=0.25, rounding=8.0),
    neurons.Linear: Rate(("x = h",)),
    neurons.Leaky: Rate(("v += {rate}*(h - v)", "x = tanh(v)"), ("v",), rounding=8.0),
}

#: What a neuron makes of its own noise and of the change delta of its current; `energy` is that of its inputs.
SIGNALS = {
    np_.GivenNoise.signal: ("a = noise/(sigma**2*energy)",),
    anp.OverLayer.signal: ("a = delta*{size}/((power + 1e-20)*energy)",),
    anp.OverExpected.signal: ("a = delta/(sigma**2*energy)",),
    anp.OverRunning.signal: (
        "average_power += average*(delta**2 - average_power)",
        "a = delta/(clip(average_power, sigma**2, inf)*energy)",
    ),
}

#: What a synapse does at the end of a step; `pre` is what it saw in this step.
CHANGES = {
    synapse.AtOnce.change: ("w += {lr}*reward_post*{pre}*a_post",),
    synapse.Traced.change: ("eligibility = decay*eligibility + {pre}*a_post", "w += {lr}*reward_post*eligibility"),
    synapse.Sign.change: ("w += {lr}*sign(reward_post*{pre}*a_post)",),
    synapse.SignTraced.change: ("eligibility = decay*eligibility + {pre}*a_post", "w += {lr}*sign(reward_post*eligibility)"),
}


def rate(neuron) -> Rate:
    """The entry of a neuron, with its numbers in place."""
    if type(neuron) not in RATES:
        raise InputError(f"Brian2's words for the neuron {type(neuron).__name__} are not known; known are {_names(RATES)}.")
    entry = RATES[type(neuron)]
    return entry._replace(step=tuple(line.format(**neuron._asdict()) for line in entry.step))


def signal(rule) -> tuple[str, ...]:
    """The entry of a rule's neuron side."""
    return _known(SIGNALS, type(rule).signal, rule)


def change(rule) -> tuple[str, ...]:
    """The entry of a rule's synapse side."""
    return _known(CHANGES, type(rule).change, rule)


def _known(entries, method, rule) -> tuple[str, ...]:
    if method not in entries:
        raise InputError(f"Brian2's words for the rule {type(rule).__name__} are not known; known are np and anp, with traces and signs.")
    return entries[method]


def _names(entries) -> str:
    return ", ".join(kind.__name__ for kind in entries)
