"""Which passes are compared, what a neuron makes of several rewards, and what losses are compared with where there is no clean pass."""

import importlib

import numpy as np
import pytest

from hw_models.chip import Chip, load
from hw_models.circuit import FixedPointCircuit
from hw_models.noise import Bernoulli, Gaussian, Silent
from hw_models.parts import InputError
from hw_models.reward import DigitalWire
from neurosim import loop, rules
from neurosim.network import Network
from neurosim.neurons import LIF, Linear, Tanh
from neurosim.rules import Learning, Perturbation
from neurosim.rules.ornstein_uhlenbeck import OUA
from neurosim.simulator import Simulator
from neurosim.wiring import Dense

SEED = 3
SMALL = Network(2, 3, 2, Linear())
SIGMA = 0.25
LOUD = Chip(noise=Gaussian(SIGMA))


def series(network=SMALL, replicas=1, steps=3, seed=5):
    rng = np.random.default_rng(seed)
    inputs, targets = (rng.standard_normal((replicas, steps, width)) for width in (network.inputs, network.outputs))
    return inputs, targets, np.ones((replicas, steps), bool)


def watched(simulator, data):
    """Learn with the plain loop; of each step and group, the perturbations, outputs, rewards and signals."""
    module, seen = importlib.import_module(loop.sequence.__module__), []
    original = module.listen

    def listen(rule, plan, group, sigma, one):
        original(rule, plan, group, sigma, one)
        seen.append((group.number, group.xi.copy(), group.out.copy(), group.heard.copy(), group.a.copy(), sigma))

    module.listen = listen
    try:
        simulator.learn(*data)
    finally:
        module.listen = original
    return seen


def simulator(rule, network=SMALL, chip=LOUD, plain=True, dtype="float64"):
    return Simulator(network, chip, SEED, rule.learning() if isinstance(rule, Perturbation) else rule, dtype=dtype, plain=plain)


def estimates(rule, replicas, data=None, network=SMALL, chip=LOUD):
    """Reward times signal of every hidden neuron in one step, an estimate a replica: (replica, neuron)."""
    inputs, targets, _ = data or series(network, 1, 1)
    one = simulator(rule, network, chip)
    seen = watched(one, (np.repeat(inputs, replicas, 0), np.repeat(targets, replicas, 0), np.ones((replicas, 1), bool)))
    (_, _, _, _, a, _), (_, _, out, heard, _, _) = seen
    if one.learning.folds:
        return a
    value, base = (((out[q] - targets[:, 0]) ** 2).sum(1) for q in (1, 0))
    return a * (base - value)[:, None] * heard[1][:, None]


TINY = Network(1, 2, 1, Linear())
TINY_DATA = series(TINY, steps=1)


def check_gradient(found):
    """Whether the mean of estimates is minus the gradient of the loss of a single step."""
    (inputs, targets, _), (a, _, b) = TINY_DATA, simulator(Perturbation("np"), TINY).weights
    gradient = 2 * (inputs[0, 0] @ a @ b - targets[0, 0]) @ b.T
    assert abs(gradient).max() > 10 * found.std(0).max() / np.sqrt(len(found))  # or nothing would be asked
    assert (abs(found.mean(0) + gradient) < 5 * found.std(0) / np.sqrt(len(found))).all()


# ---------------------------------------------------------------- which passes are compared


@pytest.mark.parametrize(
    ("rule", "passes", "base", "sends"),
    [
        (Perturbation("np"), (0, 1), (0, 0), (0, 1)),
        (Perturbation("np", samples=3), (0, 1, 1, 1), (0, 0, 0, 0), (0, 1, 1, 1)),
        (Perturbation("np", passes="noisy-noisy"), (1, 1), (0, 0), (0, 1)),
        (Perturbation("np", passes="antithetic", samples=2), (1, 1, 1, 1), (0, 0, 2, 2), (0, 1, 0, 1)),
        (Perturbation("np", passes="noisy"), (1,), (0,), (1,)),
    ],
)
def test_who_is_compared_with_whom(rule, passes, base, sends):
    made = rule.learning()
    assert made.passes == tuple(map(bool, passes)) and made.base == base and made.sends == tuple(map(bool, sends))
    assert made.samples == sum(sends) and made.folds == (sum(sends) > 1)


@pytest.mark.parametrize("passes", ["clean-noisy", "noisy-noisy", "antithetic"])
def test_a_neuron_averages_reward_times_signal_over_its_samples(passes):
    """Every reward by hand from what the passes put out, and each neuron's signal from what it was given."""
    rule = Perturbation("np", 0.0, 0.0, normalise=False, passes=passes, samples=3)
    data, learning = series(), rule.learning()
    seen = watched(simulator(rule), data)
    outputs = {t: out for t, (number, _, out, *_) in enumerate(seen) if number == 1}
    variance = SIGMA**2 * {"clean-noisy": 1, "noisy-noisy": 2, "antithetic": 4}[passes]
    tips = [(q, base) for q, base in enumerate(learning.base) if learning.sends[q]]
    assert len(tips) == 3
    for turn, (_, xi, _, _, a, sigma) in enumerate(seen):
        assert sigma**2 == pytest.approx(variance)
        out, target = outputs[turn | 1], data[1][0, turn // 2]  # groups take turns: hidden, readout
        losses = ((out[:, 0] - target) ** 2).sum(1)
        expected = sum((losses[base] - losses[q]) * (xi[q, 0] - xi[base, 0]) for q, base in tips) / (3 * variance)
        np.testing.assert_allclose(a[0], expected, rtol=1e-9, atol=1e-12)
        if passes == "antithetic":
            for q, base in tips:
                np.testing.assert_array_equal(xi[q], -xi[base])
        assert len({float(xi[q, 0, 0]) for q, _ in tips}) == 3


def test_samples_change_the_weights_by_what_neurons_heard():
    """One step: what a weight gains is rate times input times the neuron's averaged signal."""
    rule = Perturbation("np", 0.01, 0.02, normalise=False, samples=4)
    data, one = series(steps=1), simulator(rule)
    before = one.weights
    (_, _, _, _, hidden, _), (_, _, _, _, readout, _) = watched(one, data)
    u, x = data[0][0, 0], np.asarray(data[0][0, 0]) @ before[0]
    for w, w0, expected in zip(one.weights, before, (np.outer(u, 0.01 * hidden[0]), 0.0, np.outer(x, 0.02 * readout[0])), strict=True):
        np.testing.assert_allclose(w - w0, expected, rtol=1e-9, atol=1e-15)


def test_the_variance_falls_with_the_number_of_samples_and_the_mean_stays():
    """1,000 estimates with one and with four samples; the spread of a variance is taken from the estimates' own fourth moments."""
    n, found = 1000, {}
    for samples in (1, 4):
        found[samples] = estimates(Perturbation("np", 0.0, 0.0, normalise=False, samples=samples), n, TINY_DATA, TINY)
    one, four = found[1], found[4]
    error = np.sqrt((one.var(0) + four.var(0)) / n)
    assert (abs(one.mean(0) - four.mean(0)) < 5 * error).all()
    ratio = 4 * four.var(0) / one.var(0)
    spread = sum(((x - x.mean(0)) ** 4).mean(0) / x.var(0) ** 2 - 1 for x in (one, four)) / n
    assert (abs(np.log(ratio)) < 5 * np.sqrt(spread)).all(), ratio


@pytest.mark.parametrize(
    "options",
    [{"samples": 3, "passes": passes} for passes in ("clean-noisy", "noisy-noisy", "antithetic")] + [{"samples": 2, "perturb": "layer"}],
    ids=lambda options: " ".join(map(str, options.values())),
)
@pytest.mark.parametrize("method", ["np", "wp"])
def test_samples_that_wait_for_their_rewards_ask_for_what_averaged_ones_do(method, options):
    """With a trace that forgets at once: each sample meets its own reward in the synapse, and the mean of them is what is written (of a
    layer that only one of them perturbs, the sum)."""
    ends = []
    for trace in (0.0, 1e-12):
        one = simulator(Perturbation(method, 1e-3, 1e-3, normalise=False, trace=trace, **options))
        assert one.learning.lanes == (options["samples"] if trace else 1)
        start = one.weights
        one.learn(*series(replicas=2))
        ends.append([w - w0 for w, w0 in zip(one.weights, start, strict=True)])
    for folded, apart in zip(*ends, strict=True):
        np.testing.assert_allclose(apart, folded, rtol=1e-8, atol=1e-16)
        assert abs(folded).max() > 1e-6


def test_each_sample_meets_its_own_late_reward():
    """By hand, a reward two steps late: e_k <- e_k / 2 + input * signal_k; what changes is the mean over k of rate * reward_k * e_k."""
    rule, chip = Perturbation("np", 0.01, 0.01, normalise=False, samples=2, trace=0.5), LOUD.replace(wire=DigitalWire(24, 16.0, delay=2))
    data, one = series(steps=4), simulator(rule, chip=chip)
    before = one.weights[0]
    seen = watched(one, data)
    hidden, readout = seen[::2], seen[1::2]
    e, change = np.zeros((2, *before.shape)), 0.0
    for t in range(4):
        _, xi, _, _, a, _ = hidden[t]
        np.testing.assert_allclose(a, xi[1:, 0] / SIGMA**2, rtol=1e-12)
        e = 0.5 * e + data[0][0, t][:, None] * a[:, None]
        if t >= 2:
            out, target = readout[t - 2][2], data[1][0, t - 2]
            losses = ((out[:, 0] - target) ** 2).sum(1)
            change = change + 0.01 * np.mean([(losses[0] - losses[k + 1]) * e[k] for k in range(2)], axis=0)
    np.testing.assert_allclose(one.weights[0] - before, change, rtol=1e-4, atol=1e-5)  # the wire has 24 bits
    assert abs(change).max() > 1e-3


def weight_changes(rule, n):
    """What one step of learning asks of all weights, n times with other noise: (n, weight)."""
    one, found = simulator(rule, TINY), []
    start = one.weights
    for _ in range(n):
        one.program(start)
        one.learn(*TINY_DATA)
        found.append(np.concatenate([(w - w0).ravel() for w, w0 in zip(one.weights, start, strict=True)]))
    return np.array(found)


def test_the_variance_of_weight_perturbation_falls_with_the_number_of_samples():
    """As for nodes: of 600 estimates, with five standard errors of their own. (Recurrent weights see nothing in a first step.)"""
    one, four = (weight_changes(Perturbation("wp", 1.0, 1.0, samples=samples), 600) for samples in (1, 4))
    assert (abs(one.mean(0) - four.mean(0)) < 5 * np.sqrt((one.var(0) + four.var(0)) / 600)).all()
    spread = sum(((x - x.mean(0)) ** 4).mean(0) / x.var(0) ** 2 - 1 for x in (one, four)) / 600
    assert (abs(np.log(4 * four.var(0) / one.var(0))) < 5 * np.sqrt(spread)).all()


def test_antithetic_weights_move_apart_and_what_is_even_cancels():
    """Where the loss is at its minimum, all that is of second order cancels; what is left is of third, a hundred times smaller here."""
    inputs, _, counted = series(steps=1)
    target, chip = simulator(Perturbation("wp")).run(inputs)["y"], Chip(noise=Gaussian(1e-3))
    sizes = []
    for passes in ("clean-noisy", "antithetic"):
        one = simulator(Perturbation("wp", 1.0, 1.0, passes=passes, samples=2), chip=chip)
        start = one.weights
        one.learn(inputs, target, counted)
        sizes.append(max(abs(w - w0).max() for w, w0 in zip(one.weights, start, strict=True)))
    assert 0 < sizes[1] < sizes[0] / 100


def test_antithetic_perturbations_cancel_what_is_even_in_them():
    """At the minimum of a quadratic loss, all that a perturbation changes is even in it."""
    inputs, _, counted = series(steps=1)
    target = simulator(Perturbation("np")).run(inputs)["y"]
    for samples in (1, 2):
        options = {"normalise": False, "samples": samples}
        plain = estimates(Perturbation("np", 0.0, 0.0, **options), 20, (inputs, target, counted))
        mirrored = estimates(Perturbation("np", 0.0, 0.0, passes="antithetic", **options), 20, (inputs, target, counted))
        assert abs(plain).min() > 1e-6 and abs(mirrored).max() < 1e-13


def test_antithetic_perturbations_estimate_the_gradient_of_a_quadratic_loss():
    """Mean over 1,000, within five standard errors of minus the gradient."""
    found = estimates(Perturbation("np", 0.0, 0.0, normalise=False, passes="antithetic"), 1000, TINY_DATA, TINY)
    check_gradient(found)


def test_pairs_part_from_their_own_base():
    """With nothing carried on, the second of a pair starts every step where the first one is."""
    rule = Perturbation("np", 0.0, 0.0, passes="noisy-noisy", samples=2, carry=0.0)
    seen = [entry for entry in watched(simulator(rule), series()) if entry[0] == 0]
    for _, xi, out, *_ in seen:
        for q, base in ((1, 0), (3, 2)):
            np.testing.assert_allclose(out[q] - out[base], xi[q] - xi[base], rtol=1e-9, atol=1e-12)
    assert not np.allclose(seen[-1][2][2] - seen[-1][2][0], seen[-1][1][2] - seen[-1][1][0])


def test_iterative_perturbation_shakes_one_layer_a_pass():
    """Two hidden layers and a readout: each is perturbed in a pass of its own and learns from that one alone."""
    network = Network(2, (3, 2), 2, Linear())
    rule = Perturbation("np", 0.0, 0.0, normalise=False, perturb="layer", samples=3)
    data = series(network, steps=1)
    seen = watched(simulator(rule, network), data)
    out = seen[-1][2]
    losses = ((out[:, 0] - data[1][0, 0]) ** 2).sum(1)
    for number, xi, _, _, a, _ in seen:
        assert [bool(np.any(xi[q])) for q in range(4)] == [q == number + 1 for q in range(4)]
        np.testing.assert_allclose(a[0], (losses[0] - losses[number + 1]) * xi[number + 1, 0] / SIGMA**2, rtol=1e-9)


def test_a_coin_perturbs_as_well_as_a_bell_curve():
    """Bernoulli noise: minus the gradient on average, within five standard errors over 1,000."""
    check_gradient(estimates(Perturbation("np", 0.0, 0.0, normalise=False), 1000, TINY_DATA, TINY, Chip(noise=Bernoulli(SIGMA))))


@pytest.mark.parametrize("norm", ["layer", "expected", "bounded"])
def test_where_hidden_neurons_know_their_noise_an_unperturbed_readout_learns_from_what_reaches_it(norm):
    """One step by hand: hidden weights change as under node perturbation, those of the readout by how its activity changed."""
    lr, readout_lr = 0.01, 0.02
    one = simulator(Perturbation("np", lr, readout_lr, norm, normalise=False, perturb="hidden", average=0.25))
    (inputs, targets, counted), (a, _, b) = series(steps=1), one.weights
    xi, readout = one.perturbations(1)
    assert not readout.any()
    one.learn(inputs, targets, counted)
    x, u = inputs[0, 0] @ a, inputs[0, 0]
    delta = xi[0] @ b
    gain = ((x @ b - targets[0, 0]) ** 2).sum() - (((x + xi[0]) @ b - targets[0, 0]) ** 2).sum()
    power = {"layer": (delta**2).mean(), "expected": SIGMA**2, "bounded": delta**2}[norm]  # more than a quarter of it
    np.testing.assert_allclose(one.weights[0] - a, lr * gain * np.outer(u, xi[0]) / SIGMA**2, rtol=1e-7)
    np.testing.assert_allclose(one.weights[2] - b, readout_lr * gain * np.outer(x, delta / power), rtol=1e-7)
    assert [type(memory).__name__ for memory in one.memories] == ["Nothing", "Power" if norm == "bounded" else "Nothing"]


@pytest.mark.parametrize("norm", ["layer", "expected", "running"])
def test_every_norm_of_activity_perturbation_follows_the_gradient_where_nothing_colours_activity(norm):
    """In a first step of linear neurons activity changes by the noise alone, alike in all directions: the sum over the layer loses nothing."""
    check_gradient(estimates(Perturbation("anp", 0.0, 0.0, norm=norm, normalise=False), 1000, TINY_DATA, TINY))


# ---------------------------------------------------------------- momentum


def test_momentum_adds_a_running_mean_of_changes():
    """Two sequences of three steps by hand: m <- 0.75 m + 0.25 rate * input * reward * signal, and each m is added once. It is what a trace is
    not: a matter of the weight, and outlives a sequence."""
    rule = Perturbation("np", 0.01, 0.01, normalise=False, momentum=0.75)
    data, one = series(), simulator(rule)
    m, w = 0.0, one.weights[0]
    before = w
    for _ in range(2):
        signals = [a[0] for number, _, _, _, a, _ in watched(one, data) if number == 0]
        for u, a in zip(data[0][0], signals, strict=True):
            m = 0.75 * m + 0.25 * 0.01 * np.outer(u, a)
            w = w + m
    np.testing.assert_allclose(one.weights[0] - before, w - before, rtol=1e-8)


def test_running_means_of_changes_survive_a_pause():
    rule, data = Perturbation("np", 0.01, 0.01, momentum=0.75), series(replicas=2)
    whole, first, second = (simulator(rule) for _ in range(3))
    for one in (whole, whole, first):
        one.learn(*data)
    second.restore(first.state())
    second.learn(*data)
    np.testing.assert_equal(second.state(), whole.state())
    assert whole.state()["registers.0.e"].shape == (2, 2, 3) and whole.state()["registers.0.e"].all()


# ---------------------------------------------------------------- rewards over an interval


@pytest.mark.parametrize(("seed", "phase"), [(0, 0), (5, 1), (3, 2)])
def test_a_neuron_keeps_its_signal_and_hears_for_an_interval_what_came_of_it(seed, phase):
    """Eight steps by hand: perturbed every third one from any of the first three on, where the perturbed pass starts from the clean one; synapses
    learn after each interval from what they saw when it began, also after the last, which the end of the sequence cuts short."""
    lr, rule = 0.01, Perturbation("np", 0.01, 0.0, normalise=False, interval=3, carry=0.5)
    one = Simulator(SMALL, LOUD, seed, rule.learning(), dtype="float64", plain=True)
    (inputs, targets, _), (a, r, b) = series(steps=8), one.weights
    hidden, readout = one.perturbations(8)
    assert list(np.flatnonzero(hidden.any(1))) == list(range(phase, 8, 3))
    account = one.learn(*series(steps=8)).account
    assert account.begun == account.ended == len(range(phase, 8, 3))
    x = noisy = kept = np.zeros(3)
    heard, seen = 0.0, (np.zeros(2), x)
    for t in range(8):
        u, begins = inputs[0, t], t % 3 == phase
        if begins:
            noisy, kept, heard, seen = x, hidden[t], 0.0, (u, x)
        else:
            noisy = x + 0.5 * (noisy - x)
        x, noisy = u @ a + x @ r, u @ a + noisy @ r + begins * hidden[t]
        heard += ((x @ b - targets[0, t]) ** 2).sum() - ((noisy @ b + readout[t] - targets[0, t]) ** 2).sum()
        if t == 7 or (t + 1) % 3 == phase:
            a, r = (w + lr * heard * np.outer(z, kept) / SIGMA**2 for w, z in zip((a, r), seen, strict=True))
    np.testing.assert_allclose(one.weights[0], a, rtol=1e-9)
    np.testing.assert_allclose(one.weights[1], r, rtol=1e-9)


def test_over_short_sequences_each_step_has_its_turn():
    """Of an interval as long as a sequence or longer, each sequence has one perturbation, in any of its steps."""
    one, found = simulator(Perturbation("np", 0.0, 0.0, interval=9)), []
    for _ in range(60):
        found.append(np.flatnonzero(one.perturbations(3)[0].any(1)))
        assert one.learn(*series(steps=3)).account.begun == 1
    counts = np.bincount(np.concatenate(found), minlength=3)
    assert sum(counts) == 60 and (abs(counts - 20) < 4 * np.sqrt(60 * 2 / 9)).all()  # four standard errors


@pytest.mark.parametrize("interval", [1, 2, 5])
def test_where_nothing_was_heard_nothing_is_written(interval):
    """Of twelve steps the fifth alone counts: one change by the rate, whatever the running mean would still ask for."""
    rule = Perturbation("np", 0.01, 0.0, interval=interval, momentum=0.9, sign=True)
    inputs, targets, counted = series(replicas=2, steps=12)
    one, counted = simulator(rule), counted & (np.arange(12) == 4)
    before = one.weights[0]
    account = one.learn(inputs, targets, counted).account
    np.testing.assert_allclose(abs(one.weights[0] - before).max(), 0.01, rtol=1e-9)
    assert 12 // interval <= account.begun <= -(-12 // interval) and account.ended == 1


def test_each_replica_changes_weights_for_what_it_has_heard_itself():
    """Of two, the second is never judged: the batch asks for half of what the first asks for alone."""
    rule, (inputs, targets, counted) = Perturbation("np", 0.01, 0.0, interval=3, momentum=0.5, sign=True), series(replicas=2, steps=9)
    one, both = simulator(rule), simulator(rule)
    before = one.weights[0]
    one.learn(inputs[:1], targets[:1], counted[:1])
    counted[1] = False
    both.learn(inputs, targets, counted)
    np.testing.assert_allclose(both.weights[0] - before, (one.weights[0] - before) / 2, rtol=1e-9)


def test_every_layer_follows_its_own_noise():
    """Two layers and an interval by hand, node perturbation: the second is told of its own noise, which the first one's reaches too."""
    network, chip = Network(2, (3, 2), 1, Linear()), Chip(noise=Gaussian(SIGMA))
    one = simulator(Perturbation("np", 0.01, 0.0, normalise=False, interval=2), network, chip)
    inputs, targets, counted = series(network, steps=2)
    a, r, c, s, b = one.weights
    (first, second, top), x, y, noisy, seen_y, heard = one.perturbations(2), np.zeros(3), np.zeros(2), None, None, 0.0
    one.learn(inputs, targets, counted)
    for t in range(2):
        x_noisy, y_noisy = noisy or (x, y)
        x, x_noisy = inputs[0, t] @ a + x @ r, inputs[0, t] @ a + x_noisy @ r + first[t]
        seen_y = x if t == 0 else seen_y
        y, y_noisy = x @ c + y @ s, x_noisy @ c + y_noisy @ s + second[t]
        noisy = x_noisy, y_noisy
        heard += ((y @ b - targets[0, t]) ** 2).sum() - ((y_noisy @ b + top[t] - targets[0, t]) ** 2).sum()
    np.testing.assert_allclose(one.weights[0] - a, 0.01 * heard * np.outer(inputs[0, 0], first[0]) / SIGMA**2, rtol=1e-8)
    np.testing.assert_allclose(one.weights[2] - c, 0.01 * heard * np.outer(seen_y, second[0]) / SIGMA**2, rtol=1e-8)


@pytest.mark.parametrize("options", [{"trace": 0.5}, {"reward": "sequence", "trace": 1.0}, {"passes": "noisy"}])
def test_an_interval_takes_the_place_of_a_trace(options):
    with pytest.raises(InputError, match=r"rule\.interval is 2, .*rule\.trace 0 \(the interval takes the place of a trace\)"):
        Perturbation("np", interval=2, **options).validate()


# ---------------------------------------------------------------- a prediction in place of a clean pass


def test_a_loss_is_compared_with_the_running_mean_of_losses():
    """A single pass by hand: the first loss is no surprise; of each later one, a tenth enters the mean; it outlives the sequence."""
    rule = Perturbation("np", 0.0, 0.0, normalise=False, passes="noisy", average=0.1)
    one, mean = simulator(rule), None
    for seed in (1, 2):
        data = series(seed=seed)
        seen = watched(one, data)
        for t in range(3):
            (_, xi, _, _, a, _), (_, _, out, heard, _, _) = seen[2 * t : 2 * t + 2]
            loss = ((out[0, 0] - data[1][0, t]) ** 2).sum()
            mean = loss if mean is None else mean
            assert heard[0, 0] == 1
            np.testing.assert_allclose(a[0], xi[0, 0] / SIGMA**2, rtol=1e-12)
            mean += 0.1 * (loss - mean)
    assert one.state()["prediction.0.mean"] == pytest.approx(mean, rel=1e-12)


def test_a_prediction_is_part_of_the_state():
    one, other = (simulator(Perturbation("np", 1e-3, 1e-3, passes="noisy")) for _ in range(2))
    one.learn(*series(replicas=2))
    other.restore(one.state())
    for each in (one, other):
        each.learn(*series(replicas=2, seed=6))
    np.testing.assert_equal(other.state(), one.state())
    assert "prediction.0.mean" not in simulator(Perturbation("np")).state()
    with pytest.raises(InputError, match="another network, chip, rule"):
        other.restore(simulator(Perturbation("np")).state())


# ---------------------------------------------------------------- compiled against plain

LATE = Chip(noise=Gaussian(0.1), wire=DigitalWire(bits=24, limit=16.0, delay=3))
ODD = Network(2, 5, 3)
CASES = {
    "np, samples": (ODD, Chip(), Perturbation("np", 0.1, 0.1, samples=3), 1),
    "np, layers": (ODD, Chip(), Perturbation("np", 0.1, 0.1, perturb="layer", samples=2, carry=0.5), 1),
    "np, antithetic, pairs, batch": (ODD, Chip(), Perturbation("np", 0.1, 0.1, passes="antithetic", samples=2, carry=0.5), 3),
    "np, antithetic, one pair": (ODD, Chip(), Perturbation("np", 0.1, 0.1, passes="antithetic"), 1),
    "np, one pass": (ODD, Chip(), Perturbation("np", 0.1, 0.1, passes="noisy"), 2),
    "nrl, late reward": (Network(1, 5, 1, Tanh()), LATE, Perturbation("nrl", 0.1, 0.1, norm="expected", trace=0.8), 2),
    "wp, samples, batch": (ODD, Chip(), Perturbation("wp", 0.1, 0.1, samples=3), 2),
    "wp, antithetic, momentum": (ODD, Chip(), Perturbation("wp", 0.1, 0.1, passes="antithetic", samples=2, momentum=0.5), 1),
    "wp, layers, trace": (Network(1, 5, 1), Chip(), Perturbation("wp", 0.1, 0.1, perturb="layer", samples=2, trace=0.5), 1),
    "np, samples, trace, batch": (Network(1, 5, 1), Chip(), Perturbation("np", 0.1, 0.1, samples=3, trace=0.5), 2),
    "oua": (ODD, Chip(noise=Gaussian(0.1)), Perturbation("oua", 0.1, 0.1, passes="noisy", trace=0.5), 2),
    "danp, inputs": (
        Network(2, (5, 6), 3),
        load("digital-8bit")._replace(neuron=FixedPointCircuit(16, 4.0)),
        Perturbation("anp", 0.1, 0.1, decorrelation_lr=0.1, decorrelate="all", decorrelate_inputs=True),
        1,
    ),
    "anp, interval, samples": (ODD, Chip(), Perturbation("anp", 0.1, 0.1, interval=4, samples=3, perturb="hidden", carry=0.5), 1),
    "np, interval, batch": (ODD, LATE, Perturbation("np", 0.1, 0.1, interval=3, passes="antithetic", update="sequence"), 3),
    "dnp, readout by its activity": (
        Network(2, (5, 6), 3),
        Chip(noise=Gaussian(0.1)),
        Perturbation("np", 0.01, 0.1, "bounded", perturb="hidden", interval=2, samples=2, momentum=0.5, sign=True, decorrelation_lr=0.1),
        2,
    ),
    "danp, interval, signs": (
        Network(2, (5, 6), 3),
        load("digital-8bit"),
        Perturbation("anp", 0.1, 0.1, interval=2, samples=2, momentum=0.5, sign=True, decorrelation_lr=0.1),
        2,
    ),
    "anp, momentum, late and lossy": (
        Network(1, 5, 1, Tanh()),
        LATE.replace(wire=DigitalWire(bits=12, limit=16.0, delay=1, lost=0.3)),
        Perturbation("anp", 0.1, 0.1, norm="expected", momentum=0.5, samples=2),
        1,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_plain_and_compiled_runs_have_the_same_bits(case):
    network, chip, rule, batch = CASES[case]
    data = [a.astype("float32") if a.dtype == float else a for a in series(network, batch, 6)]
    plain, fast = (simulator(rule, network, chip, plain, "float32") for plain in (True, False))
    start = plain.weights
    for _ in range(2):
        np.testing.assert_equal(fast.learn(*data), plain.learn(*data))
    np.testing.assert_equal(fast.state(), plain.state())
    assert all(not np.array_equal(a, b) for a, b in zip(plain.weights, start, strict=True))


def test_a_reward_three_steps_late_is_learned_from_only_with_a_trace():
    """The output should be half the input, which changes its sign at random. A trace of 1e-6 credits the step at hand alone."""
    rng = np.random.default_rng(0)
    inputs = rng.choice([-1.0, 1.0], (1, 20_000, 1)).astype("float32")
    counted, ends = np.ones(inputs.shape[:2], bool), {}
    for name, rule in (
        ("nrl", rules.NRL(lr=0.0)),
        ("at once", rules.NRL(lr=0.0, trace=1e-6)),
        ("anp", Perturbation("anp", 0.0, 1e-3, norm="expected")),
    ):
        one = simulator(rule, Network(1, 5, 1, Tanh()), LATE, False, "float32")
        before = one.evaluate(inputs, 0.5 * inputs, counted).loss[0]
        one.learn(inputs, 0.5 * inputs, counted)
        ends[name] = one.evaluate(inputs, 0.5 * inputs, counted).loss[0] / before
    assert ends["nrl"] < 0.05, ends
    assert min(ends["at once"], ends["anp"]) > 1, ends


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("learning", "chip", "message"),
    [
        (Learning("odd", *[Perturbation("np").learning().rule] * 2, passes=(True, True, True)), LOUD, r"passes must be a clean one"),
        (Learning("odd", *[Perturbation("np").learning().rule] * 2, passes=(False,)), LOUD, r"passes must be a clean one"),
        (Learning("odd", *[Perturbation("np").learning().rule] * 2, passes=(True,)), LOUD, r"single pass .*rate of prediction"),
        (Perturbation("wp").learning()._replace(interval=2), LOUD, r"The interval is 2: .*a rule of neurons that hear every step"),
        (Perturbation("np", passes="noisy").learning()._replace(interval=2), LOUD, r"how two passes compare"),
        (Perturbation("np").learning()._replace(interval=0), LOUD, r"The interval is 0: it is a number of steps from 1 up"),
        (
            Perturbation("anp").learning()._replace(readout_rule=Perturbation("anp", trace=0.5).learning().rule),
            LOUD,
            r"The readout learns by ANPLayerTrace, .* Register Eligibility, .* by ANPLayer .*Nothing: both must be the same",
        ),
        (
            Perturbation("anp", norm="expected", passes="noisy-noisy")
            .learning()
            ._replace(readout_rule=Perturbation("np").learning().rule, perturb_readout=True),
            Chip(noise=Silent(), tile=load("analog-noisy").tile),
            r"NP learns from the perturbation that was given, but the noise source Silent gives none",
        ),
        (Perturbation("np", perturb="layer", samples=3).learning(), LOUD, r"1 hidden layers and a readout: set rule\.samples to 2"),
        (
            Learning("oua", *[OUA(0.1, 0.5)] * 2, passes=(True, True)),
            LOUD,
            r'OUA has a method wander, .*: site must be "weight", and passes a clean one',
        ),
        (
            Perturbation("np", trace=0.5, samples=3).learning(),
            load("reckon"),
            r"NPTrace needs 48 bits in every synapse \(e 16 bit, for each of 3 samples\), but the chip reckon has 0",
        ),
        (
            Perturbation("anp", passes="antithetic").learning(),
            load("analog-noisy")._replace(noise=Silent()),
            r'give again with the other sign; use rule\.passes "noisy-noisy"',
        ),
    ],
    ids=[
        "three noisy",
        "clean alone",
        "no prediction",
        "interval of weights",
        "interval of a pass",
        "no interval",
        "readout with a trace",
        "readout of silent noise",
        "layers",
        "perturb",
        "registers",
        "silent",
    ],
)
def test_passes_that_cannot_be(learning, chip, message):
    with pytest.raises(InputError, match=message):
        Simulator(SMALL, chip, SEED, learning, plain=True)


def test_spikes_under_way_do_not_start_anew():
    network = Network(2, 5, 1, LIF(), wiring=Dense(delay=3e-3))
    with pytest.raises(InputError, match=r"rule\.interval is 4, .*spikes that are under way \(network\.wiring\.delay\) would not"):
        simulator(Perturbation("np", interval=4), network)
    simulator(Perturbation("np"), network)


def test_names():
    assert rules.NRL().name == "nrl" and rules.NRL(decorrelation_lr=1e-3).name == "dnrl"
