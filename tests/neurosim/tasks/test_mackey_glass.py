import numpy as np
import pytest

from hw_models.parts import InputError
from neurosim.tasks import PARTS, MackeyGlass, MackeyGlassReversed
from neurosim.tasks.mackey_glass import integrate

SMALL = MackeyGlass(steps=60, washout=20, validation_steps=30)


def direct(n, tau, seed):
    """The same equation with the whole fine-grained history in one array."""
    lag = tau * 10
    x = np.empty(lag + n * 10 + 1)
    x[:lag] = 1.2 + 0.2 * (np.random.default_rng(seed).random(lag) - 0.5)
    x[lag] = 1.2
    for i in range(lag, lag + n * 10):
        x[i + 1] = x[i] + 0.1 * (0.2 * x[i - lag] / (1 + x[i - lag] ** 10) - 0.1 * x[i])
    return x[lag + 10 :: 10]


@pytest.mark.parametrize("tau", [1, 17])
def test_series_follows_the_equation(tau):
    assert integrate(80, tau, np.random.default_rng(3)) == pytest.approx(direct(80, tau, 3), rel=1e-9)


def test_shapes_and_the_released_recipe():
    dataset = MackeyGlass().load(42)
    assert [getattr(dataset, part).targets.shape for part in PARTS] == [(1, 5000, 1), (1, 2000, 1), (1, 5000, 1)]
    assert all(series.counted.all() for series in dataset[:3])
    assert dataset.train.inputs.var() == pytest.approx(0.0467, rel=0.05)  # the spread of tanh(x - 1) on the attractor


def test_target_lies_ahead_and_persistence_is_the_present():
    series = SMALL.load(1).test
    assert np.array_equal(series.inputs[0, 15:], series.targets[0, :-15])
    assert np.array_equal(series.persistence, series.inputs)


def test_reversed_exchanges_input_and_target():
    forward, backward = SMALL.load(1), MackeyGlassReversed(*SMALL).load(1)
    for part in PARTS:
        ahead, behind = getattr(forward, part), getattr(backward, part)
        assert np.array_equal(ahead.inputs, behind.targets)
        assert np.array_equal(ahead.targets, behind.inputs)
        assert np.array_equal(behind.persistence, behind.inputs)


def test_equal_seeds_give_equal_bits_and_parts_differ():
    one, two, other = SMALL.load(5), SMALL.load(5), SMALL.load(6)
    for part in PARTS:
        assert np.array_equal(getattr(one, part).inputs, getattr(two, part).inputs)
        assert not np.array_equal(getattr(one, part).inputs, getattr(other, part).inputs)
    assert not np.array_equal(one.train.inputs, one.test.inputs)
    assert not np.array_equal(one.train.inputs[:, :30], one.validation.inputs)


def test_mean_removed_is_that_of_the_training_series():
    dataset = SMALL.load(2)
    wave = np.concatenate((dataset.train.inputs[0, :15], dataset.train.targets[0]))
    assert wave.mean() == pytest.approx(0, abs=1e-12)
    assert abs(dataset.test.targets.mean()) > 1e-4  # its own mean stays
    longer = SMALL._replace(validation_steps=90).load(2)  # other held-out data, same training data
    assert np.array_equal(longer.train.inputs, dataset.train.inputs)


def test_warmup_comes_on_top_and_does_not_count():
    series = SMALL._replace(warmup=7).load(0).train
    assert series.counted.sum() == 60
    assert series.counted[0, :8].tolist() == [False] * 7 + [True]


@pytest.mark.parametrize("task", [MackeyGlass, MackeyGlassReversed])
def test_options_are_checked(task):
    with pytest.raises(InputError, match=f"{task.__name__}.horizon must be a whole number at least 1"):
        task(horizon=0).load(0)


@pytest.mark.parametrize("task", [MackeyGlass, MackeyGlassReversed])
def test_a_horizon_longer_than_the_series_is_refused_before_it_is_made(task):
    with pytest.raises(
        InputError, match=rf"{task.__name__}\.horizon is 100000000 steps, longer than the series of 5000; lower it, or raise steps\."
    ):
        task(horizon=100_000_000).load(0)
    assert task(steps=20, horizon=20, validation_steps=30).load(0).train.inputs.shape == (1, 20, 1)
