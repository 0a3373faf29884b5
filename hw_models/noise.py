"""Sources of the perturbation that learning correlates with reward."""

from typing import Annotated, NamedTuple

from hw_models.parts import Range
from hw_models.protocols import Nothing

Sigma = Annotated[float, Range("unit of the neuron's current", 0.0, open_low=True)]


class Gaussian(NamedTuple):
    """White Gaussian noise, ``xi = sigma * n``.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation.
    """

    sigma: Sigma = 1e-3

    State = Nothing
    draws = {"next": "n"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.sigma * u[0]


class Bernoulli(NamedTuple):
    """A fair coin, ``xi = sigma`` or ``-sigma``: one random bit a number.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Size of the perturbation, which is also its standard deviation.
    """

    sigma: Sigma = 1e-3

    State = Nothing
    draws = {"next": "u"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.sigma if u[0] < 0.5 else -self.sigma


class Uniform(NamedTuple):
    """Uniform noise of standard deviation sigma, between -sqrt(3) sigma and sqrt(3) sigma.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation.
    """

    sigma: Sigma = 1e-3

    State = Nothing
    draws = {"next": "u"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.sigma * 1.7320508075688772 * (2.0 * u[0] - 1.0)


ALL_NOISES = {"gaussian": Gaussian, "bernoulli": Bernoulli, "uniform": Uniform}
