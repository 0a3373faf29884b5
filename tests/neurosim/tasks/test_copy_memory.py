import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.parts import InputError
from neurosim.tasks import PARTS, CopyMemory


def classes(one_hot):
    assert np.array_equal(one_hot.sum(axis=-1), np.ones(one_hot.shape[:2]))
    return one_hot.argmax(axis=-1)


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(0, 4), st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**70))
def test_string_pause_and_recall(length, delay, alphabet, sequences, seed):
    series = CopyMemory(length, delay, alphabet, sequences).load(seed).train
    assert series.inputs.shape == series.targets.shape == (sequences, 2 * length + delay, alphabet + 2)
    shown, wanted = classes(series.inputs), classes(series.targets)
    symbols, pause, recall = slice(0, length), slice(length, length + delay), slice(length + delay, None)
    assert shown[:, symbols].min() >= 1
    assert shown[:, symbols].max() <= alphabet
    assert not shown[:, pause].any()
    assert (shown[:, recall] == alphabet + 1).all()
    assert not wanted[:, : length + delay].any()
    assert np.array_equal(wanted[:, recall], shown[:, symbols])
    assert series.counted.all()
    assert series.persistence is None


def test_defaults_are_those_of_the_paper():
    dataset = CopyMemory().load(0)
    assert [getattr(dataset, part).inputs.shape for part in PARTS] == [(100, 210, 10), (10, 210, 10), (20, 210, 10)]


def test_equal_seeds_give_equal_bits_and_parts_differ():
    one, two = CopyMemory(test_sequences=10).load(3), CopyMemory(test_sequences=10).load(3)
    assert all(np.array_equal(getattr(one, part).inputs, getattr(two, part).inputs) for part in PARTS)
    assert not np.array_equal(one.validation.inputs, one.test.inputs)
    assert not np.array_equal(one.train.inputs[:10], one.test.inputs)


def test_options_are_checked():
    with pytest.raises(InputError, match=r"CopyMemory.length must be a whole number at least 1"):
        CopyMemory(length=0).load(0)
