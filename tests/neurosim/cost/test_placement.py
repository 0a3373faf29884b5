"""Cores, chips and bits, worked out beside the call."""

import pytest

from hw_models.chip import Chip, load
from hw_models.memory import Limited
from hw_models.prices import PriceList
from hw_models.prices import load as prices
from neurosim.cost.placement import placement
from neurosim.network import Network
from neurosim.rules import ANP, DANP, NP, Gradient
from neurosim.wiring import Sparse


def placed(chip, rule, network, **options):
    learning = rule if rule is None or isinstance(rule, Gradient) else rule.learning()
    known = chip in ("loihi", "odin", "pcm-hermes")
    return placement(network, load(chip), learning, prices(chip) if known else PriceList(), **options)


def test_weights_fill_loihi_before_neurons_do():
    found = placed("loihi", ANP(), Network(1, 1000, 1))  # 1 002 000 weights of 8 bits; 1001 neurons in two passes
    assert found.by_limit == {"weight memory": 8, "neurons": 2}  # 8 016 000 / 1 048 576 = 7.64
    assert (found.cores, found.chips, found.limit) == (8, 1, "weight memory")
    assert found.area_mm2 == pytest.approx(8 * 60 / 128)
    assert found.available_bits == 128 * 1_048_576
    assert placed("loihi", DANP(), Network(1, 1000, 1)).by_limit["weight memory"] == 23  # and a matrix of 16 000 000 bits: 22.9


def test_sparse_wiring_takes_the_room_of_its_synapses_and_lists():
    """Of 1,000,000 synapses a tenth, each with 10 bits for one of 1000 neurons, and 1001 beginnings of 17 bits: 1.75 cores of Loihi."""
    network = Network(1, 1000, 1, wiring=Sparse(0.1))
    found, n = placed("loihi", ANP(), network, seed=3), network.synapses(3)[1]
    assert 99_000 < n < 101_000 and found.by_limit == {"weight memory": 2, "neurons": 2}
    assert found.bits == (n + 2000) * 8 + n * 10 + 1001 * 17 + 1001 * (8 + 8 + 32) + 32 + 128
    assert placed("pcm-hermes", ANP(), network).by_limit == {"arrays": 4 + 16 + 4}  # what is left out of an array stays empty


def test_traces_take_room_beside_their_weights():
    found = placed("loihi", NP(trace=0.9), Network(1, 1000, 1))
    assert found.by_limit["weight memory"] == 23 and found.bits_per_synapse == 8 + 16  # 24 048 000 / 1 048 576 = 22.9
    assert found.unmet == ["16 bits in every synapse, where there are 15"]


def test_arrays_are_cut_into_pieces():
    found = placed("pcm-hermes", ANP(), Network(1, 300, 1))  # 1 x 300, 300 x 300, 300 x 1 on 256 x 256: 2 + 4 + 2
    assert found.by_limit == {"arrays": 8} and found.limit == "arrays" and found.chips == 1
    assert found.tiles == 5 and placed("pcm-hermes", ANP(), Network(1, 2000, 1)).chips == 2  # 8 + 64 + 8 on chips of 64


def test_two_passes_and_replicas_are_neurons_of_their_own():
    assert placed("odin", None, Network(1, 255, 1)).by_limit["neurons"] == 1
    assert placed("odin", ANP(), Network(1, 255, 1)).by_limit["neurons"] == 2
    assert placed("odin", ANP(), Network(1, 255, 1), batch=2).by_limit["neurons"] == 4


def test_a_history_has_no_place_on_a_chip():
    assert placed("loihi", Gradient("bptt", optimizer="sgd"), Network(1, 2, 1), steps=10).unmet == [
        f"{10 * 3 * 32 + 8 * 32} bits of history, gradients and moments"
    ]


def test_a_chip_of_which_nothing_is_known_is_one_core():
    found = placement(Network(1, 4, 1), Chip(memory=Limited(0, 0)), NP(trace=0.5).learning(), PriceList())
    assert (found.cores, found.limit, found.area_mm2, found.available_bits) == (1, "", None, None)
    assert (found.links, found.depth, found.parts_mm2) == (0, 0, {})
    assert found.unmet == ["16 bits in every synapse, where there are 0"]
    assert found.bits_per_neuron == 2 * 32 + 32  # what it sends in two passes, and its signal


def test_converters_and_routers_have_an_area_where_a_core_has_none():
    """ISAAC: 300 x 300 on arrays of 128 x 128 is 3 x 3, the input 1 x 3, the readout 3 x 1: 15 arrays on a square of 4 x 4 routers."""
    found = placement(Network(1, 300, 1), load("reram-es"), ANP().learning(), prices("rram-isaac"))
    assert (found.cores, found.links, found.depth, found.area_mm2) == (15, 14, 3 + 3, None)
    typical = {event: area[1] for event, area in found.parts_mm2.items()}
    assert typical == pytest.approx({"adc": 15 * 1200e-6, "dac": 15 * 128 * 0.17e-6, "hop": 15 * 0.15})


def test_cores_share_a_router():
    """Loihi: four cores a tile; 8 cores are two tiles, 23 are six, which stand in two rows of three."""
    one, two = placed("loihi", ANP(), Network(1, 1000, 1)), placed("loihi", DANP(), Network(1, 1000, 1))
    assert (one.cores, one.links, one.depth) == (8, 1, 1) and (two.cores, two.links, two.depth) == (23, 5, 3)
