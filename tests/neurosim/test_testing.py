"""The checks for parts of one's own: what they report, and what they refuse."""

import math
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import pytest

import neurosim.bptt
import neurosim.eprop
from hw_models import Bits, InputError, Nothing, catalogue, load
from hw_models.memory import Limited
from hw_models.protocols import Converter
from hw_models.scalars import scalar
from neurosim.rules import Gradient, Perturbation
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
    assert set(report.misfits) == set(room) - set(report.fits)
    assert report.misfits["odin"] == "Hebbian needs 12 bits in every synapse (e 12 bit), but there are 0"
    assert not report.local and report.lanes == report.broadcasts == 1 and report.passes == (False, True)
    text = str(report).splitlines()
    assert text[0] == "Hebbian is not local."
    assert text[1] == f"  not local  layer_energy: a sum over every neuron of the layer ({line(Hebbian.signal, 2)})"
    assert text[2].startswith(
        "  reads      signal  extra.input_energy (this neuron), m (own memory), own.delta (this neuron), extra.layer_energy"
    )
    assert "             trace   self.decay (constant), r.e (own register), pre (presynaptic neuron), a (postsynaptic neuron)" in text
    assert "  keeps      12 bit (e 12) in every synapse, nothing in every neuron" in text
    assert "  passes     a clean one and one perturbed one; one number a step on the reward wire" in text
    assert "other neurons' activity (declared: layer_energy)" in " ".join(str(report).split())
    assert max(map(len, text)) <= 120


def test_what_a_rule_of_the_family_asks_for_beyond_its_class():
    report = check_rule(Perturbation("np", trace=0.5, samples=4, decorrelation_lr=0.1))
    assert (report.name, report.lanes, report.broadcasts, report.fits) == ("dnp", 4, 4, ["ideal"])
    assert [read.name for read in report.not_local] == ["transpose"] and "decorrelation.py:" in report.not_local[0].where
    assert "keeps      4 times 16 bit (e 16) in every synapse" in str(report) and "4 numbers a step" in str(report)
    assert "needs 64 bits in every synapse (e 16 bit, for each of 4 samples), but there are 15" in report.misfits["loihi"]
    assert "keeps a state per neuron and cannot stand at every synapse" in check_rule(Perturbation("wp")).misfits["smtj-digital"]


def test_what_neurons_keep_over_an_interval_is_reported_and_held_against_the_chips():
    report = check_rule("dnp-over-time")
    assert report.memory == {"signals": 16 * 32, "sum": 32, "sent": 32}
    assert "576 bit (signals 512, sum 32, sent 32) in every hidden neuron" in str(report)
    assert "a matrix from every neuron to every other one" in " ".join(str(report).split())
    assert "matrix" not in str(check_rule("np-over-time"))


class Dead(Hebbian):
    def change(self, w, r, pre, a, reward):
        return 0.0


class Elsewhere(Hebbian):
    def change(self, w, r, pre, a, reward):
        return w[0]


def squared(x):
    return x * x


class Unmarked(Hebbian):
    def change(self, w, r, pre, a, reward):
        return squared(reward) * r.e


class Divided(Hebbian):
    def change(self, w, r, pre, a, reward):
        return reward * pre / (r.e - r.e)


class Wider(Hebbian):
    sample: int = 16


class Mistyped(NamedTuple):
    lr: float = 0.01
    sample: int = 16  #: of which there is one

    site, needs, Register, Memory = "current", (), Nothing, Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def sginal(self, m, own, extra):
        return m, own.delta

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre * a


def test_what_nothing_reads_is_said():
    report = check_rule(Mistyped)
    assert report.unused == ["sample", "sginal"] and "unused     sample, sginal: no method reads them" in str(report)
    assert check_rule(Hebbian).unused == [] and check_rule("danp").unused == []


def test_a_rule_whose_changes_are_no_numbers_is_refused():
    with pytest.raises(InputError, match=r"Divided does not stay finite: .* look for a division by what can be 0"):
        check_rule(Divided)


class Widest(Wider):
    pass


class Slower(Hebbian):
    lr = 0.5


class Named(Hebbian):
    told: ClassVar[str] = "no field"


@pytest.mark.parametrize(("rule", "name"), [(Wider, "sample"), (Widest, "sample"), (Slower, "lr")])
def test_a_subclass_of_a_record_has_its_fields_and_no_others(rule, name):
    with pytest.raises(
        InputError, match=rf"{rule.__name__} inherits the fields of a NamedTuple .* \({name}\); write a NamedTuple with all"
    ):
        check_rule(rule)
    assert check_rule(Named).name == "Named"


def test_a_chip_of_ones_own_is_among_those_that_a_rule_is_held_against():
    mine = load("digital-8bit")._replace(name="mine", memory=Limited(4, 64))
    traced = check_rule(Perturbation("np", trace=0.5), mine)
    assert "needs 16 bits in every synapse" in traced.misfits["mine"] and check_rule("np", mine).fits[0] == "mine"
    assert "mine" not in check_rule("np").fits


def test_a_rule_that_asks_for_nothing_is_said_to():
    assert "none of the updates is anything but 0; what is kept changes with" in " ".join(str(check_rule(Dead)).split())
    assert "an update changes with the broadcast" in " ".join(str(check_rule(Hebbian)).split())


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            Elsewhere,
            r"Elsewhere.change fails: .*; each argument is one number or a record of numbers, of this synapse and its neurons alone\.",
        ),
        (Unmarked, r"Unmarked.change cannot be compiled: squared is a plain function; mark it .*@scalar of hw_models.scalars"),
    ],
)
def test_what_a_method_cannot_do_is_said_in_a_sentence(rule, says):
    with pytest.raises(InputError, match=says):
        check_rule(rule)


@pytest.mark.parametrize("name", ["bptt", "eprop", "rflo"])
def test_a_gradient_is_no_rule_for_a_synapse_and_the_report_says_why(name):
    rule = Gradient(name)
    report = check_rule(rule)
    assert not report.local and list(dict.fromkeys(read.name for read in report.not_local)) == list(rule.needs)
    source = Path(neurosim.bptt.__file__ if name == "bptt" else neurosim.eprop.__file__)
    for read in report.not_local:
        assert f"# not local: {read.name}" in source.read_text().splitlines()[int(read.where.split(":")[1]) - 1]
        assert read.where in str(report)
    assert [d.need for d in report.differences] == list(rule.needs)
    assert (report.bits_per_step > 0) == ("history" in rule.needs)


class Wide(Hebbian):
    def change(self, w, r, pre, a, reward):
        return (1 - w) * reward


class Short(Hebbian):
    def change(self, w, r, pre, reward):
        return w


class Second(Hebbian):
    def change(self, w, r, pre, a, reward, rewards):
        return reward * rewards


class Bare(Hebbian):
    def signal(self, m, own, extra):
        return own.delta


class Unwrapped(Hebbian):
    def trace(self, r, pre, a):
        return self.decay * r.e + pre * a


class Paired(Hebbian):
    def change(self, w, r, pre, a, reward):
        return r, reward


class Forgot(Hebbian):
    def change(self, w, r, pre, a, reward):
        return r.eligibility * reward


class Misspelt(Hebbian):
    def change(self, w, r, pre, a, reward):
        return self.rl * r.e * reward


class Guesses(Hebbian):
    def signal(self, m, own, extra):
        return m, own.noise


BOARD = [0.0]


class Gossip(Hebbian):
    """Every neuron leaves its activity where the next one finds it."""

    def signal(self, m, own, extra):
        before = BOARD[0]
        BOARD[0] = own.delta
        return m, before


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


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Second, r"takes \(w, r, pre, a, reward, rewards\), but every Rule .*rewards is none of them; did you mean \"reward\"\?"),
        (Bare, r"Bare\.signal must return its Memory, Nothing, and a number, got"),
        (Unwrapped, r"Unwrapped\.trace must return its Register, Seen, got"),
        (Paired, r"Paired\.change must return a number, got \(Seen\("),
        (
            Forgot,
            r"Forgot reads r\.eligibility, but its Register has no eligibility; .*Declare it there, with its width: eligibility: Annotated",
        ),
        (Misspelt, r"Misspelt reads self\.rl, which is no field of it; did you mean \"lr\"\?"),
        (Guesses, r"Guesses reads own\.noise, but its own has no noise; Known: xi, delta, out, sigma, activity\."),
        (Gossip, r"Gossip\.signal uses the global BOARD \(list\), which all synapses and neurons would share"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_a_wrong_rule_is_refused_by_line_before_anything_is_compiled(rule, message):
    with pytest.raises(InputError, match=rf"^test_testing\.py:\d+: .*{message}"):
        check_rule(rule)


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


@scalar
def slope(part):
    """A helper that bears the name of the field it reads."""
    return 0.5 * part.slope


@scalar
def again(x):
    return x if x < 1.0 else again(0.5 * x)


class Sloped(NamedTuple):
    slope: float = 3.0
    draws = {}

    def convert(self, x, u):
        return slope(self) * x + self.slope


class Endless(Part):
    def convert(self, x, u):
        return again(x)


def test_a_helper_may_bear_the_name_of_a_field():
    compare_with_plain(Sloped(), Converter.convert)
    assert Sloped().convert(2.0, ()) == 6.0


def test_a_helper_that_calls_itself_is_refused_by_line():
    with pytest.raises(InputError, match=rf"{line(again, 0)}: again calls itself; a helper of parts must do without"):
        compare_with_plain(Endless(), Converter.convert)


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
