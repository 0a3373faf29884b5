"""What an update depends on, by experiment: the experiment must find what is there, and nothing else."""

from typing import NamedTuple

import pytest

from neurosim.influence import FOREIGN, KNOWN, differences, influences
from neurosim.protocols import Nothing
from neurosim.rules import GRADIENTS, Gradient, Learning, Perturbation

NOISE, ACTIVITY, ENERGY = "its neuron's noise", "its neuron's activity", "its neuron's input energy"
HEARD = {"the broadcast"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Perturbation("np"), {"its presynaptic neuron", NOISE, ENERGY}),
        (Perturbation("np", normalise=False, samples=2), {"its presynaptic neuron", NOISE}),
        (Perturbation("np", perturb="layer", samples=3), {"its presynaptic neuron", NOISE, ENERGY}),
        (
            Perturbation("anp", norm="running", trace=0.5),
            {"its presynaptic neuron", "its own register", ACTIVITY, ENERGY, "its neuron's memory"},
        ),
        (Perturbation("anp"), {"its presynaptic neuron", ACTIVITY, ENERGY, "other neurons' activity"}),
        (Perturbation("np", norm="bounded", perturb="hidden"), {"its presynaptic neuron", NOISE, ACTIVITY, ENERGY, "its neuron's memory"}),
        (Perturbation("wp", trace=0.5, samples=2), {"its own register"}),
        (Perturbation("oua", passes="noisy", trace=0.5), {"its own register"}),
    ],
    ids=["np", "np samples", "np layers", "anp running", "anp layer", "np hidden", "wp", "oua"],
)
def test_an_update_depends_on_what_its_rule_reads(rule, expected):
    learning = rule.learning()
    (found, asks), alike = influences(learning), type(learning.rule) is type(learning.readout_rule)
    assert asks
    assert [i.thing for i in found] == [*KNOWN, *FOREIGN]
    assert {i.thing for i in found if i.changed} == HEARD | expected
    if alike:
        assert all(i.changed in (0, i.tried) for i in found)
    else:  # each synapse looks at one of the two
        seen = {i.thing: i for i in found}
        assert seen[NOISE].changed + seen[ACTIVITY].changed == seen[NOISE].tried and seen[NOISE].changed > seen[ACTIVITY].changed > 0


class Gossip(NamedTuple):
    """Passes every declaration there is, but each neuron leaves its noise where the next one finds it, and each synapse its weight."""

    site = "current"
    needs = ()
    Register = Memory = Nothing
    board = 0.0

    def signal(self, m, own, extra):
        before, Gossip.board = Gossip.board, own.xi
        return m, before

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        before, Gossip.board = Gossip.board, w
        return before * reward


def test_what_no_declaration_shows_is_found():
    found, _ = influences(Learning("gossip", Gossip(), Gossip()))
    changed = {i.thing for i in found if i.changed}
    assert {"other synapses' weights", "other neurons' noise"} <= changed


class Still(Gossip):
    def signal(self, m, own, extra):
        return m, own.xi

    def change(self, w, r, pre, a, reward):
        return 0.0


def test_a_rule_that_asks_for_nothing_is_told_from_one_that_does():
    found, asks = influences(Learning("still", Still(), Still()))
    assert not asks and {i.thing for i in found if i.changed} == {NOISE}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("options", [{}, {"k": 1}, {"eligibility": "factorised"}], ids=["", "one step", "factorised"])
def test_each_thing_that_a_gradient_asks_for_changes_a_weight_that_cannot_know_it(name, options):
    rule = Gradient(name, **options)
    found = {d.need: d for d in differences(rule)}
    assert tuple(found) == rule.needs
    assert found["error"].after == pytest.approx(-found["error"].before) and found["error"].before != 0
