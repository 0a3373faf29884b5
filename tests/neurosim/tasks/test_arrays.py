import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models.parts import InputError
from neurosim.tasks import Arrays

U = np.arange(40.0)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (U, -U),
        (U.tolist(), -U[:, None]),
        (U[:, None].astype(np.float32), -U),
        (U[None, :, None], -U[None]),
        (U[None, :, None], -U[None, :, None]),
    ],
)
def test_one_series_is_split_along_time(inputs, targets):
    dataset = Arrays(inputs, targets, split=(0.5, 0.25, 0.25), warmup=5).load(0)
    assert dataset.train.inputs[0, :, 0].tolist() == list(range(20))
    assert dataset.validation.inputs[0, :, 0].tolist() == list(range(15, 30))
    assert dataset.validation.counted.sum() == 10
    assert dataset.test.targets[dataset.test.counted][:, 0].tolist() == [-float(i) for i in range(30, 40)]
    assert dataset.test.persistence is None


def test_targets_of_one_dimension():
    assert Arrays(np.zeros((40, 3)), U).targets.shape == (1, 40, 1)
    assert Arrays(U, U).targets.shape == (1, 40, 1)
    assert Arrays(np.zeros((4, 10, 3)), U.reshape(4, 10)).targets.shape == (4, 10, 1)


@given(st.integers(10, 50), st.integers(1, 4))
def test_several_sequences_are_split_along_sequences(count, steps):
    u = np.arange(count * steps, dtype=float).reshape(count, steps, 1)
    dataset = Arrays(u, u).load(0)
    assert np.array_equal(np.concatenate([s.inputs for s in dataset[:3]]), u)
    assert all(series.counted.all() for series in dataset[:3])


def test_the_callers_arrays_stay_apart():
    u = U.copy()
    task = Arrays(u, u)
    dataset = task.load(0)
    u[:] = 0
    dataset.train.inputs[:] = 0
    assert task.load(0).train.inputs[0, 5, 0] == 5


def test_repr_is_short():
    assert repr(Arrays(U, U)) == "Arrays(inputs (1, 40, 1), targets (1, 40, 1), split=(0.8, 0.1, 0.1), warmup=100)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((U, U[:-1]), r"inputs \(40,\) and targets \(39,\); both need the same number"),
        ((np.zeros((0, 2)), np.zeros(0)), "none of them 0"),
        ((np.zeros((2, 2, 2, 2)), U), r"inputs must be \(step, input\) or \(sequence, step, input\)"),
        ((np.float64(1), U), r"inputs must be \(step, input\)"),
        ((["a"] * 40, U), "Arrays.inputs must be an array of real numbers"),
        ((U, U + 1j), "Arrays.targets must be an array of real numbers"),
        (([[1, 2], [3]], U), "rows of equal length"),
        ((np.where(U == 7, np.nan, U), U), "Arrays.inputs is nan at sequence 0, step 7, column 0"),
        ((U, np.where(U == 8, np.inf, U)), "Arrays.targets is inf at sequence 0, step 8, column 0"),
        ((U, U, (0.5, 0.5)), "Arrays.split must be three fractions"),
        ((U, U, (0.8, 0.1, 0.1), -1), "Arrays.warmup must be a whole number at least 0"),
    ],
)
def test_errors_in_words(arguments, message):
    with pytest.raises(InputError, match=message):
        Arrays(*arguments)


def test_too_little_to_split():
    with pytest.raises(InputError, match=r"Arrays.split gives 0 of 3 sequences to the test part"):
        Arrays(np.zeros((3, 5, 1)), np.zeros((3, 5, 1))).load(0)
