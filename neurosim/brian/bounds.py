"""How far two correct simulators of one rate network may part: rounding alone, carried through the network.

A sum of n products, added up in float64 in any order, lies within ``n u sum|w||x|`` of the true one, u = eps / 2 (Higham 2002,
doi:10.1137/1.9780898718027, chapter 4). Two simulators' sums of a neuron's one or two projections, and the sum of these, are then within
``4 n eps sum|w||x|`` of each other. What a difference of currents makes of outputs is at most the neuron's `slope` times as much; a function
such as tanh adds 4 machine epsilons for each library.

Over many steps a difference d of a layer's outputs comes back as R d. Its length grows by at most ``slope * |R|``, |R| the largest
singular value: the layer's recurrent gain. Where that is at most 1, differences only add up and bound the whole trajectory. Where it is
larger, two orders of summation alone part exponentially, and steps are compared one by one, each from one common state.
"""

from typing import Any, NamedTuple

import numpy as np

from neurosim.brian import words

EPS = float(np.finfo(np.float64).eps)


class Measure(NamedTuple):
    """What differences are measured by: neuron by neuron, or by their length in a layer."""

    matrix: Any
    vector: Any  #: of (step, neuron) arrays


EACH = Measure(np.abs, np.abs)
LENGTH = Measure(lambda w: np.full((1, 1), np.linalg.norm(w, 2)), lambda v: np.linalg.norm(v, axis=1, keepdims=True))


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
    recorded : dict of (step, neuron) arrays
        ``population.h`` and ``population.x`` of one of the two.
    inputs : (step, input) array
    names : list of str
        The populations, the readout last.
    held : bool
        Whether every step started from the same state: then differences are bounded neuron by neuron, else by their length.
    """
    measure, below, below_off, found = EACH if held else LENGTH, np.asarray(inputs, np.float64), None, {}
    for k, name in enumerate(names):
        neuron = network.readout if name == names[-1] else network.neuron
        entry, pace, recurrent = words.rate(neuron), getattr(neuron, "rate", 1.0), 2 * k + 1 < len(weights)
        h, x = recorded[f"{name}.h"], recorded[f"{name}.x"]
        sums = _rounding(below, weights[2 * k])
        if recurrent:
            sums += _rounding(np.vstack([np.zeros_like(x[:1]), x[:-1]]), weights[2 * k + 1])
        # a membrane lies between the currents that it met, and its step rounds three times in each simulator
        drift = 8 * EPS * np.maximum.accumulate(np.abs(h), axis=0) if entry.state else np.zeros_like(h)
        fed, drift = measure.vector(sums), measure.vector(drift)
        function = measure.vector(np.full_like(x, entry.rounding * EPS))
        if below_off is not None:
            fed += below_off @ measure.matrix(weights[2 * k])
        back = measure.matrix(weights[2 * k + 1]) if recurrent and not held else None
        off, own = np.zeros_like(fed), np.zeros_like(fed[0])
        for t in range(len(fed)):
            if t and back is not None:
                fed[t] += off[t - 1] @ back
            own = (1 - pace) * own + pace * fed[t] + drift[t]
            off[t] = entry.slope * own + function[t]
        found |= {f"{name}.h": fed, f"{name}.x": off}
        below, below_off = x, off
    return found


def _rounding(x, w):
    return 4 * EPS * len(w) * (np.abs(x) @ np.abs(w))
