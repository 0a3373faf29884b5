import numpy as np
import pytest

from hw_models.parts import InputError
from neurosim.tasks.streams import generator


def draw(*key):
    return generator(*key).random(4).tolist()


def test_equal_names_give_equal_bits_and_others_differ():
    keys = [(seed, task, part) for seed in (0, 1, 2**40) for task in ("a", "b") for part in ("train", "test")]
    assert all(draw(*key) == draw(*key) for key in keys)
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)
    assert draw(np.int64(1), "a", "train") == draw(1, "a", "train")


@pytest.mark.parametrize("seed", [-1, 1.5, True, None])
def test_seed_must_be_a_whole_number(seed):
    with pytest.raises(InputError, match=r"seed must be a whole number of at least 0"):
        generator(seed, "a", "train")
