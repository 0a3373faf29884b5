"""The checks for parts of one's own: what they report, and what they refuse."""

import math
from typing import Annotated, NamedTuple

import numpy as np
import pytest

from hw_models import Bits, InputError, Nothing, catalogue, load
from hw_models.protocols import Converter
from neurosim.testing import check_neuron, check_rule, compare_with_plain


class Seen(NamedTuple):
    e: Annotated[float, Bits(12)]


class Hebbian(NamedTuple):
    """The manual's example: a rule of one's own."""

    lr: float = 0.1
    decay: float = 0.9

    site = "current"
    needs = ("input_energy", "layer_energy")
    Register = Seen
    Memory = Nothing

    def signal(self, m, own, extra):
        power = extra.input_energy + 1e-6
        return m, own.delta / (power * (1.0 + extra.layer_energy))

    def trace(self, r, pre, a):
        return Seen(self.decay * r.e + pre * a)

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * r.e


def line(function, offset=1):
    return f"test_testing.py:{function.__code__.co_firstlineno + offset}"


def test_a_rule_is_reported_with_what_it_reads_keeps_and_fits():
    report = check_rule(Hebbian)
    assert [read.name for read in report.reads["signal"]] == ["extra.input_energy", "m", "own.delta", "extra.layer_energy"]
    assert [read.name for read in report.reads["change"]] == ["self.lr", "reward", "r.e"]
    assert [str(read) for read in report.not_local] == [f"layer_energy ({line(Hebbian.signal, 2)})"]
    assert report.register == {"e": 12} and report.memory == {}
    room = {name: load(name).memory.room("synapse") for name in catalogue()}
    assert report.fits == [name for name, bits in room.items() if bits is None or bits >= 12] and 2 < len(report.fits) < len(room)
    text = str(report).splitlines()
    assert text[0] == "Hebbian"
    assert text[2] == "  trace reads self.decay, r.e, pre, a"
    assert text[4] == f"  not local: layer_energy ({line(Hebbian.signal, 2)})"
    assert text[5] == f"  keeps 12 bit (e 12) in every synapse, 0 bit (nothing) in every neuron; fits {', '.join(report.fits)}"


class Wide(Hebbian):
    def change(self, w, r, pre, a, reward):
        return (1 - w) * reward


class Short(Hebbian):
    def change(self, w, r, pre, reward):
        return w


class Greedy(Hebbian):
    needs = ("input_energy",)


def test_a_rule_that_leaves_the_runs_arithmetic_is_refused_by_line():
    with pytest.raises(
        InputError, match=rf"{line(Wide.change)}: Wide\.change leaves the run's arithmetic here, float32 becomes float64; write constants"
    ):
        check_rule(Wide())


def test_a_rule_with_other_arguments_is_refused():
    with pytest.raises(InputError, match=r"Short\.change takes \(w, r, pre, reward\), but every Rule takes \(w, r, pre, a, reward\)\."):
        check_rule(Short())


def test_a_rule_that_reads_what_it_did_not_ask_for_is_refused_by_line():
    with pytest.raises(
        InputError, match=rf'^{line(Hebbian.signal, 2)}: Greedy reads extra\.layer_energy, but its needs do not name it; add "layer_energy"'
    ):
        check_rule(Greedy())


def test_a_rule_must_be_a_named_tuple():
    class Bare:
        pass

    with pytest.raises(InputError, match=r"Bare must be a NamedTuple; write class Bare\(NamedTuple\)\."):
        check_rule(Bare)


# ---------------------------------------------------------------- methods that are not the same compiled

WIDTH = 0.1  # a constant of the module is converted like a literal


class Part(NamedTuple):
    gain: float = 2.0
    draws = {"convert": "u"}

    def convert(self, x, u):
        return self.gain * x + WIDTH * u[0]


class LibraryTanh(Part):
    def convert(self, x, u):
        return np.tanh(x)


class MathTanh(Part):
    def convert(self, x, u):
        return math.tanh(x)


class Mixed(Part):
    def convert(self, x, u):
        y = x + self.gain
        return max(y, 0)


class Pi(Part):
    def convert(self, x, u):
        return math.pi * x


class Missing(Part):
    def convert(self, x, u):
        return self.gian * x


class Closure(Part):
    def convert(self, x, u):
        return sum(v for v in (x, self.gain))


class Counting(Part):
    def convert(self, x, u):
        for _ in range(self.gain):
            x = x * 0.5
        return x


class OwnDice(Part):
    def convert(self, x, u):
        return x if np.random.random() < 0.5 else -x  # noqa: NPY002


def test_a_method_of_arithmetic_agrees():
    compare_with_plain(Part(), Converter.convert)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            LibraryTanh(),
            r"LibraryTanh\.convert is -?[\d.e-]+ in plain Python and -?[\d.e-]+ compiled \(float(32|64), x=.*\); use only \+ - \* /",
        ),
        (MathTanh(), r"MathTanh\.convert (is .* compiled|leaves the run's arithmetic in plain Python)"),
        (Mixed(), rf"{line(Mixed.convert, 2)}: Mixed\.convert leaves the run's arithmetic here, float32 becomes float64"),
        (Pi(), rf"{line(Pi.convert)}: Pi\.convert leaves the run's arithmetic here, float32 becomes float64"),
        (Missing(), r"test_testing\.py:\d+: Missing\.convert cannot be compiled: .*gian"),
        (Closure(), r"test_testing\.py:\d+: Closure\.convert cannot be compiled: .*yield"),
        (Counting(), r"Counting\.convert fails: .*integer; every number is a float32, fields of whole numbers too\."),
        (OwnDice(), r"OwnDice\.convert (is .* in plain Python and|leaves the run's arithmetic here)"),
    ],
    ids=lambda case: "" if isinstance(case, str) else type(case).__name__,
)
def test_a_method_that_differs_is_refused(part, message):
    with pytest.raises(InputError, match=message):
        compare_with_plain(part, Converter.convert)


# ---------------------------------------------------------------- neurons


class Potential(NamedTuple):
    v: Annotated[float, Bits(32)]


class Integrator(NamedTuple):
    """Sums its input and leaks."""

    leak: float = 0.1

    Params = Nothing
    State = Potential
    draws = {}

    def make(self, u):
        return Nothing()

    def start(self, p):
        return Potential(0.0)

    def step(self, p, s, i_in):
        v = (1.0 - self.leak) * s.v + i_in
        return Potential(v), v, i_in


class Runaway(Integrator):
    def step(self, p, s, i_in):
        v = s.v * 100.0 + i_in
        return Potential(v * v), v, i_in


class Pairwise(Integrator):
    def step(self, p, s, i_in):
        return s, i_in


class Stateless(Integrator):
    def start(self, p):
        return Nothing()


class Noisy(Integrator):
    draws = {"step": "n"}


def test_a_neuron_of_ones_own_keeps_the_contract():
    check_neuron(Integrator)
    check_neuron(Integrator(leak=0.5))


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (Runaway, r"Runaway\.step must stay finite under currents in -3\.\.3"),
        (Pairwise, r"Pairwise\.step must return \(state, out, activity\), got"),
        (Stateless, r"Stateless\.start must return its State, Potential, got Nothing\(\)"),
        (Noisy, r'Noisy\.draws names "step", which receives no random numbers; Known: make\.'),
    ],
)
def test_a_broken_neuron_is_refused(neuron, message):
    with pytest.raises(InputError, match=message):
        check_neuron(neuron)
