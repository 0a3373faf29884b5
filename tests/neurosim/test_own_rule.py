"""Rules of one's own with the family's options: the same passes, and refusals where nothing could be learned by it."""

from typing import Literal, NamedTuple

import numpy as np
import pytest

from hw_models.chip import Chip
from hw_models.noise import Gaussian
from hw_models.parts import InputError
from neurosim.experiment import as_learning
from neurosim.network import Network
from neurosim.neurons import LIF, Leaky, Tanh
from neurosim.protocols import Nothing
from neurosim.rules import Perturbation
from neurosim.rules.synapse import Eligibility
from neurosim.simulator import Simulator
from neurosim.testing import check_rule

NETWORK = Network(2, 5, 2)


def flat(arrays):
    return np.concatenate([a.ravel() for a in arrays])


class Mine(NamedTuple):
    """`NP` written anew, with the family's options that say how passes go."""

    lr: float = 0.01
    readout_lr: float = 0.02
    samples: int = 1
    passes: Literal["clean-noisy", "antithetic", "noisy"] = "clean-noisy"
    interval: int = 1
    carry: float = 1.0
    update: Literal["step", "sequence"] = "step"
    decorrelation_lr: float = 0.0
    threshold: float = 0.0

    site = "current"
    needs = ("input_energy",)
    Register = Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi / (own.sigma * own.sigma * (extra.input_energy + 1e-6))

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre * a


@pytest.mark.parametrize(
    "options",
    [
        {"samples": 3},
        {"passes": "antithetic", "samples": 2, "carry": 0.5},
        {"passes": "noisy"},
        {"interval": 4, "samples": 2},
        {"update": "sequence"},
        {"decorrelation_lr": 0.01},
        {"threshold": 0.01},
    ],
    ids=lambda options: " ".join(options),
)
def test_a_rule_of_ones_own_has_the_familys_options_by_their_names(options):
    mine, ours = as_learning(Mine(**options)), Perturbation("np", 0.01, 0.02, **options).learning()
    assert mine._replace(name="", rule=None, readout_rule=None) == ours._replace(name="", rule=None, readout_rule=None)
    weights = []
    for learning in (mine, ours):
        one = Simulator(NETWORK, Chip(), 3, learning, dtype="float64", plain=True)
        rng = np.random.default_rng(1)
        one.learn(rng.standard_normal((1, 12, NETWORK.inputs)), rng.standard_normal((1, 12, NETWORK.outputs)), np.ones((1, 12), bool))
        weights.append(flat([*one.weights, *one.waiting]))
    np.testing.assert_allclose(*weights, rtol=1e-12)
    assert not np.allclose(weights[0], flat([*Simulator(NETWORK, Chip(), 3, mine, dtype="float64", plain=True).weights, *one.waiting]))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"samples": 65}, r"^Mine\.samples must be"),
        ({"interval": 3, "passes": "noisy"}, "rule.interval is 3, for which neurons keep the signal"),
        ({"passes": "noisy", "samples": 2}, 'rule.passes is "noisy", a single pass'),
    ],
)
def test_and_what_the_family_refuses_is_refused(options, says):
    with pytest.raises(InputError, match=says):
        as_learning(Mine(**options))


class Late(NamedTuple):
    """Waits in its synapse for a reward that comes at the end."""

    lr: float = 0.01
    reward: Literal["step", "sequence"] = "sequence"

    site = "current"
    needs = ("input_energy",)
    Register = Eligibility
    Memory = Nothing
    signal = Mine.signal

    def trace(self, r, pre, a):
        return Eligibility(r.e + pre * a)

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * r.e


def test_a_reward_for_a_sequence_takes_a_register():
    assert not as_learning(Late()).every_step
    with pytest.raises(InputError, match=r'rule\.reward is "sequence"'):
        as_learning(type("Memoryless", (Late,), {"Register": Nothing, "trace": Mine.trace, "change": Mine.change})())


class Rectified(Mine):
    def change(self, w, r, pre, a, reward):
        return self.lr * max(reward, 0.0) * pre * a


class Elsewhere(Mine):
    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre[0] * a


class Tracing(Mine):
    Register = Eligibility

    def trace(self, r, pre, a):
        return Eligibility(0.9 * r.e + pre * a)


class Measuring(NamedTuple):
    """Looks at how its activity changed, and asks for a readout without noise of its own, or for a single pass."""

    lr: float = 0.01
    perturb: Literal["all", "hidden"] = "all"
    passes: Literal["clean-noisy", "noisy"] = "clean-noisy"

    site = "current"
    needs = ()
    Register = Memory = Nothing
    trace, change = Mine.trace, Mine.change

    def signal(self, m, own, extra):
        return m, own.delta


class Given(Measuring):
    def signal(self, m, own, extra):
        return m, own.xi


class Both(Measuring):
    def signal(self, m, own, extra):
        return m, own.xi + own.delta


class Homeless(NamedTuple):
    lr: float = 0.01


class Old(Mine):
    def perturb(self, r, a):
        return a


class Fraction(NamedTuple):
    lr: float = 0.01
    reward: float = 3.0

    site = "current"
    needs = ()
    Register = Memory = Nothing
    signal, trace, change = Given.signal, Mine.trace, Mine.change


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            Rectified(samples=2),
            r"test_own_rule.py:\d+: Rectified has several samples or an interval, .* a change must depend on a \* reward",
        ),
        (Rectified(interval=4), r"a change must depend on a \* reward"),
        (Elsewhere(interval=4), r"Elsewhere.change fails: "),
        (Tracing(interval=4), r"its Register would remember rewarded changes"),
        (Given(perturb="hidden"), r'with perturb "hidden" the readout is given none'),
        (Measuring(passes="noisy"), r'with passes "noisy" there is no other pass to see one'),
        (Homeless(), r"Homeless has no method signal|must have"),
        (Old(), r"Old.perturb: what makes a perturbation of a weight last is called wander"),
        (Fraction(), r"Fraction.reward must be .*Fields of a rule that are named as options .*: reward\. Rename one"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, tuple) else "",
)
def test_what_could_not_learn_is_refused(rule, says):
    for of in (as_learning, check_rule):
        with pytest.raises(InputError, match=says):
            of(rule)


def test_and_what_can_is_not():
    assert as_learning(Rectified()).samples == 1
    assert as_learning(Tracing(samples=2)).lanes == 2  # each sample waits in a register of its own
    assert not as_learning(Measuring(perturb="hidden")).perturb_readout
    assert as_learning(Both(passes="noisy")).passes == (True,)
    assert as_learning(Mine(samples=3.0)).passes == (False, True, True, True)


class Voltage(NamedTuple):
    """Asks every synapse for what its neuron's activity is, so that weights add it up."""

    lr: float = 1e-9
    passes: Literal["noisy"] = "noisy"

    site = "current"
    needs = ()
    Register = Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.activity

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr * a


@pytest.mark.parametrize(("neuron", "shown"), [(LIF(activity="membrane", v_threshold=1e6), "v"), (Leaky(), "h"), (Tanh(), "h")])
def test_a_rule_reads_its_neurons_activity(uncompiled, neuron, shown):
    """A membrane (here of neurons that never fire), or the current, as the same network shows it by itself; perturbations are too small to matter."""
    network, chip = Network(2, 5, 2, neuron=neuron, gain=2.0), Chip(noise=Gaussian(1e-12))
    inputs = np.random.default_rng(0).standard_normal((1, 30, 2))
    simulator = Simulator(network, chip, 1, as_learning(Voltage()), dtype="float64")
    before = simulator.weights
    simulator.learn(inputs, np.zeros((1, 30, 2)), np.ones((1, 30), bool))
    seen = Simulator(network, chip, 1, dtype="float64").run(inputs[0], (shown,))[shown]
    for k in (0, 1):  # every synapse of a neuron adds up the same
        added = (simulator.weights[k] - before[k]) / 1e-9
        assert np.allclose(added, seen.sum(axis=0), atol=1e-4) and np.abs(added).max() > 0.1


def test_what_a_rule_reads_of_its_neurons_activity_is_local():
    report = check_rule(Voltage)
    assert (
        report.local
        and "own.activity (this neuron)" in str(report)
        and "an update changes with its neuron's activity" in " ".join(str(report).split())
    )
