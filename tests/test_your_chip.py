"""docs/your_chip.md: its files are a chip and a price list, and it names every part and event."""

import re
from pathlib import Path

import hw_models as hw
from hw_models import prices
from hw_models.chip import KINDS
from hw_models.events import Event
from neurosim import listing

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "your_chip.md").read_text(encoding="utf-8")
CHIP, PRICES = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_chip_file_is_a_chip(tmp_path):
    (tmp_path / "my_chip.toml").write_text(CHIP, encoding="utf-8")
    chip = hw.load(str(tmp_path / "my_chip.toml"))
    assert (chip.cell.bits, chip.neuron.bits, chip.memory.room("synapse")) == (6, 12, 16)
    assert chip.source("cell.bits") == "design document, section 3" and chip.source("memory.synapse_bits") == "a guess"
    assert chip.source("memory.neuron_bits") == "set in my_chip.toml"
    assert "is a chip." in listing.checked_file(str(tmp_path / "my_chip.toml"))


def test_the_price_list_is_one(tmp_path):
    (tmp_path / "my_prices.toml").write_text(PRICES, encoding="utf-8")
    found = prices.load(str(tmp_path / "my_prices.toml"))
    assert found.energy[Event.MAC].si[1] == 0.08e-12 and found.latency[Event.MAC].parallel == 64 and found.clock_hz == 200e6
    assert found.included[Event.NONLINEARITY] == "mac" and found.capacity.cores == 4
    assert "is a price list." in listing.checked_file(str(tmp_path / "my_prices.toml"))


def test_it_names_every_part_and_every_event_as_the_source_does():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, flags=re.MULTILINE))
    assert set(rows) == set(KINDS) | set(Event)
    source = (ROOT / "hw_models" / "events.py").read_text(encoding="utf-8")
    for event in Event:
        (meaning,) = re.findall(rf'= "{event}"  #: (.*)', source)
        assert rows[event] == meaning
    assert set(re.findall(r"`neurosim list (\w+)`", PAGE)) <= set(listing.LISTS)
