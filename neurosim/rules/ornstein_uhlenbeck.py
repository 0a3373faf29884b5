"""Ornstein-Uhlenbeck adaptation: every weight wanders around its mean, and the mean follows the wandering that was rewarded.

With the cell holding the mean mu of a weight and x what the weight that the network sees is away from it,

    x <- keep x + sqrt(1 - keep**2) xi;  mu <- mu + lr (r - mean of r) x / sigma**2

so that x has the variance of the noise xi and forgets itself at the rate 1 - keep a step: an Euler step of dtheta = lambda (mu - theta) dt +
Sigma dW, dmu = eta (r - mean of r) (theta - mu) dt with keep = 1 - lambda dt, except that theta moves along when mu does.

Source: Garcia Fernandez, Ahmad, van Gerven 2024, doi:10.3390/e26121125.
"""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Bits
from neurosim.protocols import Nothing


class Fluctuation(NamedTuple):
    """How far a weight is from its mean, over the variance of that."""

    x: Annotated[float, Bits(16)]


class OUA(NamedTuple):
    """``x <- keep * x + sqrt(1 - keep**2) * a; dW = lr * reward * x``: one register a synapse, which perturbs the weight and credits it."""

    lr: float
    keep: float

    site = "weight"
    needs = ()
    Register = Fluctuation
    Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def wander(self, r, a):
        return self.keep * r.x + np.sqrt(1.0 - self.keep * self.keep) * a

    def trace(self, r, pre, a):
        return Fluctuation(self.keep * r.x + np.sqrt(1.0 - self.keep * self.keep) * a)

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * r.x
