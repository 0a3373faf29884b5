"""Lives of cells, worked out beside the call."""

import pytest

from hw_models.chip import load
from hw_models.events import Event, Phase
from hw_models.prices import PriceList
from hw_models.prices import load as prices
from neurosim.account import Count
from neurosim.cost import Workload, count
from neurosim.cost.endurance import endurance
from neurosim.cost.ledger import Ledger
from neurosim.network import Network
from neurosim.rules import ANP


def epoch(low, typical, high, event=Event.PULSE):
    ledger = Ledger()
    ledger.add(Phase.UPDATE, event, 1, Count(low, typical, high))
    return ledger


def test_a_life_in_epochs_and_years():
    found = endurance(epoch(0, 4e8, 8e8), prices("pcm-hermes"), synapses=100, seconds=3600.0)  # 4e6 writes a cell and epoch, at most 8e6
    assert tuple(found.writes_per_epoch) == (0, 4e6, 8e6)
    assert found.epochs == pytest.approx((1e6 / 8e6, 1e8 / 4e6, 1e9 / 4e6))
    assert found.years is not None and found.years.typical == pytest.approx(25 * 3600 / (365.25 * 86400))
    assert found.said(30).startswith("dies in epoch 26 ")
    assert found.said(10).startswith("lasts, but a weak device dies in epoch 1 ")
    assert "7.5 minutes to 10.4 days" in found.said(10)


def test_memory_without_a_limit_and_cells_never_written_last():
    assert endurance(epoch(1, 1, 1, Event.WEIGHT_WRITE), PriceList(), 1, 1.0).said(10) == "no limit known"
    assert endurance(Ledger(), prices("pcm-hermes"), 1, 1.0).epochs is None


def test_words_kept_beside_a_device_do_not_wear_it():
    network, chip = Network(1, 4, 1), load("pcm-hermes")
    ledger = count(network, chip, ANP().learning(), Workload(10, moves=0.5))
    found = endurance(ledger, prices("pcm-hermes"), 24, 1.0)
    assert found.writes_per_epoch.typical == pytest.approx(5.0) and found.writes_per_epoch.high == pytest.approx(10.0)
