"""Rules: each method by hand, the options that make them, and a rule of a user's own."""

from typing import Annotated, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models.cells import Analog, ConstantStep, FixedPoint
from hw_models.chip import Chip, load
from hw_models.parts import Bits, InputError
from neurosim import rules
from neurosim.experiment import as_learning
from neurosim.network import Network
from neurosim.protocols import Extra, Nothing, Own
from neurosim.rules import KINDS, Learning, Perturbation
from neurosim.rules import activity_perturbation as anp
from neurosim.rules.node_perturbation import NP, NPSign, NPSignTrace, NPTrace
from neurosim.rules.ornstein_uhlenbeck import OUA, Fluctuation
from neurosim.rules.synapse import Eligibility
from neurosim.rules.weight_perturbation import WP, WPTrace
from neurosim.simulator import Simulator
from neurosim.testing import check_rule
from neurosim.wiring import Dense, Sparse

OWN = Own(xi=0.2, delta=0.3, out=0.9, sigma=0.5, activity=0.7)
EXTRA = Extra(layer_energy=0.6, layer_size=4.0, input_energy=8.0)

# ---------------------------------------------------------------- methods by hand


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [(NP, 0.2 / 0.25), (anp.ANPLayer, 0.3 * 4 / 0.6), (anp.ANPExpected, 0.3 / 0.25), (anp.ANPDeviation, 0.3 / 0.5)],
    ids=lambda kind: getattr(kind, "__name__", ""),
)
def test_signals(kind, expected, normalise):
    memory, a = kind(lr=0.1, normalise=normalise).signal(Nothing(), OWN, EXTRA)
    assert memory == Nothing() and a == pytest.approx(expected / (8 + 1e-6 if normalise else 1), rel=1e-12)


@pytest.mark.parametrize("v", [0.0, 0.4])
def test_a_running_mean_of_the_power_never_divides_by_less_than_the_noise(v):
    rule = anp.ANPRunning(lr=0.1, normalise=False, average=0.1)
    memory, a = rule.signal(anp.Power(v), OWN, EXTRA)
    assert memory.v == pytest.approx(v + 0.1 * (0.09 - v), rel=1e-12)
    assert a == pytest.approx(0.3 / max(memory.v, 0.25), rel=1e-12)
    assert (memory.v > 0.25) == (v == 0.4)  # both sides of the bound


@pytest.mark.parametrize("v", [0.0, 0.4])
def test_a_bounded_step_is_never_more_than_the_change_at_hand_asks_for(v):
    rule = anp.ANPBounded(lr=0.1, normalise=True, average=0.1)
    memory, a = rule.signal(anp.Power(v), OWN, EXTRA)
    assert memory.v == pytest.approx(v + 0.1 * (0.09 - v), rel=1e-12)
    assert a == pytest.approx(0.3 / max(memory.v, 0.09) / (8 + 1e-6), rel=1e-12)
    assert (memory.v > 0.09) == (v == 0.4)  # both sides of the bound


def test_a_silent_layer_asks_for_nothing():
    for extra in (Extra(0.0, 4.0, 0.0), Extra(0.0, 4.0, 8.0)):
        assert anp.ANPLayer(0.1, True).signal(Nothing(), OWN._replace(delta=0.0), extra)[1] == 0
        assert anp.ANPBounded(0.1, True, 0.1).signal(anp.Power(0.0), OWN._replace(delta=0.0), extra)[1] == 0


@pytest.mark.parametrize("kind", [NP, WP, anp.ANPLayer, anp.ANPExpected], ids=lambda kind: kind.__name__)
def test_a_change_at_once_is_rate_times_reward_times_pre_times_signal(kind):
    rule = kind(**{name: 0.1 if name == "lr" else False for name in kind._fields})
    assert rule.trace(Nothing(), 2.0, 3.0) == Nothing()
    assert rule.change(7.0, Nothing(), 2.0, 3.0, 0.5) == pytest.approx(0.1 * 0.5 * 2 * 3)


@pytest.mark.parametrize(
    "kind", [NPTrace, WPTrace, anp.ANPLayerTrace, anp.ANPExpectedTrace, anp.ANPRunningTrace], ids=lambda kind: kind.__name__
)
def test_a_trace_decays_and_is_what_a_change_uses(kind):
    rule = kind(**{name: {"lr": 0.1, "decay": 0.8}.get(name, 0.01) for name in kind._fields})
    e = rule.trace(Eligibility(5.0), 2.0, 3.0)
    assert e.e == pytest.approx(0.8 * 5 + 2 * 3)
    assert rule.change(7.0, e, 100.0, 100.0, 0.5) == pytest.approx(0.1 * 0.5 * 10)


@pytest.mark.parametrize(("a", "step"), [(3.0, 0.1), (-1e-9, -0.1), (0.0, 0.0)])
def test_the_sign_of_a_change_is_all_that_counts(a, step):
    assert NPSign(0.1, True, False).change(7.0, Nothing(), 2.0, a, 0.5) == step
    rule = NPSignTrace(0.1, 0.8, True, False)
    assert rule.change(7.0, rule.trace(Eligibility(0.0), 2.0, a), 100.0, 100.0, 0.5) == step
    assert rule.change(7.0, rule.trace(Eligibility(0.0), 2.0, a), 100.0, 100.0, -0.5) == -step
    assert NPSign(0.1, False, False).change(7.0, Nothing(), 2.0, a, 0.5) == pytest.approx(0.1 * 0.5 * 2 * a)  # a readout's
    assert rule._replace(signed=False).change(7.0, Eligibility(2 * a), 100.0, 100.0, 0.5) == pytest.approx(0.1 * 0.5 * 2 * a)


@pytest.mark.parametrize("normalise", [False, True])
def test_the_published_step_of_activity_perturbation(normalise):
    """-eta sqrt(N_tot) dL dh / |dh|**2 z with lr = eta sqrt(N_tot) / N."""
    eta, n_tot, d_loss, z = 1e-3, 1 + 4 + 1, 0.7, 1.5
    rule = anp.ANPLayer(eta * n_tot**0.5 / 4, normalise)
    _, a = rule.signal(Nothing(), OWN, EXTRA)
    published = -eta * n_tot**0.5 * d_loss * 0.3 / 0.6 * z
    assert rule.change(0.0, Nothing(), z, a, -d_loss) == pytest.approx(published / (8 + 1e-6 if normalise else 1), rel=1e-12)


def test_a_weight_wanders_around_its_mean_and_the_mean_follows_where_that_was_rewarded():
    rule = OUA(lr=0.1, keep=0.6)
    moved = rule.wander(Fluctuation(5.0), 2.0)
    assert moved == pytest.approx(0.6 * 5 + 0.8 * 2)
    assert rule.trace(Fluctuation(5.0), 7.0, 2.0) == Fluctuation(moved)
    assert rule.change(7.0, Fluctuation(moved), 7.0, 2.0, -0.5) == pytest.approx(-0.05 * moved)


# ---------------------------------------------------------------- options


def test_options_make_the_rule_the_loop_runs():
    made = Perturbation(
        "anp", 0.1, 0.2, "running", False, 0.3, 0.4, "sequence", "sequence", "noisy-noisy", 0.8, "hidden", 0.5, "all"
    ).learning()
    assert made == Learning(
        "danp",
        anp.ANPRunningTrace(lr=0.1, decay=0.4, normalise=False, average=0.3),
        anp.ANPRunningTrace(lr=0.2, decay=0.4, normalise=False, average=0.3),
        (True, True),
        False,
        False,
        0.5,
        False,
        False,
        0.8,
    )
    assert Perturbation("np", 0.1, 0.2).learning() == Learning(
        "np", NP(0.1, True), NP(0.2, True), (False, True), True, True, 0.0, True, True
    )
    assert Perturbation("wp", 0.1, 0.2).learning()[1:3] == (WP(0.1), WP(0.2))


@pytest.mark.parametrize("method", KINDS)
def test_every_kind_has_a_class_with_and_without_a_trace_and_a_sign(method):
    name, _, norm = method.partition(" ")
    options = {"norm": norm} if norm else {}
    made = [Perturbation(name, trace=trace, sign=sign, **options).learning().rule for sign in (False, True) for trace in (0.0, 0.5)]
    assert tuple(map(type, made)) == KINDS[method]
    assert [rule.Register for rule in made] == [Nothing, Eligibility] * 2


@pytest.mark.parametrize(("name", "kind"), [("np", NPTrace), ("anp", anp.ANPLayerTrace)])
def test_momentum_is_a_trace_of_what_the_neuron_has_multiplied_with_the_reward(name, kind):
    made = Perturbation(name, 0.5, 0.2, momentum=0.75).learning()
    assert made.folds and made.rule == kind(**{**made.rule._asdict(), "lr": 0.125, "decay": 0.75})
    assert made.readout_rule == made.rule._replace(lr=0.2, decay=0.0)
    assert Perturbation(name, 0.5, momentum=0.75, sign=True).learning().rule.lr == 0.5  # a sign has no size to take a share of
    assert not Perturbation(name).learning().folds and Perturbation(name, interval=2).learning().folds


def test_signs_leave_the_readout_alone():
    made = Perturbation(sign=True).learning()
    assert made.rule.signed and not made.readout_rule.signed


def test_a_reward_modulated_rule_predicts_its_reward():
    made = rules.NRL().learning()
    assert made.prediction == Perturbation().average and made.passes == (False, True) and made.rule.needs == ("input_energy",)
    assert Perturbation("np", passes="noisy", average=0.2).learning().prediction == 0.2
    assert Perturbation("np").learning().prediction == 0


@pytest.mark.parametrize("name", rules.DEFAULTS)
def test_names_of_the_family(name):
    choose = getattr(rules, name.upper().replace("-", "_"))
    made = choose()
    assert made.name == made.learning().name == name
    assert made == Perturbation(**rules.DEFAULTS[name])
    assert choose(lr=0.5).lr == 0.5
    if made.method in ("np", "anp"):  # the interval is what the name says
        assert choose(interval=5).name == f"{name.removesuffix('-over-time')}-over-time"
        assert choose(interval=1).name == name.removesuffix("-over-time")
    made.validate()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Perturbation(reward="sequence"), r'rule\.reward is "sequence" but rule\.trace is 0: .*set rule\.trace above 0'),
        (Perturbation("np", perturb="hidden", passes="noisy"), r'rule\.passes is "noisy", a single pass: .*rule\.perturb "all"'),
        (Perturbation("wp", perturb="hidden"), r'rule\.perturb is "hidden", but wp correlates .*: use "all"'),
        (Perturbation(trace=0.5, momentum=0.9), r"rule\.momentum is 0\.9 and rule\.trace is 0\.5: .*set one of them to 0"),
        (Perturbation("anp", passes="noisy"), r'rule\.passes is "noisy", a single pass: .*use rule np'),
        (Perturbation("np", passes="noisy", samples=2), r"with rule\.samples 1"),
        (Perturbation(decorrelate_inputs=True), r"rule\.decorrelate_inputs is true, but rule\.decorrelation_lr is 0: give it a rate"),
        (Perturbation("oua", trace=0.5, passes="antithetic"), r'Rule oua takes rule\.passes "noisy" or "clean-noisy"'),
        (Perturbation("oua", passes="noisy"), r"rule\.trace between 0 and 1"),
        (Perturbation("np", passes="antithetic", perturb="layer"), r'rule\.perturb is "layer", .*use rule\.passes "clean-noisy"'),
    ],
    ids=["reward", "np", "wp", "momentum", "single anp", "single samples", "inputs", "oua passes", "oua trace", "layer"],
)
def test_options_that_do_not_go_together(rule, message):
    with pytest.raises(InputError, match=message):
        rule.validate()


# ---------------------------------------------------------------- a rule of a user's own


class Tag(NamedTuple):
    e: Annotated[float, Bits(8)]


class Rate(NamedTuple):
    mean: Annotated[float, Bits(12)]


class Tagged(NamedTuple):
    """A decaying tag in every synapse, the running mean of the output in every neuron, and weights that decay at every broadcast."""

    lr: float
    keep: float
    decay: float

    site = "current"
    needs = ()
    Register = Tag
    Memory = Rate

    def signal(self, m, own, extra):
        mean = m.mean + 0.25 * (own.out - m.mean)
        return Rate(mean), own.xi / (own.sigma * own.sigma) * (1.0 - mean * mean)

    def trace(self, r, pre, a):
        return Tag(self.keep * r.e + pre * a)

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * r.e - self.decay * w


NETWORK = Network(2, 5, 2)


def series(replicas=1, steps=5, dtype="float32"):
    rng = np.random.default_rng(5)
    return (*(rng.standard_normal((replicas, steps, 2)).astype(dtype) for _ in range(2)), rng.random((replicas, steps)) < 0.8)


def test_a_users_rule_runs_plain_and_compiled():
    rule = Learning("tagged", Tagged(0.05, 0.5, 0.01), Tagged(0.1, 0.5, 0.02))
    plain, fast = (Simulator(NETWORK, Chip(), 3, rule, plain=plain) for plain in (True, False))
    for _ in range(2):
        np.testing.assert_equal(fast.learn(*series(2)), plain.learn(*series(2)))
    np.testing.assert_equal(fast.state(), plain.state())
    assert plain.state()["memories.0.mean"].shape == (2, 5) and plain.state()["memories.0.mean"].all()


def test_weights_decay_at_every_broadcast():
    """With no rate left, a weight falls to (1 - decay) of itself a counted step."""
    inputs, targets, counted = series(dtype="float64")
    counted[0, -1] = True
    one = Simulator(NETWORK, Chip(), 3, Learning("tagged", Tagged(0.0, 0.5, 0.01), Tagged(0.0, 0.5, 0.02)), dtype="float64", plain=True)
    before = one.weights
    one.learn(inputs, targets, counted)
    for w, w0, decay in zip(one.weights, before, (0.01, 0.01, 0.02), strict=True):
        np.testing.assert_allclose(w, w0 * (1 - decay) ** counted.sum(), rtol=1e-12)


def test_a_batch_asks_for_the_mean_of_whatever_a_rule_asks_for():
    ends = []
    for replicas in (1, 3):
        one = Simulator(NETWORK, Chip(), 3, Learning("tagged", *[Tagged(0.0, 0.5, 0.01)] * 2), dtype="float64", plain=True)
        inputs, targets, _ = series(dtype="float64")
        one.learn(*(np.repeat(a, replicas, axis=0) for a in (inputs, targets, np.ones((1, 5), bool))))
        ends.append(np.concatenate([w.ravel() for w in one.weights]))
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-12)


def test_registers_start_anew_with_a_sequence_and_memories_stay():
    """A simulator that never ran, given the weights and memories of one that did, goes on as that one does."""
    rule = Learning("tagged", *[Tagged(0.1, 1.0, 0.0)] * 2)
    one, fresh, forgetful = (Simulator(NETWORK, Chip(), 3, rule, plain=True) for _ in range(3))
    one.learn(*series())
    kept = {name: a.copy() for name, a in one.state().items()}
    fresh.restore(kept)
    forgetful.restore({name: np.zeros_like(a) if name.startswith("memories") else a for name, a in kept.items()})
    for simulator in (one, fresh, forgetful):
        simulator.learn(*series())
    np.testing.assert_equal(fresh.state(), one.state())
    assert not np.array_equal(forgetful.weights[0], one.weights[0])


# ---------------------------------------------------------------- changes by chance


class ByChance(NamedTuple):
    """Node perturbation whose weights move by whole steps: so many that the mean is what was asked for."""

    lr: float
    step: float

    site = "current"
    needs = ()
    Register = Nothing
    Memory = Nothing
    draws = {"settle": "u"}

    def signal(self, m, own, extra):
        return m, own.xi / (own.sigma * own.sigma)

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre * a

    def settle(self, w, d, u):
        return self.step * np.floor(d / self.step + u[0])


CHANCE = Learning("np", ByChance(1e-3, 0.01), ByChance(1e-3, 0.02))
TALL = Network(2, 10, 1)  # two fours of rows and two more


LATE = CHANCE._replace(at_once=False, passes=(False, True, True))


@pytest.mark.parametrize(
    ("network", "cases"),
    [(TALL, [(1, CHANCE), (2, CHANCE), (1, LATE)]), (Network(2, 10, 1, wiring=Sparse(0.4)), [(2, CHANCE)])],  # a network is compiled once
    ids=["dense", "sparse"],
)
def test_changes_by_chance_have_the_same_bits_compiled(network, cases):
    for replicas, learning in cases:
        given = np.random.default_rng(4).standard_normal((2, replicas, 4, 2)).astype("float32")
        data = given[0], given[1, :, :, :1], np.ones((replicas, 4), bool)
        plain, fast = (Simulator(network, Chip(), 3, learning, plain=plain) for plain in (True, False))
        for _ in range(2):
            np.testing.assert_equal(fast.learn(*data), plain.learn(*data))
        np.testing.assert_equal(fast.state(), plain.state())


@pytest.mark.parametrize(("replicas", "at_once"), [(1, True), (1, False), (2, True)], ids=["fours", "at the end", "batch"])
def test_changes_by_chance_are_whole_steps_whose_mean_is_what_was_asked(replicas, at_once, uncompiled):
    """One step of many synapses; each sum of rounded numbers has a standard deviation of at most half a step a number."""
    network, rng = Network(1, 60, 1), np.random.default_rng(4)
    inputs, targets = rng.standard_normal((2, replicas, 2, 1))
    step = 0.05
    found = []
    for kind in (ByChance(1e-3, step), NP(1e-3, False)):
        one = Simulator(network, Chip(), 3, Learning("np", kind, kind._replace(lr=0.0), at_once=at_once), dtype="float64", plain=True)
        before = one.weights[1]
        one.learn(inputs, targets, np.ones((replicas, 2), bool))
        found.append(one.weights[1] - before)
    made, asked = found
    np.testing.assert_allclose(made * replicas / step, np.round(made * replicas / step), atol=1e-9)
    assert np.abs(made - asked).max() > 0 and np.ptp(made) > 0
    # two steps of every replica, whose changes are averaged
    bound = 0.5 * step * np.sqrt(2 * made.size / replicas)
    assert abs(made.sum() - asked.sum()) < 5 * bound


def test_a_rule_by_chance_says_what_it_draws():
    report = check_rule(ByChance(1e-3, 0.01))
    assert [read.name for read in report.reads["settle"]] == ["self.step", "d", "u"] and report.local
    assert "             settle  self.step (constant), d (own change), u (own random number)" in str(report).splitlines()


@pytest.mark.parametrize(
    ("draws", "message"),
    [
        ({"change": "u"}, r'draws names "change", which receives no random numbers'),
        ({"settle": "x"}, r'draws\["settle"\] must be letters "u" \(uniform\) and "n" \(standard normal\), got \'x\''),
    ],
)
def test_what_a_rule_draws_is_checked(draws, message):
    with pytest.raises(InputError, match=message):
        check_rule(type("Odd", (ByChance,), {"draws": draws})(1e-3, 0.01))


# ---------------------------------------------------------------- changes that wait


class Steady(NamedTuple):
    """Asks every synapse for the same change whenever a reward arrives."""

    lr: float
    threshold: float

    site = "current"
    needs = ()
    Register = Nothing
    Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr


def flat(arrays):
    return np.concatenate([a.ravel() for a in arrays])


@pytest.mark.parametrize("wiring", [Dense(), Sparse(0.5)], ids=["dense", "sparse"])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "at the end"])
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("lr", [0.25, -0.25])
def test_changes_wait_until_they_come_to_the_threshold(wiring, at_once, replicas, lr):
    """By hand: 5 times a quarter is one whole and a quarter that waits; after 10 times it is two wholes and a half."""
    rule = Steady(lr, 1.0)
    learning = as_learning(rule)._replace(at_once=at_once)
    one = Simulator(Network(2, 10, 1, wiring=wiring), Chip(), 3, learning, dtype="float64", plain=True)
    before, sign = flat(one.weights), np.sign(lr)
    data = np.ones((replicas, 5, 2)), np.ones((replicas, 5, 1)), np.ones((replicas, 5), bool)
    for written, waits in ((1.0, 0.25), (2.0, 0.5)):
        one.learn(*data)
        np.testing.assert_allclose(flat(one.weights) - before, sign * written, rtol=1e-12)
        np.testing.assert_allclose(flat(one.waiting), sign * waits, rtol=1e-12)


@given(st.floats(1e-3, 1.0), st.floats(1e-3, 1.0), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans())
def test_nothing_that_was_asked_for_is_lost(lr, threshold, batches, at_once):
    """Whatever the size of one batch and the next: each asks for the mean over its sequences."""
    learning = as_learning(Steady(lr, threshold))._replace(at_once=at_once)
    one = Simulator(NETWORK, Chip(), 3, learning, dtype="float64", plain=True)
    before = flat(one.weights)
    for replicas in batches:
        one.learn(np.ones((replicas, 3, 2)), np.ones((replicas, 3, 2)), np.ones((replicas, 3), bool))
        one.prepare()  # changes nothing
    written, waits = flat(one.weights) - before, flat(one.waiting)
    np.testing.assert_allclose(written + waits, 3 * len(batches) * lr, rtol=1e-9)
    np.testing.assert_allclose(written / threshold, np.round(written / threshold), atol=1e-9 / threshold)
    assert np.all(np.abs(waits) < threshold * (1 + 1e-9))


class Coin(Steady):
    """Asks for a step up or down, as a coin falls."""

    draws = {"settle": "u"}

    def settle(self, w, d, u):
        return d if u[0] < 0.5 else -d


def test_noise_cancels_before_a_device_is_touched():
    """A walk of steps s leaves a band of 10 s about its start after 100 steps in the mean, and is then asked for 10: a tenth of the pulses.

    12 synapses make 1500 steps each, so that 180 such walks end, whose lengths vary as much as 0.8 of their mean: 6 % as standard error.
    """
    network, step = Network(2, 6, 2), 2.0**-9
    chip = Chip(cell=ConstantStep(step=step, step_spread=0.0, asymmetry_spread=0.0, cycle_noise=0.0, high=1.0, low=-1.0))
    asked = []
    for threshold in (0.0, 10.0):
        one = Simulator(network, chip, 3, dtype="float64")
        s = step * one.scales[0]
        rule = Coin(s, threshold * s * (1 - 1e-9))
        one = Simulator(network, chip, 3, Learning("coin", rule, rule, threshold=rule.threshold), dtype="float64")
        found = one.learn(np.ones((1, 1500, 2)), np.ones((1, 1500, 2)), np.ones((1, 1500), bool)).account.writes["input to hidden"]
        asked.append(found.hits / (1500 * 12))
    assert asked[0] == pytest.approx(1.0, abs=0.01) and asked[1] == pytest.approx(0.1, rel=0.2)


def test_what_waits_goes_on_after_a_pause():
    rule = Perturbation("np", 0.1, 0.1, threshold=0.02).learning()
    one, other = (Simulator(NETWORK, Chip(), 3, rule, plain=True) for _ in range(2))
    one.learn(*series())
    assert np.abs(flat(one.waiting)).max() > 0
    other.restore(one.state())
    for simulator in (one, other):
        simulator.learn(*series())
    np.testing.assert_equal(other.state(), one.state())


def test_what_is_asked_beyond_all_numbers_saturates_the_cell():
    """Levels from -127 to 127 of a full scale: what waits may grow without end, but never is no number."""
    one = Simulator(NETWORK, load("digital-8bit"), 3, as_learning(Steady(3e38, 0.01)), plain=True)
    one.learn(np.ones((1, 9, 2), "float32"), np.ones((1, 9, 2), "float32"), np.ones((1, 9), bool))
    for w, scale in zip(one.weights, one.scales, strict=True):
        np.testing.assert_allclose(w, scale, rtol=1e-2)
    assert not np.isnan(flat(one.waiting)).any()


def test_new_weights_forget_what_waited_for_the_old_ones():
    one = Simulator(NETWORK, Chip(), 3, as_learning(Steady(0.25, 1.0)), plain=True)
    one.learn(*series())
    one.program(one.weights)
    assert not flat(one.waiting).any()


@pytest.mark.parametrize(("made", "given"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_simulator_waits_for_all_that_it_learns_or_for_nothing(made, given):
    one = Simulator(NETWORK, Chip(), 3, as_learning(Steady(0.25, made)), plain=True)
    with pytest.raises(InputError, match=rf"has a threshold of {given:g}, but the simulator was made for one of {made:g}: both must"):
        one.learn(*series(), learning=as_learning(Steady(0.25, given)))


@pytest.mark.parametrize("threshold", [-1.0, 2e6])
def test_a_threshold_is_a_number_from_nothing_up(threshold):
    with pytest.raises(InputError, match=r"^Steady\.threshold must be a number from 0 to 1e\+06, got"):
        as_learning(Steady(0.25, threshold))
    by_hand = as_learning(Steady(0.25, 1.0))._replace(threshold=threshold)
    with pytest.raises(InputError, match="The threshold of Steady must be a number from 0 to 1e6, got"):
        Simulator(NETWORK, Chip(), 3, by_hand)


def test_only_cells_that_have_a_change_to_make_are_asked():
    """By hand: a quarter a step, so that every fourth of eight steps writes each weight, on numbers that swallow nothing and on those that may."""
    for chip in (Chip(), load("digital-16bit")):
        one = Simulator(NETWORK, chip, 3, as_learning(Steady(0.25, 1.0)), plain=True)
        writes = one.learn(np.ones((1, 8, 2), "float32"), np.ones((1, 8, 2), "float32"), np.ones((1, 8), bool)).account.writes
        assert {name: found.visited for name, found in writes.items()} == {
            name: 2 * pre * post for name, (pre, post) in zip(NETWORK.projections, NETWORK.shapes(), strict=True)
        }


class Checked(NamedTuple):
    """`Steady`, whose writes are verified or not."""

    lr: float
    threshold: float
    verify: bool

    site = "current"
    needs = ()
    Register = Nothing
    Memory = Nothing
    signal, trace, change = Steady.signal, Steady.trace, Steady.change


def ones(replicas, steps):
    return np.ones((replicas, steps, 2)), np.ones((replicas, steps, 1)), np.ones((replicas, steps), bool)


@pytest.mark.parametrize("wiring", [Dense(), Sparse(0.5)], ids=["dense", "sparse"])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "at the end"])
@pytest.mark.parametrize(
    "cell",
    [Analog(program_noise=0.0), load("reram-es").cell, FixedPoint(6), load("pcm").cell._replace(update="direct", drift=0.0, noise=0.0)],
    ids=["analog", "exponential", "words", "programmed"],
)
def test_a_weight_and_its_register_keep_what_was_asked_for_whatever_its_cell_makes_of_it(cell, at_once, wiring):
    """Thirty times a two hundredth of full scale, to cells whose gain varies by a third, that miss by a tenth of full scale, that round to a 31st, that answer to a
    twentieth of it at least.
    """
    network = Network(2, 10, 1, wiring=wiring)
    missed = []
    for verify in (True, False):
        rule = Checked(5e-3 * Simulator(network, Chip(cell=cell), 3).scales.min(), 0.01, verify)
        one = Simulator(network, Chip(cell=cell), 3, as_learning(rule)._replace(at_once=at_once), dtype="float64", plain=True)
        one.program([np.zeros_like(w) for w in one.weights])
        before = flat(one.weights)
        for _ in range(3):
            one.learn(*ones(2, 10))
        missed.append(np.abs(flat(one.weights) - before + flat(one.waiting) - 30 * rule.lr).max())
    assert missed[0] < 1e-12 and missed[1] > 0.1 * 30 * rule.lr


def test_what_a_write_missed_is_written_until_it_is_less_than_the_threshold():
    """Each try misses by a normal number of a standard deviation of 0.101 of full scale, and takes back what the last one missed by.

    So a try is off by 0.14 in the mean square, and within a threshold of 0.05 with a probability of 0.27: after 60 of them one in 2e8 weights is
    not, and those that are lie evenly between: 0.05 / sqrt(3) = 0.029, of 150 weights to 10 %. Written once they stay off by 0.101.
    """
    chip, off = load("reram-es").replace(cell__high_spread=0.0, cell__low_spread=0.0, memory={"kind": "unlimited"}), []
    for verify in (True, False):
        ask, rest = (as_learning(Checked(lr, 0.05, verify)) for lr in (0.3, 0.0))
        one = Simulator(Network(2, 10, 3), chip, 3, ask, dtype="float64")
        one.scales[:] = 1.0
        one.program([np.zeros_like(w) for w in one.weights])
        data = np.ones((1, 1, 2)), np.ones((1, 1, 3)), np.ones((1, 1), bool)
        one.learn(*data)
        for _ in range(60):
            one.learn(*data, learning=rest)
        off.append(flat(one.weights) - 0.3)
    assert np.abs(off[0]).max() < 0.05 and off[0].std() == pytest.approx(0.05 / 3**0.5, rel=0.15)
    assert off[1].std() > 0.08


def test_weight_and_register_hold_full_scale_at_most():
    """Devices that are stuck: what is asked for adds up to what is left of full scale, and does not go on from there."""
    chip = Chip(cell=ConstantStep(step=0.01, stuck=1.0))
    one = Simulator(NETWORK, chip, 3, as_learning(Checked(0.3, 0.01, True)), plain=True)
    before = one.weights
    for _ in range(3):
        one.learn(np.ones((1, 9, 2), "float32"), np.ones((1, 9, 2), "float32"), np.ones((1, 9), bool))
    np.testing.assert_equal(one.weights, before)
    for w, waiting, scale in zip(before, one.waiting, one.scales, strict=True):
        np.testing.assert_allclose(w + waiting, scale, rtol=1e-6)


@pytest.mark.parametrize("wiring", [Dense(), Sparse(0.5)], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", ["digital-8bit", "reram-es"])
def test_a_weight_that_came_to_its_bound_comes_back_as_soon_as_it_is_asked(name, wiring):
    """Devices that reach beyond full scale; a hundredth of it a step: after 5 steps back, 0.05 or, of a device, within what its writes miss."""
    chip = load(name).replace(memory={"kind": "unlimited"})
    chip = chip.replace(cell__high=1.5, cell__high_spread=0.0, cell__low_spread=0.0) if name == "reram-es" else chip
    there, back = (as_learning(Checked(lr, 0.01, True)) for lr in (0.01, -0.01))
    one = Simulator(Network(2, 10, 1, wiring=wiring), chip, 3, there, plain=True, dtype="float64")
    one.scales[:] = 1.0
    one.program([np.zeros_like(w) for w in one.weights])
    one.learn(*ones(1, 150))
    assert flat(one.weights) + flat(one.waiting) == pytest.approx(1.0, abs=1e-6)
    one.learn(*ones(1, 5), learning=back)
    assert flat(one.weights) + flat(one.waiting) == pytest.approx(0.95, abs=1e-6)


def test_cells_that_keep_what_they_have_not_written_cannot_be_verified():
    with pytest.raises(
        InputError, match=r'NP looks at what each write has moved \(verify\), but cells of the chip pcm-hermes keep .* to "direct" or'
    ):
        Simulator(NETWORK, load("pcm-hermes"), 3, Perturbation("np", threshold=0.01, verify=True).learning())


@pytest.mark.parametrize("verify", ["yes", 0.5, None])
def test_verify_is_true_or_false(verify):
    with pytest.raises(InputError, match=f"verify of Checked must be true or false, got {verify!r}"):
        Simulator(NETWORK, Chip(), 3, as_learning(Checked(0.1, 0.01, verify)))


def test_nothing_can_be_verified_without_a_threshold():
    with pytest.raises(InputError, match=r"rule\.verify is true but rule\.threshold is 0"):
        Simulator(NETWORK, Chip(), 3, Perturbation("np", verify=True).learning())
    with pytest.raises(InputError, match=r"^rule\.verify is true but"):
        as_learning(Checked(0.1, 0.0, True))
    by_hand = as_learning(Checked(0.1, 0.01, True))._replace(threshold=0.0)
    with pytest.raises(InputError, match=r"Of Checked, rule\.verify is true but"):
        Simulator(NETWORK, Chip(), 3, by_hand)
    with pytest.raises(InputError, match=r"Of the learning, rule\.verify is true but"):
        Simulator(NETWORK, Chip(), 3, Perturbation("np").learning(), plain=True).learn(*series(), learning=by_hand)


def test_what_waits_needs_room_in_the_synapse():
    rule = Perturbation("np", trace=0.5, threshold=0.01).learning()
    with pytest.raises(
        InputError, match=r"NPTrace needs 32 bits in every synapse \(e 16 bit; waiting 16 bit\), but the chip digital-8bit has 16"
    ):
        Simulator(NETWORK, load("digital-8bit"), 3, rule)
    report = check_rule(Steady(0.1, 0.5))
    assert "keeps      16 bit (waiting 16) in every synapse" in str(report) and "odin" in report.misfits
    assert "keeps      8 bit (e 8) and 16 bit (waiting 16) in every synapse" in str(report._replace(register={"e": 8}))
