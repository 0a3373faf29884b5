"""Every noise source has the standard deviation that it states, whatever it is."""

import numpy as np
import pytest

from hw_models import ALL_NOISES, Bernoulli, Gaussian, Nothing, Uniform
from hw_models.testing import check_noise

assert ALL_NOISES


@pytest.mark.parametrize("sigma", [1e-3, 0.5, 20.0])
@pytest.mark.parametrize("kind", ALL_NOISES.values(), ids=ALL_NOISES)
def test_sigma_is_the_standard_deviation(kind, sigma):
    check_noise(kind(sigma=sigma))


@pytest.mark.parametrize(
    ("noise", "u", "xi"),
    [
        (Gaussian(0.1), -2.0, -0.2),
        (Bernoulli(0.1), 0.49, 0.1),
        (Bernoulli(0.1), 0.51, -0.1),
        (Uniform(0.1), 0.0, -0.1 * np.sqrt(3)),
        (Uniform(0.1), 0.5, 0.0),
        (Uniform(0.1), 1.0, 0.1 * np.sqrt(3)),
    ],
)
def test_one_number_from_one_draw(noise, u, xi):
    state, got = noise.next(Nothing(), (u,))
    assert state == Nothing() and got == pytest.approx(xi, abs=1e-15)
