"""Activity-based node perturbation: correlate the measured change of a neuron's activity with the change of the loss.

The step is divided by the power of that change, in one of four ways. Over the layer is as published and needs a sum over all of the
layer's neurons; the other three are local. Or it is divided by the standard deviation of the noise, where what is noisy is the reward.
With v the mean of delta**2 over a layer of N neurons, the published step eta * sqrt(N_tot) * delta / |delta|**2 is lr * delta / v with
lr = eta * sqrt(N_tot) / N and `normalise` off.

Sources: Dalm, Ahmad, van Gerven 2023, arXiv:2310.00965; Garcia Fernandez, Keemink, van Gerven 2024, doi:10.3389/fnins.2024.1439155.
"""

from typing import Annotated, NamedTuple

from hw_models.parts import Bits
from neurosim.protocols import Nothing
from neurosim.rules.synapse import family


class Power(NamedTuple):
    """A neuron's running mean of delta**2."""

    v: Annotated[float, Bits(16)]


class OverLayer:
    """``a = delta / mean(delta**2 over the layer)``: a declared reduction."""

    normalise: bool

    site = "current"
    needs = ("layer_energy", "layer_size", "input_energy")
    Memory = Nothing

    def signal(self, m, own, extra):
        energy = extra.input_energy + 1e-6 if self.normalise else 1.0
        return m, own.delta * extra.layer_size / ((extra.layer_energy + 1e-20) * energy)


class OverExpected:
    """``a = delta / sigma**2``: the power that the noise source alone would give."""

    normalise: bool

    site = "current"
    needs = ("input_energy",)
    Memory = Nothing

    def signal(self, m, own, extra):
        energy = extra.input_energy + 1e-6 if self.normalise else 1.0
        return m, own.delta / (own.sigma * own.sigma * energy)


class OverDeviation:
    """``a = delta / sigma``: as large whatever the noise, for rewards that vary by themselves and not with it."""

    normalise: bool

    site = "current"
    needs = ("input_energy",)
    Memory = Nothing

    def signal(self, m, own, extra):
        energy = extra.input_energy + 1e-6 if self.normalise else 1.0
        return m, own.delta / (own.sigma * energy)


class OverRunning:
    """``a = delta / max(v, sigma**2)`` with v the neuron's own running mean of delta**2."""

    normalise: bool
    average: float

    site = "current"
    needs = ("input_energy",)
    Memory = Power

    def signal(self, m, own, extra):
        energy = extra.input_energy + 1e-6 if self.normalise else 1.0
        v = m.v + self.average * (own.delta * own.delta - m.v)
        return Power(v), own.delta / (max(v, own.sigma * own.sigma) * energy)


class Bounded:
    """``a = delta / max(v, delta**2)`` with v the neuron's own running mean of delta**2.

    Times the reward that is at most the slope dL / delta just measured, however suddenly two passes part; and a measurement whose delta is
    small, and says little, counts little. (Over a layer of one neuron, the norm "layer" makes every measurement that slope.)
    """

    normalise: bool
    average: float

    site = "current"
    needs = ("input_energy",)
    Memory = Power

    def signal(self, m, own, extra):
        energy = extra.input_energy + 1e-6 if self.normalise else 1.0
        power = own.delta * own.delta
        v = m.v + self.average * (power - m.v)
        return Power(v), own.delta / ((max(v, power) + 1e-20) * energy)


ANPLayer, ANPLayerTrace, ANPLayerSign, ANPLayerSignTrace = family("ANPLayer", __name__, OverLayer)
ANPExpected, ANPExpectedTrace, ANPExpectedSign, ANPExpectedSignTrace = family("ANPExpected", __name__, OverExpected)
ANPDeviation, ANPDeviationTrace, ANPDeviationSign, ANPDeviationSignTrace = family("ANPDeviation", __name__, OverDeviation)
ANPRunning, ANPRunningTrace, ANPRunningSign, ANPRunningSignTrace = family("ANPRunning", __name__, OverRunning)
ANPBounded, ANPBoundedTrace, ANPBoundedSign, ANPBoundedSignTrace = family("ANPBounded", __name__, Bounded)
