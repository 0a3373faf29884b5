"""How far two correct simulators of one rate network may part: rounding alone, carried through the network.

A sum of n products, added up in float64 in any order, lies within ``n u sum|w||x|`` of the true one, u = eps / 2 (Higham 2002,
doi:10.1137/1.9780898718027, chapter 4). Two simulators' sums of a neuron's one or two projections, and the sum of these, are then within
``4 n eps sum|w||x|`` of each other. What a difference of currents makes of outputs is at most the neuron's `slope` times as much; a function
such as tanh adds 4 machine epsilons for each library.

Over many steps a difference d of a layer's outputs comes back as R d. Its length grows by at most ``slope * |R|``, |R| the largest
singular value: the layer's recurrent gain. Where that is at most 1, differences only add up and bound the whole trajectory. Where it is
larger, two orders of summation alone part exponentially, and steps are compared one by one, each from one common state.

Spiking neurons are compared spike for spike. Rounding enters a synaptic current with every sum and a membrane with every step; both leak,
so that it stays bounded. A spike may come in one simulator alone only where the membrane is closer to the threshold than that; from
there on the two are different networks, and nothing more is judged.
"""

from typing import Any, NamedTuple

import numpy as np

from neurosim import neurons
from neurosim.brian import words

EPS = float(np.finfo(np.float64).eps)


class Measure(NamedTuple):
    """What differences are measured by: neuron by neuron, or by their length in a layer."""

    matrix: Any
    vector: Any  #: of (step, neuron) arrays


EACH = Measure(np.abs, np.abs)
LENGTH = Measure(lambda w: np.full((1, 1), np.linalg.norm(w, 2)), lambda v: np.linalg.norm(v, axis=1, keepdims=True))


def matrices(wires, weights) -> list[np.ndarray]:
    """Weights of every projection as a (pre, post) array: zero where there is no wire."""
    found = []
    for listed, w in zip(wires, weights, strict=True):
        n = len(listed.start) - 1
        found.append(np.zeros((n, n)) if n >= 0 else w)
        if n >= 0:
            found[-1][listed.pre, listed.post] = w
    return found


def with_one(network, x) -> np.ndarray:
    """What the weights from below see: behind what is sent the 1 of a bias, if there is one."""
    return np.hstack([x, np.ones((len(x), 1))]) if network.bias else np.asarray(x, np.float64)


def gains(network, weights) -> list[float]:
    """Recurrent gain of each layer: the most by which one step stretches a difference."""
    slope = words.rate(network.neuron).slope
    return [slope * float(np.linalg.norm(w, 2)) for w in weights[1:-1:2]]


def allowed(network, weights, recorded, inputs, names, held: bool) -> dict[str, np.ndarray]:
    """The largest difference that rounding explains, (step, neuron) or, over whole trajectories, (step, 1), as `recorded` is named.

    Parameters
    ----------
    network : Network
    weights : list of (pre, post) arrays
        As `matrices` gives them.
    recorded : dict of (step, neuron) arrays
        ``population.h`` and ``population.x`` of one of the two.
    inputs : (step, input) array
    names : list of str
        The populations, the readout last.
    held : bool
        Whether every step started from the same state: then differences are bounded neuron by neuron, else by their length.
    """
    measure, below, below_off, found = EACH if held else LENGTH, with_one(network, inputs), None, {}
    for k, name in enumerate(names):
        x, recurrent = recorded[f"{name}.x"], 2 * k + 1 < len(weights)
        sums = _rounding(below, weights[2 * k])
        if recurrent:
            sums += _rounding(np.vstack([np.zeros_like(x[:1]), x[:-1]]), weights[2 * k + 1])
        fed = measure.vector(sums)
        if below_off is not None:
            fed += below_off @ measure.matrix(weights[2 * k][: network.layers[k - 1]])
        back = measure.matrix(weights[2 * k + 1]) if recurrent and not held else None
        below, below_off = (
            with_one(network, x),
            outputs(network.neuron if recurrent else network.readout, fed, recorded[f"{name}.h"], measure, back),
        )
        found |= {f"{name}.h": fed, f"{name}.x": below_off}
    return found


def outputs(neuron, fed, h, measure: Measure = EACH, back=None) -> np.ndarray:
    """What outputs may part by where currents do by `fed`, which is raised by what comes back through `back`; h is at least as large as currents."""
    entry, pace = words.rate(neuron), getattr(neuron, "rate", 1.0)
    # a membrane lies between the currents that it met, and its step rounds three times in each simulator
    drift = measure.vector(8 * EPS * np.maximum.accumulate(np.abs(h), axis=0) if entry.state else np.zeros_like(h))
    function = measure.vector(np.full_like(h, entry.rounding * EPS))
    off, own = np.zeros_like(fed), np.zeros_like(fed[0])
    for t in range(len(fed)):
        if t and back is not None:
            fed[t] += off[t - 1] @ back
        own = (1 - pace) * own + pace * fed[t] + drift[t]
        off[t] = entry.slope * own + function[t]
    return off


def _rounding(x, w):
    return 4 * EPS * len(w) * (np.abs(x) @ np.abs(w))


def margins(neuron: Any, step_s: float, arrived, rounding, v, adaptation=None) -> tuple[np.ndarray, np.ndarray]:
    """How far rounding takes two simulators of a population apart, as long as their spikes are the same: in membranes and thresholds.

    Parameters
    ----------
    neuron : part
    step_s : float, s
    arrived : (step, neuron) array
        Sum of what arrived, without signs.
    rounding : (step, neuron) array
        What two orders of that sum may part by.
    v : (step, neuron) array
        Membranes, in one of the two.
    adaptation : (step, neuron) array, optional
        How far thresholds are raised, in steps of `beta_adaptation`.
    """
    scatter = getattr(neuron, "scatter", 0.0) * (abs(getattr(neuron, "v_threshold", 0.0)) + abs(getattr(neuron, "v_reset", 0.0)))
    peak = abs(getattr(neuron, "v_leak", 0.0)) + scatter + np.maximum.accumulate(np.abs(v), axis=0)
    leak, pulls = _gain(step_s, neuron.tau_mem), np.zeros_like(peak)
    conducting = isinstance(neuron, neurons.ConductanceLIF)
    if conducting:
        peak = peak + abs(neuron.e_exc) + abs(neuron.e_inh)  # no membrane leaves that range
    off = np.zeros_like(v)
    for tau in [getattr(neuron, name) for name in ("tau_syn", "tau_syn_exc", "tau_syn_inh") if hasattr(neuron, name)]:
        keep = _gain(step_s, tau) if tau > 0 else 0.0
        size, wrong = np.zeros_like(v[0]), np.zeros_like(v[0])
        for t in range(len(v)):
            size = keep * size + arrived[t]
            wrong = keep * wrong + rounding[t] + 4 * EPS * size
            if conducting:
                pulls[t] += step_s / neuron.tau_mem * peak[t] * wrong
            else:  # of a current at most step / tau reaches the membrane
                reach, gap = min(1.0, step_s / neuron.tau_mem), abs(tau - neuron.tau_mem)
                # Brian2 takes a difference of two exponentials over one of two rates; if these are equal it has a formula without either
                pulls[t] += reach * wrong + 8 * EPS * (reach + (tau / gap if tau > 0 and gap > 0 else 1.0)) * size
    step = (16 * EPS + (2e-11 if conducting else 0.0)) * peak  # `hw_models.scalars.exp` is within 1e-11
    last, paused = np.zeros_like(v[0]), getattr(neuron, "refractory", 0.0) > 0
    for t in range(len(v)):
        now = leak * last + pulls[t] + step[t]
        last = np.maximum(now, last) if paused else now  # a membrane that rests forgets nothing
        off[t] = last
    threshold = np.zeros_like(v)
    if adaptation is not None:
        wrong, keep = np.zeros_like(v[0]), _gain(step_s, neuron.tau_adaptation)
        for t in range(len(v)):
            wrong = keep * wrong + 4 * EPS * (1 + adaptation[t])
            threshold[t] = neuron.beta_adaptation * wrong
    return off, threshold + 4 * EPS * abs(getattr(neuron, "v_threshold", 0.0))


def _gain(step_s, tau):
    return float(np.exp(-step_s / tau))


def arrivals(pairs) -> tuple[np.ndarray, np.ndarray]:
    """Sum of what arrives without signs, and what two orders of it may part by, from pairs of sent numbers and weights."""
    return np.sum([np.abs(x) @ np.abs(w) for x, w in pairs], axis=0), np.sum([_rounding(x, w) for x, w in pairs], axis=0)
