"""Which gradient a rule follows on average, measured with frozen weights.

A batch of BATCH equal sequences shares the weights and asks for the mean of its changes, each replica with noise of its own, so that one
call of `learn` with lr 1, no normalisation and `update="sequence"` (weights are written after the sequence) averages BATCH estimates.
Fifty calls, each from the same weights and with new noise, make DRAWS of them.

With K noisy numbers behind a loss, one estimate has about K times the power of the gradient, and the mean of DRAWS of them a cosine of
about 1 - K / (2 DRAWS) with what it follows. Here K is 48 (8 neurons, 6 steps) for nodes, which makes 0.9998, and at most 360 (60 weights,
6 steps) for weights, which makes 0.9982. The noise is small (1e-3), so that what is not linear in it does not show.
"""

import functools

import numpy as np
import pytest

from hw_models.chip import Chip
from neurosim import random
from neurosim.bptt import gradients, layers
from neurosim.loop import first_perturbed
from neurosim.losses import SquaredError
from neurosim.network import Network
from neurosim.neurons import Leaky, Tanh
from neurosim.rules import Learning, Perturbation
from neurosim.rules.weight_perturbation import WPTrace
from neurosim.simulator import Simulator

DRAWS, BATCH, STEPS = 100_000, 2_000, 6
NETWORK = Network(2, 6, 2, Tanh(), gain=1.5)  # strong recurrence: one step and all steps are two gradients
SEED = 4


@functools.cache
def series():
    rng = np.random.default_rng(7)
    counted = np.ones((1, STEPS), bool)
    counted[0, 1] = False
    return rng.standard_normal((1, STEPS, 2)), rng.standard_normal((1, STEPS, 2)), counted


def flat(arrays):
    return np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def size(a, b):
    """How large a is along b."""
    return a @ b / (b @ b)


@functools.cache
def change(learning, network=NETWORK, dtype="float32"):
    """Mean change of all weights at lr 1."""
    one = Simulator(network, Chip(), SEED, learning, dtype=dtype)
    inputs, targets, counted = (np.repeat(a, BATCH, axis=0) for a in series())
    weights, total = one.weights, 0.0
    for _ in range(DRAWS // BATCH):
        one.program(weights)
        outcome = one.learn(inputs.astype(dtype), targets.astype(dtype), counted)
        assert outcome.finite and outcome.steps == STEPS
        total = total + flat(one.weights) - flat(weights)
    return total / (DRAWS // BATCH)


def learning(method, **options):
    return Perturbation(method, **{"lr": 1.0, "readout_lr": 1.0, "normalise": False, "update": "sequence", **options}).learning()


@functools.cache
def whole(network=NETWORK):
    """Minus the gradient of the sequence's loss: back-propagation through all steps."""
    return -flat(gradients(layers(network, network.weights(SEED)), *series(), SquaredError())[1])


@functools.cache
def one_step(network=NETWORK):
    """Minus the sum of the gradients of each step's loss, what came before the step taken as given."""
    total, state = np.float64(0), None
    for t in range(STEPS):
        _, found, state = gradients(layers(network, network.weights(SEED)), *(a[:, t : t + 1] for a in series()), SquaredError(), state)
        total = total - flat(found)
    return total


def test_the_two_gradients_differ():
    """Otherwise nothing below could tell one from the other."""
    assert 0.3 < cosine(one_step(), whole()) < 0.95


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("passes", ["clean-noisy", "noisy-noisy", "antithetic"])
def test_node_perturbation_follows_the_one_step_gradient(passes, samples):
    """Two noisy passes too, whose difference has twice or, mirrored, four times the variance; and more than one comparison."""
    mean = change(learning("np", passes=passes, samples=samples))
    assert cosine(mean, one_step()) > 0.9995
    assert cosine(mean, whole()) < 0.95


def test_a_single_pass_follows_the_whole_gradient():
    """What the loss is less than its running mean, once a sequence; the first loss of each replica teaches nothing."""
    mean = change(learning("np", trace=1.0, reward="sequence", passes="noisy", average=0.05))
    assert cosine(mean, whole()) > 0.999
    calls = DRAWS // BATCH
    assert abs(size(mean, whole()) * calls / (calls - 1) - 1) < 4 * np.sqrt(2 * 48 / DRAWS)  # the mean is noisy too: twice the variance


@pytest.mark.parametrize("reward", ["sequence", "step"])
def test_node_perturbation_with_a_trace_follows_the_whole_gradient(reward):
    """A trace that sums, times the summed loss change; or times each loss change as it comes, which leaves out what cannot be a cause."""
    mean = change(learning("np", trace=1.0, reward=reward))
    assert cosine(mean, whole()) > 0.9995
    assert cosine(mean, one_step()) < 0.95


@pytest.mark.parametrize(("passes", "samples"), [("clean-noisy", 1), ("clean-noisy", 2), ("antithetic", 1)])
def test_weight_perturbation_follows_the_one_step_gradient(passes, samples):
    mean = change(learning("wp", passes=passes, samples=samples))
    assert cosine(mean, one_step()) > 0.998
    assert cosine(mean, whole()) < 0.95


def test_weight_perturbation_a_layer_at_a_time_follows_the_one_step_gradient():
    mean = change(learning("wp", perturb="layer", samples=2))
    assert cosine(mean, one_step()) > 0.998
    assert abs(size(mean, one_step()) - 1) < 4 * np.sqrt(360 / DRAWS)


def test_weight_perturbation_with_a_trace_follows_the_whole_gradient():
    rule = WPTrace(1.0, 1.0)
    mean = change(Learning("wp", rule, rule, every_step=False, at_once=False))
    assert cosine(mean, whole()) > 0.994  # a sum of noise is noisier: measured 0.9966
    assert cosine(mean, one_step()) < 0.95


@pytest.mark.parametrize("reward", ["sequence", "step"])
def test_samples_with_a_trace_follow_the_whole_gradient(reward):
    """Two samples, each with registers of its own: twice the estimates, half the noise."""
    mean = change(learning("np", trace=1.0, reward=reward, samples=2))
    assert cosine(mean, whole()) > 0.9995
    assert abs(size(mean, whole()) - 1) < 4 * np.sqrt(48 / DRAWS)


INSIDE = NETWORK.weights(SEED)[0].size + NETWORK.weights(SEED)[1].size


def heard_for(interval, phase):
    """Minus the gradient that hidden weights see who are told every `interval` steps what came of it until the next; and a readout every step."""
    hidden = -sum(credit(t - (t - phase) % interval, t) for t in range(phase, STEPS))
    return np.concatenate([hidden[:INSIDE], one_step()[INSIDE:]])


def test_one_perturbation_in_any_step_of_a_sequence_follows_the_whole_gradient():
    mean = sum(heard_for(STEPS, phase) for phase in range(STEPS)) / STEPS
    np.testing.assert_allclose(mean[:INSIDE], whole()[:INSIDE] / STEPS, rtol=1e-8)


@pytest.mark.parametrize(
    ("interval", "method", "options"),
    [
        (3, "np", {}), (STEPS, "np", {}), (4, "np", {"samples": 2}), (4, "np", {"passes": "antithetic"}), (3, "np", {"passes": "noisy-noisy"}),
        (4, "anp", {"norm": "expected"}),
    ],
)  # fmt: skip
def test_rewards_heard_over_an_interval_follow_the_gradient_back_to_its_beginning(interval, method, options):
    """Intervals that end with the sequence and before; where activity starts from the base, what it changes by is the noise alone."""
    key = np.uint64(random.root(SEED, random.TRAIN))
    phases = [first_perturbed(interval, STEPS, key, start, 1.0) for start in range(0, STEPS * DRAWS // BATCH, STEPS)]
    expected = sum(heard_for(interval, phase) for phase in phases) / len(phases)
    mean = change(learning(method, interval=interval, **options))
    n = INSIDE if method == "anp" else len(mean)  # the readout of anp sees what reaches it from below
    assert cosine(mean[:n], expected[:n]) > 0.9995
    assert abs(size(mean[:n], expected[:n]) - 1) < 4 * np.sqrt(48 / DRAWS)
    assert cosine(expected[:INSIDE], one_step()[:INSIDE]) < 0.98


KEEP = 0.5


@functools.cache
def lasting():
    """Minus the gradient as far as a perturbation that keeps KEEP of itself can see it.

    In step t the deviation x has the covariance KEEP**(t - s) (1 - KEEP**(2 s + 2)) sigma**2 with that of step s, so that each step's loss
    is credited with what the weights did in step s, times that: dL(t)/dW(s) is the gradient of a window that begins with step s, less that
    of one that begins with the next. (In units of x over the variance, of which `trace` makes the mean at once.)
    """
    return -sum(KEEP ** (t - s) * (1 - KEEP ** (2 * s + 2)) * credit(s, t) for t in range(STEPS) for s in range(t + 1))


@functools.cache
def credit(s, t):
    """dL(t)/dW of what the weights did in step s."""
    return since(s, t) - (since(s + 1, t) if s < t else 0.0)


@functools.cache
def since(s, t):
    """dL(t)/dW of what they did in all steps from s on."""
    (inputs, targets, counted), weights, state = series(), NETWORK.weights(SEED), None
    if s > 0:
        state = gradients(layers(NETWORK, weights), inputs[:, :s], targets[:, :s], counted[:, :s], SquaredError())[2]
    only = counted[:, s : t + 1] & (np.arange(s, t + 1) == t)
    return flat(gradients(layers(NETWORK, weights), inputs[:, s : t + 1], targets[:, s : t + 1], only, SquaredError(), state)[1])


def test_a_perturbation_that_lasts_follows_the_gradient_as_far_back_as_it_does():
    """Ornstein-Uhlenbeck adaptation: between the one-step and the whole gradient."""
    assert cosine(lasting(), one_step()) < 0.99 and cosine(lasting(), whole()) < 0.99
    mean = change(learning("oua", trace=KEEP, passes="clean-noisy"))
    assert cosine(mean, lasting()) > 0.998
    assert abs(size(mean, lasting()) - 1) < 4 * np.sqrt(360 / DRAWS)


@pytest.mark.parametrize(
    ("method", "passes", "samples"),
    [(method, passes, 1) for method in ("np", "wp") for passes in ("clean-noisy", "noisy-noisy")]
    + [(method, *how) for method in ("np", "wp") for how in (("antithetic", 1), ("antithetic", 2), ("noisy-noisy", 2), ("clean-noisy", 2))],
)
def test_the_mean_change_is_as_large_as_the_gradient(method, passes, samples):
    """Along the gradient, one estimate has a standard deviation of sqrt(K) gradients at most, the mean of two sqrt(K / 2)."""
    k = (48 if method == "np" else 360) / samples
    assert abs(size(change(learning(method, passes=passes, samples=samples)), one_step()) - 1) < 4 * np.sqrt(k / DRAWS)


def test_iterative_node_perturbation_follows_the_one_step_gradient():
    """A pass for the hidden layer and one for the readout: fewer noisy numbers behind each loss."""
    mean = change(learning("np", perturb="layer", samples=2))
    assert cosine(mean, one_step()) > 0.9995
    assert abs(size(mean, one_step()) - 1) < 4 * np.sqrt(48 / DRAWS)


def test_reward_modulated_learning_follows_the_one_step_gradient_where_nothing_is_carried_on():
    """Hidden weights: with every step started from the clean state, what a hidden neuron measures is its own noise."""
    mean = change(learning("nrl", norm="expected", trace=1.0, reward="sequence", carry=0.0, average=0.05))
    hidden = slice(0, 2 * 6 + 6 * 6)
    expected, calls = one_step()[hidden], DRAWS // BATCH
    assert cosine(mean[hidden], expected) > 0.995
    assert abs(size(mean[hidden], expected) * calls / (calls - 1) - 1) < 4 * np.sqrt(
        2 * 48 * 6 / DRAWS
    )  # a trace sums the noise of six steps


LEAKY = NETWORK._replace(neuron=Leaky(1.0), readout=Leaky(1.0))  # a tanh neuron, its readout too


SAME, LATER, ALL = (lambda s, t: s == t), (lambda s, t: s <= t), (lambda s, t: True)


def colour(heard=SAME):
    """Mean change under activity perturbation, worked forward beside the network: minus the sum of Cov(delta h(s), delta h(t)) / sigma**2
    times dL(t)/dh(t), over the losses of the steps t that are heard after the change of activity of step s.

    With row vectors, delta h(t) = delta h(t-1) diag(f'(t-1)) R + xi(t).
    """
    inputs, targets, counted = (a[0] for a in series())
    a, r, b = LEAKY.weights(SEED)
    x, m, cov, steps = np.zeros(6), np.zeros((6, 6)), np.zeros((6, 6)), []
    for u, target, counts in zip(inputs, targets, counted, strict=True):
        before, x = x, np.tanh(u @ a + x @ r)
        onward, cov = m, m.T @ cov @ m + np.eye(6)
        m = (1 - x * x)[:, None] * r
        y = np.tanh(x @ b)
        seen = (1 - x * x)[:, None] * b  # of delta h by the readout's current
        steps.append((onward, cov, seen, 2 * (y - target) * (1 - y * y) * counts, (u, before, x)))
    found = [np.zeros_like(w) for w in (a, r, b)]
    for s, (_, cov, seen_here, _, pre) in enumerate(steps):
        for t, (_, cov_there, seen, above, _) in enumerate(steps):
            if heard(s, t):
                shared = cov if s <= t else cov_there
                for onward, *_ in steps[min(s, t) + 1 : max(s, t) + 1]:
                    shared = shared @ onward
                shared = shared if s <= t else shared.T
                pushes = [shared @ (seen @ above)] * 2 + [seen_here.T @ shared @ (seen @ above) + (s == t) * above]
                for w, z, push in zip(found, pre, pushes, strict=True):
                    w -= np.outer(z, push)
    return flat(found)


def test_activity_perturbation_follows_the_gradient_through_the_covariance():
    mean = change(learning("anp", norm="expected"), LEAKY, "float64")
    assert cosine(mean, colour()) > 0.9995
    assert abs(size(mean, colour()) - 1) < 4 * np.sqrt(48 / DRAWS)
    bias = cosine(colour(), one_step(LEAKY))  # the noise of earlier steps colours the activity
    assert 0.65 < bias < 0.95 and abs(cosine(mean, one_step(LEAKY)) - bias) < 0.01  # measured: 0.714, worked out: 0.715


@pytest.mark.parametrize(("reward", "heard", "bias"), [("step", LATER, 0.599), ("sequence", ALL, 0.458)], ids=["step", "sequence"])
def test_activity_perturbation_with_a_trace_follows_the_whole_gradient_through_the_covariance(reward, heard, bias):
    """Each change of activity with the losses that come after it, or with all of the sequence: nearer to the whole gradient than to the
    one-step gradient, and not near, for changes of activity of different steps go together."""
    mean = change(learning("anp", norm="expected", trace=1.0, reward=reward), LEAKY, "float64")
    assert cosine(mean, colour(heard)) > 0.9995
    assert abs(size(mean, colour(heard)) - 1) < 4 * np.sqrt(48 / DRAWS)
    assert cosine(colour(heard), whole(LEAKY)) == pytest.approx(bias, abs=1e-3)
    assert abs(cosine(mean, whole(LEAKY)) - bias) < 0.01
    assert cosine(mean, whole(LEAKY)) > cosine(mean, one_step(LEAKY)) + 0.1
