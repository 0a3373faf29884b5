"""The digital chips of the catalogue: their figures together give the published memories."""

import importlib.resources
import tomllib

import pytest

from hw_models import Chip
from hw_models.chip import configure

NAMES = ["digital-16bit", "loihi", "odin", "reckon"]


def table(name):
    return tomllib.loads((importlib.resources.files("hw_models") / "catalogue" / f"{name}.toml").read_text("utf-8"))


def chip(name):
    return configure(Chip(name=name), {key: value for key, value in table(name).items() if key != "sources"})


@pytest.mark.parametrize("name", NAMES)
def test_a_matrix_that_learns_has_the_widest_memory(name):
    assert chip(name).decorrelation.stored_bits == 16


def test_odin_holds_64k_synapses_in_8192_words_of_32_bits():
    assert 256 * 256 * chip("odin").cell.stored_bits == 8192 * 32


def test_a_membrane_of_odin_counts_whole_levels_of_its_weights():
    odin = chip("odin")
    level = odin.cell.read(odin.cell.program(odin.cell.make(()), 1 / 7, 0.0, ()), ())
    assert odin.adc.limit / 2 ** (odin.adc.bits - 1) == pytest.approx(level, rel=1e-15)


def test_reckon_holds_its_recurrent_weights_in_64_kilobytes_and_its_traces_in_less_than_one_per_cent_of_its_memory():
    reckon = chip("reckon")
    assert 256 * 256 * reckon.cell.stored_bits == 64 * 1024 * 8
    assert 256 * reckon.memory.neuron_bits / 8 / ((64 + 64 + 8 + 2) * 1024) == pytest.approx(0.0077, abs=5e-5)


def test_a_membrane_of_reckon_counts_whole_levels_of_its_weights():
    reckon = chip("reckon")
    assert reckon.adc.limit / 2 ** (reckon.adc.bits - 1) == 2.0 ** (1 - reckon.cell.bits)


def test_a_signed_weight_of_loihi_has_256_levels():
    loihi = chip("loihi").cell
    levels = {loihi.program(loihi.make(()), k / 512, 0.0, ()).w for k in range(-512, 513)}
    assert len(levels) == 256 and min(levels) == -256 / 256 and max(levels) == 254 / 256
