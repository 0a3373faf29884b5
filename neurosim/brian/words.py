"""Neurons and rules in Brian2's own words: one entry each, written from their equations and not from our code."""

import re
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


class Spike(NamedTuple):
    """A neuron in continuous time, spiking or a leaky integrator."""

    equations: tuple[str, ...]  #: the first is that of the membrane v
    arrives: dict[str, str]  #: variables that jump when something arrives, and by what: weight times input stands in braces
    arrived: str  #: what arrived in a step, all in all: what came to a variable has its name and ``_in``
    threshold: str = ""
    reset: str = ""
    pause: int = 0  #: steps for which the membrane is held after a spike
    start: float = 0.0  #: of v
    holds: tuple[str, ...] = ()  #: variables that are what arrived in a step, and do not decay
    method: str = "exact"

    @property
    def state(self) -> list[str]:
        """Variables that one step leaves for the next."""
        return [match[1] for line in self.equations if (match := re.match(r"d(\w+)/dt", line))]


def _synapse(name, tau):
    """A current that decays, or one that is there for a step."""
    return f"d{name}/dt = -{name}/({tau!r}*second) : 1" if tau > 0 else f"{name} : 1"


def _spiking(n, step_s, drive, synapses, arrives, arrived, threshold="v > {v_threshold!r}", more=(), also="", method=None):
    reset = "v = {v_reset!r}" if n.reset == "value" else "v -= {v_threshold!r} - {v_reset!r}"
    return Spike(
        (f"dv/dt = ({n.v_leak!r} - v + {drive})/({n.tau_mem!r}*second) : 1", *(_synapse(*each) for each in synapses.items()), *more),
        arrives, arrived, threshold.format(**n._asdict()), reset.format(**n._asdict()) + also, round(n.refractory / step_s), n.v_leak,
        tuple(name for name, tau in synapses.items() if tau == 0), method or n.integration,
    )  # fmt: skip


def _lif(n, step_s):
    return _spiking(n, step_s, "current", {"current": n.tau_syn}, {"current": "{}"}, "current_in")


def _exc_inh(n, step_s):
    synapses = {"excitation": n.tau_syn_exc, "inhibition": n.tau_syn_inh}
    arrives = {"excitation": "clip({}, 0, inf)", "inhibition": "clip({}, -inf, 0)"}
    return _spiking(n, step_s, "excitation + inhibition", synapses, arrives, "excitation_in + inhibition_in")


def _conductance(n, step_s):
    synapses = {"excitation": n.tau_syn_exc, "inhibition": n.tau_syn_inh}
    arrives = {"excitation": "clip({}, 0, inf)", "inhibition": "-clip({}, -inf, 0)"}
    drive = f"excitation*({n.e_exc!r} - v) + inhibition*({n.e_inh!r} - v)"
    return _spiking(n, step_s, drive, synapses, arrives, "excitation_in - inhibition_in", method="exponential_euler")


def _alif(n, step_s):
    more = (f"dadaptation/dt = -adaptation/({n.tau_adaptation!r}*second) : 1",)
    threshold = "v > {v_threshold!r} + {beta_adaptation!r}*adaptation"
    return _spiking(n, step_s, "current", {"current": n.tau_syn}, {"current": "{}"}, "current_in", threshold, more, "; adaptation += 1")


def _li(n, step_s):
    equations = f"dv/dt = (-v + current)/({n.tau_mem!r}*second) : 1", _synapse("current", n.tau_syn)
    return Spike(equations, {"current": "{}"}, "current_in", holds=() if n.tau_syn > 0 else ("current",), method=n.integration)


SPIKES = {
    neurons.LIF: _lif,
    neurons.ExcInhLIF: _exc_inh,
    neurons.ConductanceLIF: _conductance,
    neurons.ALIF: _alif,
    neurons.LI: _li,
}

#: What a neuron makes of its own noise and of the change delta of its activity; `energy` is that of its inputs.
SIGNALS = {
    np_.GivenNoise.signal: ("a = noise/(sigma**2*energy)",),
    anp.OverLayer.signal: ("a = delta*{size}/((power + 1e-20)*energy)",),
    anp.OverExpected.signal: ("a = delta/(sigma**2*energy)",),
    anp.OverDeviation.signal: ("a = delta/(sigma*energy)",),
    anp.OverRunning.signal: (
        "average_power += average*(delta**2 - average_power)",
        "a = delta/(clip(average_power, sigma**2, inf)*energy)",
    ),
    anp.Bounded.signal: (
        "average_power += average*(delta**2 - average_power)",
        "a = delta/((clip(average_power, delta**2, inf) + 1e-20)*energy)",
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
        where, known = (" behind rate neurons", RATES) if type(neuron) in SPIKES else ("", {**RATES, **SPIKES})
        raise InputError(f"Brian2's words for the neuron {type(neuron).__name__} are not known{where}; known are {_names(known)}.")
    entry = RATES[type(neuron)]
    return entry._replace(step=tuple(line.format(**neuron._asdict()) for line in entry.step))


def spikes(neuron) -> bool:
    """Whether a neuron sends spikes."""
    return getattr(neuron, "spikes", False)


def spike(neuron, step_s: float) -> Spike:
    """The entry of a neuron in continuous time, for steps of `step_s` seconds."""
    if type(neuron) not in SPIKES:
        raise InputError(f"Brian2's words for the neuron {type(neuron).__name__} are not known; known are {_names(SPIKES)}.")
    return SPIKES[type(neuron)](neuron, step_s)


def signal(rule) -> tuple[str, ...]:
    """The entry of a rule's neuron side."""
    return _known(SIGNALS, type(rule).signal, rule)


def change(rule) -> tuple[str, ...]:
    """The entry of a rule's synapse side; at a readout a rule of signs takes none."""
    lines = _known(CHANGES, type(rule).change, rule)
    return lines if getattr(rule, "signed", True) else tuple(line.replace("sign(", "(") for line in lines)


def _known(entries, method, rule) -> tuple[str, ...]:
    if method not in entries:
        raise InputError(f"Brian2's words for the rule {type(rule).__name__} are not known; known are np and anp, with traces and signs.")
    return entries[method]


def _names(entries) -> str:
    return ", ".join(kind.__name__ for kind in entries)
