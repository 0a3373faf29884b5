import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models.parts import InputError
from neurosim.tasks import Dataset, Series, check, mean_squared_error, share_right
from neurosim.tasks.dataset import all_counted


def ramp(count: int = 1, steps: int = 10, inputs: int = 2, outputs: int = 1) -> Series:
    u = np.arange(count * steps * inputs, dtype=float).reshape(count, steps, inputs)
    return all_counted(u, u[..., :outputs] + 0.5, u[..., :outputs])


def test_cut_puts_contiguous_pieces_side_by_side():
    series = ramp(steps=7).cut(3)
    assert series.inputs[:, :, 0].tolist() == [[0, 2], [4, 6], [8, 10]]  # the seventh step is the remainder
    assert series.counted.shape == (3, 2)
    assert series.persistence.shape == (3, 2, 1)


@given(st.integers(1, 40), st.integers(1, 40))
def test_cut_keeps_order_and_loses_less_than_one_step_a_piece(steps, n):
    series = ramp(steps=steps)
    if n > steps:
        with pytest.raises(InputError, match=f"use a batch of at most {steps}"):
            series.cut(n)
        return
    pieces = series.cut(n)
    kept = pieces.targets.reshape(-1)
    assert np.array_equal(kept, series.targets.reshape(-1)[: len(kept)])
    assert steps - n < len(kept) <= steps


def test_cut_without_persistence():
    assert ramp()._replace(persistence=None).cut(2).persistence is None


def test_cut_leaves_several_sequences():
    series = ramp(count=6)
    assert series.cut(3) is series
    with pytest.raises(InputError, match=r"6 sequences cannot be taken 4 at a time"):
        series.cut(4)


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_cut_needs_a_whole_number(n):
    with pytest.raises(InputError, match=r"at least 1"):
        ramp().cut(n)


def test_mean_squared_error_counts_only_what_counts():
    series = ramp(steps=3)._replace(counted=np.array([[False, True, True]]))
    errors = np.array([100.0, 1.0, 3.0]).reshape(1, 3, 1)
    assert mean_squared_error(series, series.targets + errors) == 5.0  # (1 + 9) / 2


def test_mean_squared_error_of_a_diverged_run():
    series = ramp()
    assert np.isnan(mean_squared_error(series, np.full(series.targets.shape, np.nan)))
    assert np.isinf(mean_squared_error(series, np.full(series.targets.shape, 1e200)))


def test_mean_squared_error_needs_one_prediction_a_target():
    with pytest.raises(InputError, match=r"shape \(1, 10\), but the targets have \(1, 10, 1\)"):
        mean_squared_error(ramp(), np.zeros((1, 10)))


def test_check_returns_what_is_sound():
    dataset = Dataset(ramp(), ramp(count=2), ramp(steps=3))
    assert check(dataset) is dataset


def broken(**changes) -> Dataset:
    return Dataset(ramp(), ramp(), ramp()._replace(**changes))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (broken(inputs=np.zeros((10, 2))), r"test.inputs has shape \(10, 2\), but must be \(sequence, step, column\)"),
        (broken(inputs=np.zeros((1, 9, 2))), r"test.inputs has shape \(1, 9, 2\), but with targets of \(1, 10, 1\)"),
        (broken(counted=np.ones((1, 9), bool)), r"test.counted has shape \(1, 9\)"),
        (broken(counted=np.ones((1, 10))), "test.counted has type float64, but must be bool"),
        (broken(counted=np.zeros((1, 10), bool)), "test.counted is False for all 10 steps"),
        (broken(persistence=np.zeros((1, 10, 2))), "test.persistence has shape"),
        (broken(inputs=np.zeros((1, 10, 3))), "test.inputs has 3 input columns, but train has 2"),
        (broken(targets=np.zeros((1, 10, 2)), persistence=None), "test.targets has 2 output columns, but train has 1"),
        (broken()._replace(loss_unit=0.0), "Dataset.loss_unit must be a finite number greater than 0, got 0.0"),
    ],
)
def test_check_names_what_is_wrong(dataset, message):
    with pytest.raises(InputError, match=message):
        check(dataset)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_check_names_part_sequence_step_and_column(value):
    inputs = ramp().inputs.copy()
    inputs[0, 4, 1] = value
    with pytest.raises(InputError, match=f"test.inputs is {value} at sequence 0, step 4, column 1"):
        check(broken(inputs=inputs))


def test_a_pooled_answer_is_that_of_the_mean_over_counted_steps():
    """Two sequences of four steps, the first of which does not count: sums of (3, 2) and (1, 2.5), where class 0 is right."""
    outputs = np.array([[[0, 9], [3, 0], [0, 1], [0, 1]], [[9, 0], [0, 2], [1, 0], [0, 0.5]]])
    targets = np.broadcast_to([1.0, 0.0], outputs.shape)
    series = Series(outputs, targets, np.array([[False, True, True, True]] * 2))
    assert share_right(series, outputs) == pytest.approx(1 / 3)
    assert share_right(series, outputs, pooled=True) == 0.5
    only_one = series._replace(counted=np.array([[False, True, True, True], [False] * 4]))
    assert share_right(only_one, outputs, pooled=True) == 1.0
