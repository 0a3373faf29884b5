"""The shared functions against the C library and SciPy."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from hw_models.scalars import exp, log, normal, power, sigmoid, tanh

POINTS = np.concatenate([np.linspace(-10, 10, 20_001), np.logspace(-30, 2, 500), [0.0, 8.5, -8.5, 8.4999, 1e30, -1e30]]).astype(np.float32)


def test_tanh_misses_by_less_than_it_says():
    assert max(abs(float(tanh(x)) - math.tanh(x)) for x in POINTS) < 4e-7


def test_tanh_is_odd_and_stays_within_one():
    values = [tanh(x) for x in POINTS]
    assert all(-1.0 <= y <= 1.0 for y in values)
    assert all(tanh(-x) == -y for x, y in zip(POINTS, values, strict=True))


def test_tanh_names_the_function_of_the_c_library_for_float64():
    assert tanh.exact(0.3) == math.tanh(0.3)


def test_sigmoid_is_the_logistic_function():
    assert max(abs(float(sigmoid(x)) - 1 / (1 + math.exp(-float(x)))) for x in np.linspace(-20, 20, 4001, dtype=np.float32)) < 4e-7


@pytest.mark.parametrize(("number", "error"), [(np.float32, 2e-6), (float, 1e-9)])
def test_log_misses_by_less_than_it_says(number, error):
    points = np.concatenate([np.logspace(-31 * math.log10(2) + 1e-6, 0, 20_001), np.linspace(1e-4, 1, 10_001), 2.0 ** -np.arange(31)])
    assert max(abs(float(log(number(x))) - math.log(number(x))) for x in points) < error


def test_normal_inverts_the_normal_distribution():
    places = np.unique(np.concatenate([np.arange(20), np.linspace(0, 2**23 - 1, 20_001).astype(np.int64), 2**23 - 1 - np.arange(20)]))
    u = (places + 0.5) * 2.0**-23
    got = np.array([normal(np.float32(v)) for v in u], np.float64)
    assert np.abs(got - ndtri(u)).max() < 2e-6


@pytest.mark.parametrize("u", [2.0**-24, 0.25, 0.4999999])
def test_normal_is_symmetric(u):
    assert normal(1.0 - u) == pytest.approx(-normal(u), abs=1e-12)


@pytest.mark.parametrize(("number", "error"), [(np.float32, 3e-7), (float, 1e-8)])
def test_exp_misses_by_less_than_it_says(number, error):
    points = np.concatenate([np.linspace(-87, 88, 20_001), np.linspace(-1, 1, 10_001), math.log(2) * (np.arange(-125, 127) + 0.5)])
    assert max(abs(float(exp(number(x))) / math.exp(number(x)) - 1) for x in points) < error


def test_exp_of_0_is_1_and_beyond_its_range_it_stays_finite():
    assert exp(0.0) == 1.0 and exp(np.float32(0)) == 1.0
    assert exp(-1e30) == exp(-87.0) > 0.0 and exp(1e30) == exp(88.0) < np.finfo(np.float32).max


@pytest.mark.parametrize(("number", "least", "error"), [(np.float32, 0.5, 3e-6), (np.float64, 0.1, 1e-9)])
def test_power_misses_by_less_than_it_says(number, least, error):
    bases = np.concatenate([np.logspace(-31 * math.log10(2) + 1e-6, 0, 401), [0.5, 0.25, 0.7071067811865476]])
    for p in (0.0, 0.05, 0.49, 0.65, 1.0, 1.8, -0.1, -1.0, -1.8):
        exact = [float(number(x)) ** float(number(p)) for x in bases]
        got = [float(power(number(x), number(p))) for x in bases]
        assert max(abs(g / e - 1) for g, e in zip(got, exact, strict=True)) < (abs(p) + least) * error


def test_a_power_of_1_over_e_is_the_exponential_until_it_ends():
    for y in np.linspace(-39, 39, 79):
        assert power(math.exp(-1), y) == pytest.approx(math.exp(-y), rel=1e-7)
    assert power(math.exp(-1), 1e6) == pytest.approx(math.exp(-40), rel=1e-6)
    assert power(1.0, 7.0) == 1.0
