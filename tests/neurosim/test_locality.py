"""What a rule reads is found in its source and compared with what it declares."""

import subprocess
import sys

import pytest

from hw_models import InputError, Nothing
from neurosim.locality import check_declared, not_local, reads, reads_of, undeclared_reads
from neurosim.rules import KINDS


class Base:
    site = "current"
    needs = ()
    Register = Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return reward * a


def names(found):
    return [read.name for read in found]


def test_reads_are_named_once_where_they_come_first():
    def method(self, m, own, extra):
        gain = self.lr * own.xi
        if own.xi > m.v:
            return m, gain
        return (
            m,
            extra.layer_size,
        )

    first = method.__code__.co_firstlineno
    assert names(reads(method)) == ["self.lr", "own.xi", "m.v", "m", "extra.layer_size"]
    assert [int(read.where.split(":")[1]) - first for read in reads(method)] == [1, 1, 2, 3, 6]


def test_what_is_only_assigned_is_not_read():
    def method(self, m, own, extra):
        layer_energy = own.delta
        return layer_energy

    assert names(reads(method)) == ["own.delta"]


def test_a_local_rule_reads_nothing_undeclared():
    check_declared(Base)
    assert undeclared_reads(Base) == [] and not_local(Base) == []
    assert names(reads_of(Base)["change"]) == ["reward", "a"]


@pytest.mark.parametrize("kind", [kind for pair in KINDS.values() for kind in pair], ids=lambda kind: kind.__name__)
def test_built_in_rules_declare_what_they_read_and_read_what_they_declare(kind):
    check_declared(kind)
    assert {f"extra.{name}" for name in kind.needs} == {name for name in names(reads_of(kind)["signal"]) if name.startswith("extra")}


class Secret(Base):
    def signal(self, m, own, extra):
        size = extra.layer_size
        return m, own.xi * size


class Renamed(Base):
    needs = ("layer_size",)

    def signal(self, m, own, extra):
        everything = extra
        return m, everything.layer_energy


class Mistyped(Base):
    def signal(self, m, own, extra):
        return m, extra.layer_enrgy


@pytest.mark.parametrize(
    ("rule", "offset", "message"),
    [
        (Secret, 1, 'Secret reads extra.layer_size, but its needs do not name it; add "layer_size" to Secret.needs.'),
        (
            Renamed,
            1,
            "Renamed reads extra, but extra is used as a whole; name a field of it. Known: layer_energy, layer_size, input_energy.",
        ),
        (
            Mistyped,
            1,
            'Mistyped reads extra.layer_enrgy, but extra has no field "layer_enrgy"; name a field of it. did you mean "layer_energy"?',
        ),
    ],
)
def test_an_undeclared_read_is_refused_by_line(rule, offset, message):
    with pytest.raises(InputError) as caught:
        check_declared(rule)
    assert str(caught.value).startswith(f"test_locality.py:{rule.signal.__code__.co_firstlineno + offset}: {message}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"site": "synapse"}, r'\.site must be "current" or "weight", got \'synapse\'\.'),
        ({"needs": "input_energy"}, r"\.needs must be a tuple of names such as \(\"input_energy\",\), got 'input_energy'\."),
        ({"needs": ("error",)}, r'\.needs names "error", which no rule of synapses is given: the error of every output, in every neuron\.'),
        ({"needs": ("input_enrgy",)}, r'\.needs names "input_enrgy", which is not known; did you mean "input_energy"\?'),
        ({"Register": dict}, r"\.Register must be a NamedTuple class"),
        ({"Memory": None}, r"\.Memory must be a NamedTuple class"),
    ],
)
def test_a_wrong_declaration_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        check_declared(type("Changed", (Base,), change))


def test_what_no_neuron_knows_is_not_local_even_if_no_line_reads_it():
    assert names(not_local(type("Wants", (Base,), {"needs": ("transpose", "layer_size")}))) == ["transpose"]


def test_a_rule_without_source_is_still_held_to_its_needs():
    code = """
from neurosim.locality import undeclared_reads
class Typed:
    needs = ()
    def signal(self, m, own, extra): return m, extra.layer_energy
    def trace(self, r, pre, a): return r
    def change(self, w, r, pre, a, reward): return a
print([read.name for read in undeclared_reads(Typed)])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "['extra.layer_energy']\n"
