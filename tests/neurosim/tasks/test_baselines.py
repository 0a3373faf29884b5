import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.parts import InputError
from neurosim.tasks import PARTS, Arrays, Dataset, MackeyGlass, Series, baselines, ridge
from neurosim.tasks.dataset import all_counted


def series(inputs, targets, counted=None):
    u, y = (np.array(a, dtype=float).reshape(1, len(targets), -1) for a in (inputs, targets))
    return Series(u, y, np.ones((1, len(targets)), bool) if counted is None else np.array([counted]), u[..., :1])


def test_hand_worked():
    train = series([0, 1, 2, 99], [1, 3, 5, -99], [True, True, True, False])  # y = 1 + 2 u where it counts
    held_out = series([3, 4], [7, 10])
    found = baselines(Dataset(train, held_out, held_out, loss_unit=2.0))
    assert found["persistence"] == pytest.approx({"train": 2 * (1 + 4 + 9) / 3, "validation": 2 * (16 + 36) / 2, "test": 52})
    assert found["mean"] == pytest.approx({"train": 2 * 8 / 3, "validation": 2 * (16 + 49) / 2, "test": 65})
    assert found["linear"] == pytest.approx({"train": 0, "validation": 1, "test": 1}, abs=1e-12)


def test_persistence_is_absent_where_it_means_nothing():
    assert set(baselines(Arrays(np.arange(40.0), np.arange(40.0)).load(0))) == {"mean", "linear"}


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 3))
def test_linear_is_never_worse_than_the_mean_in_training(seed, inputs, outputs):
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((1, 60, inputs)) * 10.0 ** rng.integers(-9, 9, inputs)  # units do not matter
    part = all_counted(u, rng.standard_normal((1, 60, outputs)) + u[..., :1] / np.abs(u[..., :1]).max())
    found = baselines(Dataset(part, part, part))
    assert found["linear"]["train"] <= found["mean"]["train"] + 1e-12
    assert found["linear"]["train"] == found["linear"]["test"]


def states_and_data(noise, neurons=5, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((neurons, 2))
    states = {part: rng.standard_normal((2, 50, neurons)) + 3 for part in PARTS}
    targets = {part: x @ weights - 1 + noise * rng.standard_normal((2, 50, 2)) for part, x in states.items()}
    return states, Dataset(*(all_counted(targets[part], targets[part]) for part in PARTS))


def test_ridge_finds_an_exact_readout_with_intercept():
    losses, penalty = ridge(*states_and_data(noise=0))
    assert max(losses.values()) < 1e-12
    assert penalty == pytest.approx(1e-10)


def test_ridge_solves_the_normal_equations():
    states, dataset = states_and_data(noise=1)
    losses, penalty = ridge(states, dataset, penalties=np.array([0.3]))
    x, y = states["train"].reshape(100, 5), dataset.train.targets.reshape(100, 2)
    centred = x - x.mean(axis=0)
    gram = centred.T @ centred
    weights = np.linalg.solve(gram + 0.3 * np.trace(gram) / 5 * np.eye(5), centred.T @ (y - y.mean(axis=0)))
    direct = np.mean((centred @ weights + y.mean(axis=0) - y) ** 2)
    assert (losses["train"], penalty) == (pytest.approx(direct), 0.3)


def test_ridge_chooses_the_penalty_on_validation_only():
    states, dataset = states_and_data(noise=30, neurons=90)
    _, chosen = ridge(states, dataset)
    assert chosen > 1e-2  # 90 weights from 100 noisy steps
    other = dataset._replace(test=dataset.test._replace(targets=dataset.test.targets * 5))
    assert ridge(states, other)[1] == chosen


def test_ridge_ignores_steps_that_do_not_count():
    states, dataset = states_and_data(noise=1)
    counted = np.ones((2, 50), bool)
    counted[:, :5] = False
    warm = dataset._replace(train=dataset.train._replace(counted=counted))
    before = ridge(states, warm)
    states["train"][:, :5] = 1e6
    assert ridge(states, warm) == before


def test_ridge_survives_repeated_silent_and_exploded_neurons():
    states, dataset = states_and_data(noise=1)
    repeated = {part: np.concatenate((x, x, np.zeros_like(x)), axis=2) for part, x in states.items()}
    assert ridge(repeated, dataset)[0]["train"] == pytest.approx(ridge(states, dataset)[0]["train"], rel=1e-2)
    mean = baselines(dataset)["mean"]
    assert ridge({part: np.zeros_like(x) for part, x in states.items()}, dataset)[0] == pytest.approx(mean)
    states["test"][0, 0, 0] = np.inf
    losses, penalty = ridge(states, dataset)
    assert np.isnan([*losses.values(), penalty]).all()


def test_ridge_needs_a_state_for_each_step():
    states, dataset = states_and_data(noise=1)
    with pytest.raises(InputError, match=r"ridge needs states of shape \(2, 50, 'neurons'\) for test, got \(2, 49, 5\)"):
        ridge(states | {"test": states["test"][:, 1:]}, dataset)
    del states["validation"]
    with pytest.raises(InputError, match=r"for validation, got nothing"):
        ridge(states, dataset)


def test_mackey_glass_fifteen_steps_ahead_is_beyond_all_three():
    found = baselines(MackeyGlass(steps=2000).load(0))
    assert found["linear"]["test"] < found["mean"]["test"] < found["persistence"]["test"]
    assert found["persistence"]["test"] == pytest.approx(0.123, rel=0.05)
