"""NeuroBench's metrics under its names and definitions, and beside them what it lacks: metrics of learning.

References
----------
Yik et al., "The neurobench framework for benchmarking neuromorphic computing algorithms and systems", Nat. Commun. 16:1545 (2025).
"""

from typing import Any

import numpy as np

from hw_models.events import Event, Phase
from neurosim.cost.ledger import Ledger
from neurosim.memory import memory_bits
from neurosim.rules import Gradient

LEARNING = (Phase.PERTURBED, Phase.REWARD, Phase.UPDATE, Phase.DECORRELATION)


def neurobench(simulator, inputs) -> dict[str, Any]:
    """Metrics of a network as it stands on its chip, from one run without learning.

    Footprint is in bytes and holds weights, where those of sparse wiring lead, and neuron states, zeros too. Activation sparsity is the
    share of zeros in what hidden neurons send. Synaptic operations are per sequence: ``Dense`` every weight times every input,
    ``Effective_MACs`` and ``Effective_ACs`` those in which neither is zero, accumulations if all inputs of a projection are -1, 0 or 1 in
    that step. To sparsity and to dense operations, a synapse that sparse wiring leaves out is a weight of zero.

    Parameters
    ----------
    simulator : Simulator or GradientLearner
    inputs : (sequence, step, input) array
    """
    network, weights, stored = simulator.network, matrices(simulator), sum(w.size for w in simulator.weights)
    every = sum(w.size for w in weights)
    inputs = np.asarray(inputs, float)
    count, steps = inputs.shape[:2]
    x = simulator.run(inputs, record=("x",))["x"]
    edges = np.cumsum((0, *network.layers))
    layers = [x[:, :, a:b] for a, b in zip(edges, edges[1:])]

    def under(x):
        """What the rows from below see, that of a bias included."""
        return np.concatenate([x, np.ones((*x.shape[:2], int(network.bias)))], axis=2)

    below, seen = inputs, []
    for layer in layers:
        before = np.concatenate([np.zeros_like(layer[:, :1]), layer[:, :-1]], axis=1)
        seen += [under(below), before]
        below = layer
    seen.append(under(below))
    macs = acs = dense = 0
    for z, w in zip(seen, weights, strict=True):
        dense += count * steps * w.size
        effective = ((z != 0) @ (w != 0).sum(axis=1)).sum(axis=0)  # of each step, over the sequences
        binary = np.isin(z, (-1, 0, 1)).all(axis=(0, 2))
        acs += int(effective[binary].sum())
        macs += int(effective[~binary].sum())
    held = memory_bits(network, simulator.chip, Gradient("bptt"), seed=simulator.seed)
    return {
        "Footprint": (held["weights"] + held["wiring"] + held["state"]) / 8,
        "ParameterCount": stored,
        "ConnectionSparsity": sum(int((w == 0).sum()) for w in weights) / every,
        "ActivationSparsity": float((x == 0).mean()),
        "SynapticOperations": {"Effective_MACs": macs / count, "Effective_ACs": acs / count, "Dense": dense / count},
    }


def matrices(simulator) -> list[np.ndarray]:
    """Weights of every projection, (pre, post), with zeros where sparse wiring leaves a synapse out."""
    found = []
    network = simulator.network
    for w, wires, shape in zip(simulator.weights, network.wires(simulator.seed), network.shapes(), strict=True):
        if len(wires.start):
            listed, w = w, np.zeros(shape, w.dtype)
            w[wires.pre, wires.post] = listed
        found.append(w)
    return found


def learning_metrics(sequence: Ledger, memory: dict[str, int]) -> dict[str, Any]:
    """What learning adds, in NeuroBench's style: per sequence, from a ledger of one."""

    def over(*events):
        return sum(sequence.total(event, *LEARNING).typical for event in events)

    return {
        "LearningFootprint": sum(memory[name] for name in ("passes", "learning", "reward", "random")) / 8,
        "LearningSynapticOperations": over(Event.MAC, Event.AC, Event.ANALOG_READ),
        "WeightUpdates": over(Event.WEIGHT_WRITE, Event.PULSE),
        "RandomBits": over(Event.RANDOM_BIT),
        "GaussianSamples": over(Event.GAUSSIAN),
    }
