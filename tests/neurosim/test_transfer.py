"""A trained network later: moments in words, and losses over time."""

import pytest

from hw_models.parts import InputError
from neurosim.transfer import spread, times


def test_moments_are_read_in_rising_order():
    assert times("1d, 30s,1h,2.5m") == [("30s", 30.0), ("2.5m", 150.0), ("1h", 3600.0), ("1d", 86400.0)]
    assert times("1y")[0][1] == pytest.approx(3.156e7, rel=1e-4)


@pytest.mark.parametrize("text", ["", "1", "1w", "-1h", "soon", "1h,,2h"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(InputError, match="such as 1h,1d,30d"):
        times(text)


def test_a_spread_is_of_drawings():
    assert spread([1.0, 3.0]) == {"test_loss": [1.0, 3.0], "mean": 2.0, "std": pytest.approx(2**0.5), "min": 1.0, "max": 3.0}
    assert spread([2.0])["std"] == 0.0
