"""Node perturbation: correlate the noise a neuron was given with the change of the loss."""

from neurosim.protocols import Nothing
from neurosim.rules.synapse import family


class GivenNoise:
    """``a = xi / sigma**2``: on average the gradient of the loss; over the energy of the neuron's inputs if normalised."""

    normalise: bool

    site = "current"
    needs = ("input_energy",)
    Memory = Nothing

    def signal(self, m, own, extra):
        energy = extra.input_energy + 1e-6 if self.normalise else 1.0
        return m, own.xi / (own.sigma * own.sigma * energy)


NP, NPTrace, NPSign, NPSignTrace = family("NP", __name__, GivenNoise)
