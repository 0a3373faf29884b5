"""Lives of cells, worked out beside the call."""

import pytest

from hw_models.chip import load
from hw_models.prices import PriceList
from hw_models.prices import load as prices
from neurosim.account import Account, Count, Writes
from neurosim.cost import Workload, forecast
from neurosim.cost.endurance import endurance
from neurosim.network import Network
from neurosim.rules import ANP

NETWORK = Network(1, 9, 1)


def written(low, typical, high):
    """An epoch in which the cells of the recurrent array are written so often, and others half as often."""
    hits = Count(low, typical, high)
    sizes = zip(NETWORK.projections, NETWORK.shapes(), strict=True)
    by_place = {name: hits.by(pre * post * (1.0 if pre == post else 0.5)) for name, (pre, post) in sizes}
    return Account(writes={name: Writes(hits=n) for name, n in by_place.items()})


def test_a_life_in_epochs_and_years():
    found = endurance(NETWORK, written(0, 4e6, 8e6), 1, prices("pcm-hermes"), seconds=3600.0)
    assert found.writes_per_epoch == pytest.approx((0, 4e6, 8e6)) and found.array == "hidden to hidden"
    assert found.epochs == pytest.approx((1e6 / 8e6, 1e8 / 4e6, 1e9 / 4e6))
    assert found.years is not None and found.years.typical == pytest.approx(25 * 3600 / (365.25 * 86400))
    assert found.said(30).startswith("dies in epoch 26 ")
    assert found.said(10).startswith("lasts, but a weak device dies in epoch 1 ")
    assert "7.5 minutes to 10.4 days" in found.said(10)
    assert endurance(NETWORK, written(0, 8e6, 16e6), 2, prices("pcm-hermes"), 3600.0).epochs == pytest.approx(found.epochs)


def test_memory_without_a_limit_and_cells_never_written_last():
    assert endurance(NETWORK, written(1, 1, 1), 1, PriceList(), 1.0).said(10) == "no limit known"
    assert endurance(NETWORK, Account(), 1, prices("pcm-hermes"), 1.0).epochs is None


def test_words_kept_beside_a_device_do_not_wear_it():
    network, chip = Network(1, 4, 1), load("pcm-hermes")
    account = forecast(network, chip, ANP().learning(), Workload(10, moves=0.5))
    found = endurance(network, account, 1, prices("pcm-hermes"), 1.0)
    assert found.writes_per_epoch == pytest.approx((0, 5.0, 20.0))  # both devices of a pair at most
