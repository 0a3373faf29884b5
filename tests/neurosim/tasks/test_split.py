import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models.parts import InputError
from neurosim.tasks.split import as_fractions, check_split, spans, stretch


def test_fractions_from_file_and_command_line():
    assert as_fractions("0.5, 0.25,0.25") == as_fractions([0.5, 0.25, 0.25]) == (0.5, 0.25, 0.25)


@pytest.mark.parametrize("split", [(0.5, 0.5), (0.8, 0.2, 0.0), (0.5, 0.5, 0.5), "a,b,c", 3, (0.5, "x", 0.5), (1.5, -0.25, -0.25)])
def test_bad_fractions(split):
    with pytest.raises(InputError, match=r"Task.split must be three fractions greater than 0 that add up to 1"):
        check_split(split, "Task.split")


@given(st.integers(40, 10_000), st.floats(0.1, 0.8), st.floats(0.1, 0.9))
def test_spans_cover_everything_once(count, first, share):
    rest = 1 - first
    parts = spans((first, rest * share, rest * (1 - share)), count, 0, "rows", "Task.split")
    assert np.array_equal(np.concatenate([np.arange(count)[part] for part in parts]), np.arange(count))


def test_part_that_is_too_small():
    with pytest.raises(InputError, match=r"Task.split gives 1 of 10 rows to the validation part, which needs at least 2; give more rows"):
        spans((0.8, 0.1, 0.1), 10, 2, "rows", "Task.split")


def test_stretch_starts_with_steps_that_do_not_count():
    u = np.arange(10.0)[:, None]
    series = stretch(slice(6, 9), 2, u, -u)
    assert series.inputs[0, :, 0].tolist() == [4, 5, 6, 7, 8]
    assert series.counted.tolist() == [[False, False, True, True, True]]
    assert stretch(slice(1, 3), 5, u, u).counted.tolist() == [[False, True, True]]  # no more warm-up than there is
    assert stretch(slice(1, 3), 5, u, u, 2 * u).persistence[0, :, 0].tolist() == [0, 2, 4]
