"""Weight perturbation: correlate the noise a weight was given with the change of the loss."""

from neurosim.protocols import Nothing
from neurosim.rules.synapse import family


class OwnNoise:
    """``a = Xi / sigma**2`` with Xi the perturbation of this synapse; its pre side is 1."""

    site = "weight"
    needs = ()
    Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi


WP, WPTrace, WPSign, WPSignTrace = family("WP", __name__, OwnNoise)
