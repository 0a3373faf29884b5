"""What programmed cells do with changes that are too small for a write."""

import numpy as np
import pytest

from hw_models import ALL_CELLS, Chip, load
from hw_models.cells.programmed import Programmed
from hw_models.parts import describe
from hw_models.testing import as_numbers, check_cell
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.rules import ANP, DANP
from neurosim.simulator import Simulator
from neurosim.tasks import MackeyGlassReversed
from neurosim.train import train

#: kinds, and a drawing of each that comes out as it was asked for
EXACT = {
    "pcm": {"program_noise": 0.0, "drift": 0.0, "noise": 0.0},
    "reram-wan": {"error": 0.0},
    "reram-hfox": {"error": 0.0, "drift": 0.0, "noise": 0.0},
    "sonos": {"error": 0.0, "drift": 0.0, "noise": 0.0},
    "table": {f"spread_{k}": 0.0 for k in range(8)},
}
each = pytest.mark.parametrize("kind", EXACT)


def cell_of(kind, **fields):
    return as_numbers(ALL_CELLS[kind](update="accumulated", **fields))


def programmed(cell, w):
    draws = type(cell).draws
    return cell.program(cell.make((0.0,) * len(draws.get("make", ""))), w, 0.0, (0.0,) * len(draws["program"]))


def written(cell, s, dw):
    return cell.write(s, dw, 1.0, (0.0,) * len(type(cell).draws["write"]))


def read(cell, s):
    return cell.read(s, (0.0,) * len(type(cell).draws.get("read", "")))


def test_every_programmed_cell_is_met_here():
    shared = set(Programmed._fields)
    assert {name for name, cls in ALL_CELLS.items() if shared <= set(cls._fields)} == set(EXACT)
    assert all(cls._fields[:2] == Programmed._fields and all(row[3] for row in describe(cls())) for cls in map(ALL_CELLS.get, EXACT))


@each
def test_it_keeps_its_contract(kind):
    check_cell(ALL_CELLS[kind](update="accumulated"))


@each
def test_small_changes_add_up_exactly_and_are_written_when_their_sum_is_beyond_the_deadband(kind):
    """Changes of 1/128 and a deadband of 1/16: the ninth is the first whose sum is larger; a change back takes off what waits."""
    cell = cell_of(kind, deadband=1 / 16, **EXACT[kind])
    s = start = programmed(cell, 0.25)
    for n in range(1, 9):
        s, hit = written(cell, s, 1 / 128)
        assert (s.waiting, hit) == (n / 128, 0.0) and s[1:] == start[1:], "the devices are left alone"
    s, hit = written(cell, s, -1 / 128)
    assert (s.waiting, hit) == (7 / 128, 0.0)
    s, _ = written(cell, s, 1 / 128)
    s, hit = written(cell, s, 1 / 128)
    assert hit > 0 and (s.waiting, s.target) == (0.0, 0.25 + 9 / 128)
    assert read(cell, s) == pytest.approx(0.25 + 9 / 128, abs=1e-12)


@each
@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_no_change_is_so_small_that_a_large_target_drowns_it(kind, number):
    """1e-9 is less than the last digit of 0.5 in float32, and 300 of them are 3e-7."""
    cell = type(cell_of(kind))(*map(number, cell_of(kind)))
    s = cell.State(*map(number, programmed(cell, 0.5)))
    for _ in range(300):
        s, _ = written(cell, s, number(1e-9))
    assert s.waiting == pytest.approx(3e-7, rel=1e-4)


@each
def test_what_waits_never_leads_beyond_full_scale(kind):
    """Else a cell at its bound would have to be asked back for as long as it was asked on."""
    cell = cell_of(kind, deadband=0.05, **EXACT[kind])
    s = programmed(cell, 1.0)
    for _ in range(100):
        s, hit = written(cell, s, 0.04)
        assert (s.waiting, hit) == (0.0, 0.0)
    s = programmed(cell, -0.99)
    for _ in range(100):
        s, _ = written(cell, s, -0.04)
    assert s.target + s.waiting == pytest.approx(-1.0)


@each
def test_the_word_that_adds_up_is_counted_as_memory(kind):
    network, rule = Network(2, 5, 1), ANP().learning()
    direct, kept = (Chip(cell=ALL_CELLS[kind](update=update)) for update in ("direct", "accumulated"))
    assert (kept.cell.keeps, direct.cell.keeps) == (True, False)
    weights = [memory_bits(network, chip, rule)["weights"] for chip in (direct, kept)]
    assert weights == [16 * 40, 32 * 40]  # 2 x 5 + 5 x 5 + 5 x 1


def test_changes_that_wait_are_not_swallowed_and_learn_the_same_compiled():
    rng = np.random.default_rng(3)
    data = rng.standard_normal((1, 30, 2)), rng.standard_normal((1, 30, 1)), np.ones((1, 30), bool)
    chip = load("pcm").replace(cell__update="accumulated", noise__sigma=0.03)
    pair = [Simulator(Network(2, 9, 1), chip, 4, ANP(lr=0.02, readout_lr=0.05).learning(), plain=plain) for plain in (False, True)]
    outcomes = [one.learn(*data) for one in pair]
    for a, b in zip(*(one.state().values() for one in pair), strict=True):
        np.testing.assert_array_equal(a, b)
    assert outcomes[0].swallowed == outcomes[1].swallowed > 0
    assert any(np.any(array != 0) for name, array in pair[0].state().items() if name.endswith(".waiting"))


def test_changes_of_hidden_weights_add_up_to_writes_where_one_by_one_they_are_swallowed():
    """One by one, the changes that danp makes of hidden weights are all within the deadband of phase-change memory."""
    task, network = MackeyGlassReversed(steps=2500), Network(1, 60, 1)

    def trained(update):
        return train(network, task, DANP(), load("pcm").replace(cell__update=update), epochs=4, seed=42, baselines=False)

    def targets(run):
        return run.learner.state()["planes.1.target"]

    fresh = Simulator(network, load("pcm"), 42).state()["planes.1.target"]
    direct, kept = trained("direct"), trained("accumulated")
    np.testing.assert_array_equal(targets(direct), fresh)
    assert np.mean(targets(kept) != fresh) > 0.005
    assert kept.metrics["swallowed_updates"] == 0 and direct.metrics["swallowed_updates"] > 0.9
