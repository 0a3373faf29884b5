"""Every built-in part keeps its contract: each method gives the same bits in plain Python and compiled, in float32 and float64."""

from typing import Literal, get_args, get_origin

import pytest

from hw_models import ALL_CELLS, ALL_CIRCUITS, ALL_CONVERTERS, ALL_NOISES, ALL_TILES, ALL_WIRES
from hw_models.contracts import check_draws, methods
from hw_models.noise import Recorded
from hw_models.parts import fields
from hw_models.protocols import Cell, Circuit, Converter, Noise, Tile, Wire
from neurosim.losses import SquaredError
from neurosim.neurons import ALL_NEURONS
from neurosim.protocols import Loss, Rule
from neurosim.rules import KINDS
from neurosim.testing import check_neuron, check_rule, compare_with_plain

FAMILIES = [
    (ALL_CELLS, Cell), (ALL_TILES, Tile), (ALL_CONVERTERS, Converter), (ALL_CIRCUITS, Circuit), (ALL_NOISES, Noise), (ALL_WIRES, Wire),
]  # fmt: skip
RULES = {kind.__name__: kind for pair in KINDS.values() for kind in pair}


def variants(kind):
    """A part of a kind for every word of every field, the other fields as they are by default."""
    words = [(name, word) for name, field in fields(kind).items() if get_origin(field.kind) is Literal for word in get_args(field.kind)]
    return list(dict.fromkeys([kind(), *(kind(**{name: word}) for name, word in words)]))


CASES = [
    pytest.param(part, getattr(protocol, method), id=f"{part}.{method}")
    for kinds, protocol in [*FAMILIES, ({"squared": SquaredError}, Loss)]
    for kind in kinds.values()
    if kind is not Recorded  # it needs a file: test_noise.py
    for method in methods(protocol)
    if hasattr(kind, method) or method not in getattr(protocol, "optional", ())
    for part in variants(kind)
]


def test_there_is_something_to_check():
    assert all(kinds for kinds, _ in FAMILIES) and ALL_NEURONS and RULES
    needed = {protocol: set(methods(protocol)) - set(getattr(protocol, "optional", ())) for _, protocol in FAMILIES}
    assert len(CASES) >= sum(len(kinds) * len(needed[protocol]) for kinds, protocol in FAMILIES) - 2  # a noise source that needs a file


@pytest.mark.parametrize(("part", "method"), CASES)
def test_plain_python_and_compiled_code_agree(part, method):
    compare_with_plain(part, method)


@pytest.mark.parametrize(("kind", "protocol"), [(kind, protocol) for kinds, protocol in FAMILIES for kind in kinds.values()])
def test_draws_are_letters_of_methods_that_receive_them(kind, protocol):
    check_draws(kind, protocol)


@pytest.mark.parametrize("kind", ALL_NEURONS.values(), ids=ALL_NEURONS)
def test_neurons_keep_their_contract(kind):
    check_neuron(kind)


@pytest.mark.parametrize("kind", RULES.values(), ids=RULES)
def test_rules_keep_their_contract(kind):
    report = check_rule(kind)
    assert [read.name for read in report.not_local] == (["layer_energy"] if kind.__name__.startswith("ANPLayer") else [])
    assert report.register == ({"e": 16} if kind.__name__.endswith("Trace") else {})
    assert report.memory == ({"v": 16} if kind.__name__.startswith(("ANPRunning", "ANPBounded")) else {})
    assert "ideal" in report.fits and ("analog-noisy" in report.fits) == (not report.register)


@pytest.mark.parametrize("kind", [kind for kind in RULES.values() if "normalise" in kind._fields], ids=lambda kind: kind.__name__)
def test_rules_that_do_not_normalise_agree_too(kind):
    options = {"lr": 0.1, "normalise": False, "average": 0.1, "decay": 0.9, "signed": True}
    compare_with_plain(kind(**{name: value for name, value in options.items() if name in kind._fields}), Rule.signal)
