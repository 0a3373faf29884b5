"""The border: what people give becomes what kernels expect, or is refused."""

from typing import Literal, NamedTuple

import numpy as np
import pytest

from hw_models import InputError
from neurosim.cast import float_type, lower, sequences


class Mixed(NamedTuple):
    gain: float = 0.1
    bits: int = 8
    mode: Literal["soft", "hard"] = "hard"
    on: bool = True
    table: np.ndarray = np.arange(3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_number_takes_the_runs_type_and_words_their_position(dtype):
    part = lower(Mixed(), dtype)
    assert part.gain == dtype(0.1) and part.bits == 8 and part.mode == 1 and part.on is True
    assert [type(value) for value in part[:4]] == [dtype, dtype, dtype, bool]
    assert part.table.dtype == dtype and part.table.flags.c_contiguous


def test_numpy_numbers_are_numbers():
    assert type(lower(Mixed(np.int64(3), np.float64(2.0)), np.float32).gain) is np.float32
    assert lower(Mixed(on=np.bool_(False)), np.float32).on is False


def test_what_a_compiled_part_cannot_hold_is_refused():
    with pytest.raises(
        InputError, match=r"^Mixed\.gain is \[1\.0\], which a compiled part cannot hold; use numbers, truth values or a Literal"
    ):
        lower(Mixed([1.0]), np.float32)


def test_a_float_type_is_chosen_by_name():
    assert float_type("float64") is np.float64
    with pytest.raises(InputError, match=r'^dtype "float16" is not known; did you mean "float\d\d"\? Known: float32, float64\.$'):
        float_type("float16")


@pytest.mark.parametrize(
    ("shape", "width", "result"), [((7,), 1, (1, 7, 1)), ((7, 2), 2, (1, 7, 2)), ((3, 7, 2), 2, (3, 7, 2)), ((7, 1), 1, (1, 7, 1))]
)
def test_sequences_are_sequence_step_feature(shape, width, result):
    data = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    array = sequences("inputs", data, width, np.float32)
    assert array.shape == result and array.dtype == np.float32 and array.flags.c_contiguous
    assert np.array_equal(array.ravel(), data.ravel())
    assert np.array_equal(sequences("inputs", data.tolist(), width, np.float32), array)


@pytest.mark.parametrize(
    ("data", "width", "message"),
    [
        (np.zeros(7), 2, r"^inputs has shape \(7,\), but the network takes \(step, 2\) or \(sequence, step, 2\)\.$"),
        (np.zeros((7, 3)), 2, r"^inputs has shape \(7, 3\), but the network takes"),
        (np.zeros((1, 1, 7, 2)), 2, r"^inputs has shape \(1, 1, 7, 2\), but"),
        (np.zeros((0, 2)), 2, r"^inputs has shape \(0, 2\): there is no step in it"),
        (np.zeros((0, 5, 2)), 2, r"there is no step in it"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(data, width, message):
    with pytest.raises(InputError, match=message):
        sequences("inputs", data, width, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_place(value):
    data = np.zeros((2, 5, 3))
    data[1, 4, 2] = value
    with pytest.raises(InputError, match=rf"^targets is {value} at sequence 1, step 4, column 2; every value must be finite\.$"):
        sequences("targets", data, 3, np.float32)
