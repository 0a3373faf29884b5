"""Weight perturbation: correlate the noise a weight was given with the change of the loss."""

from neurosim.protocols import Nothing
from neurosim.rules.synapse import AtOnce, Traced, pair


class OwnNoise:
    """``a = Xi / sigma**2`` with Xi the perturbation of this synapse; its pre side is 1."""

    site = "weight"
    needs = ()
    Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi


WP = pair("WP", __name__, OwnNoise, AtOnce)
WPTrace = pair("WPTrace", __name__, OwnNoise, Traced)
