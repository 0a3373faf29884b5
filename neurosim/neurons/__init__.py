"""Neuron models by name: rate neurons and spiking ones."""

from neurosim.neurons.rate import Leaky, Linear, Membrane, ReLU, Sigmoid, Tanh
from neurosim.neurons.spiking import ALIF, LI, LIF, ConductanceLIF, ExcInhLIF

ALL_NEURONS = {
    "tanh": Tanh,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "linear": Linear,
    "leaky": Leaky,
    "lif": LIF,
    "lif-exc-inh": ExcInhLIF,
    "lif-conductance": ConductanceLIF,
    "alif": ALIF,
    "li": LI,
}


def discrete(neuron, step_s):
    """The part that is run: the neuron itself, or, if its numbers are times, that with its constants for steps of `step_s` seconds."""
    return neuron.discrete(step_s) if hasattr(neuron, "discrete") else neuron


__all__ = [
    "ALIF", "ALL_NEURONS", "LI", "LIF", "ConductanceLIF", "ExcInhLIF", "Leaky", "Linear", "Membrane", "ReLU", "Sigmoid", "Tanh", "discrete",
]  # fmt: skip
