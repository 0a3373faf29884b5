"""Forward references: exact where theory says so, worked by hand, and learning."""

import numpy as np
import pytest

from neurosim import bptt, eprop
from neurosim.bptt import GradientLearner
from neurosim.losses import SquaredError
from neurosim.network import Network
from neurosim.neurons import ALL_NEURONS, Leaky, Linear, Tanh
from neurosim.rules import GRADIENTS, Gradient
from neurosim.simulator import Simulator

LOSS = SquaredError()

RATES = [name for name, kind in ALL_NEURONS.items() if kind.__module__.endswith(".rate")]  # spikes have no slope


def data(network, sequences=2, steps=6, seed=1):
    rng = np.random.default_rng(seed)
    counted = rng.random((sequences, steps)) < 0.7
    counted[:, -1] = True
    return rng.standard_normal((sequences, steps, network.inputs)), rng.standard_normal((sequences, steps, network.outputs)), counted


def forward(network, weights, series, state=None, **options):
    return eprop.gradients(bptt.layers(network, weights), *series, LOSS, state, **options)


def cosine(a, b):
    a, b = (np.concatenate([g.ravel() for g in gradients]) for gradients in (a, b))
    return a @ b / np.sqrt((a @ a) * (b @ b))


def own_only(weights, layers=1):
    """Recurrent weights of every neuron to itself alone."""
    return [np.diag(1.5 * np.diag(w) + 0.3) if k % 2 and k < 2 * layers else w for k, w in enumerate(weights)]


@pytest.mark.parametrize("readout", [Linear(), Leaky(0.3), Tanh()], ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("kind", RATES)
def test_exact_where_neurons_are_not_connected_to_each_other(kind, readout):
    """With their own recurrent weights alone, and with none; the diagonal is needed for the first."""
    network = Network(2, 4, 2, ALL_NEURONS[kind](), readout)
    series = data(network)
    weights = own_only(network.weights(5))
    loss, exact, _ = bptt.gradients(bptt.layers(network, weights), *series, LOSS)
    found = forward(network, weights, series)
    np.testing.assert_allclose(found[0], loss, rtol=1e-12)
    for g, expected in zip(found[1], exact, strict=True):
        np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-12)
    assert cosine(forward(network, weights, series, diagonal=False)[1][:2], exact[:2]) < 0.999
    weights[1] = np.zeros_like(weights[1])
    _, exact, _ = bptt.gradients(bptt.layers(network, weights), *series, LOSS)
    for diagonal in (True, False):
        for g, expected in zip(forward(network, weights, series, diagonal=diagonal)[1], exact, strict=True):
            np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-12)


def test_exact_through_layers_without_recurrence_or_memory():
    network = Network(2, (4, 3), 2)
    weights, series = network.weights(5), data(network)
    weights = [np.zeros_like(w) if k in (1, 3) else w for k, w in enumerate(weights)]
    for g, expected in zip(
        forward(network, weights, series)[1], bptt.gradients(bptt.layers(network, weights), *series, LOSS)[1], strict=True
    ):
        np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-12)


def test_finite_differences_of_a_weight_of_unconnected_neurons():
    network = Network(1, 3, 1, Leaky(0.6), Leaky(0.5))
    weights, series = own_only(network.weights(2)), data(network)
    found = forward(network, weights, series)[1]
    eps = 1e-6
    for w, g in zip(weights, found, strict=True):
        at = (0, 0)
        sides = []
        for sign in (1, -1):
            w[at] += sign * eps
            sides.append(forward(network, weights, series)[0].mean())
            w[at] -= sign * eps
        assert (sides[0] - sides[1]) / (2 * eps) == pytest.approx(g[at], rel=1e-6)


def test_an_approximation_where_neurons_are_connected():
    """Strong random recurrence: along the gradient, not equal to it."""
    network = Network(2, 8, 2, gain=1.5)
    weights, series = network.weights(4), data(network, 1, 8)
    exact = bptt.gradients(bptt.layers(network, weights), *series, LOSS)[1]
    assert 0.3 < cosine(forward(network, weights, series)[1], exact) < 0.99


def test_two_windows_carry_eligibilities():
    network = Network(2, (4, 3), 2, Leaky(0.4), Leaky(0.7))
    weights, (inputs, targets, counted) = network.weights(5), data(network)
    whole = forward(network, weights, (inputs, targets, counted))
    first = forward(network, weights, (inputs[:, :2], targets[:, :2], counted[:, :2]))
    second = forward(network, weights, (inputs[:, 2:], targets[:, 2:], counted[:, 2:]), first[2])
    np.testing.assert_allclose(first[0] + second[0], whole[0], rtol=1e-12)
    for a, b, both in zip(first[1], second[1], whole[1], strict=True):
        np.testing.assert_allclose(a + b, both, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("kind", RATES)
def test_forward_pass_is_the_simulators(kind):
    network = Network(2, (4, 3), 2, ALL_NEURONS[kind](), ALL_NEURONS[kind]())
    series = data(network)
    expected = Simulator(network, seed=5, dtype="float64", plain=True).evaluate(*series)
    np.testing.assert_allclose(forward(network, network.weights(5), series)[0], expected.loss, rtol=1e-11)


def test_two_steps_of_random_feedback_by_hand():
    """One leaky tanh neuron, membrane rate 1/2, weights A 1, R 0.5, B 2, feedback 3; inputs 0.4 and 0.6.

    v1 = 0.5 * 0.4 = 0.2, x1 = tanh 0.2; v2 = 0.2 + 0.5 * (0.6 + 0.5 x1 - 0.2). Eligibilities: from below 0.5 * 0.4 = 0.2, then
    0.5 * 0.2 + 0.5 * 0.6 = 0.4; recurrent 0, then 0.5 x1. Errors 2 (2 x - target) with targets 0 and 1.
    """
    network = Network(1, 1, 1, Leaky(0.5))
    weights = [np.array([[w]]) for w in (1.0, 0.5, 2.0)]
    series = np.array([[[0.4], [0.6]]]), np.array([[[0.0], [1.0]]]), np.ones((1, 2), bool)
    found = forward(network, weights, series, diagonal=False, feedback=[np.array([[3.0]])])[1]
    x1 = np.tanh(0.2)
    x2 = np.tanh(0.2 + 0.5 * (0.6 + 0.5 * x1 - 0.2))
    e1, e2 = 2 * (2 * x1), 2 * (2 * x2 - 1)
    f1, f2 = 1 - x1**2, 1 - x2**2
    np.testing.assert_allclose(found[0], [[3 * (e1 * f1 * 0.2 + e2 * f2 * 0.4)]], rtol=1e-12)
    np.testing.assert_allclose(found[1], [[3 * e2 * f2 * 0.5 * x1]], rtol=1e-12)
    np.testing.assert_allclose(found[2], [[e1 * x1 + e2 * x2]], rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("method", ["eprop", "rflo"])
def test_learning_lowers_the_loss(method, optimizer):
    network = Network(2, 6, 1)
    one = GradientLearner(network, Gradient(method, lr=0.02, k=1, optimizer=optimizer), 3, dtype="float64", plain=True)
    series = data(network, steps=12)
    before = one.evaluate(*series).loss.sum()
    assert one.learn(*series).steps == 12
    for _ in range(60):
        one.learn(*series)
    assert one.evaluate(*series).loss.sum() < 0.7 * before
    assert one.state()["updates"] > 0


def test_a_learner_takes_the_method_that_its_rule_names():
    """One update of plain descent from the same weights: e-prop's, factorised or not, and RFLO's, whose feedback follows from the seed."""
    network = Network(2, 4, 1, Leaky(0.5))
    series, ends = data(network), {}
    for name, rule in {
        "eprop": Gradient("eprop"),
        "factorised": Gradient("eprop", eligibility="factorised"),
        "rflo": Gradient("rflo"),
        "again": Gradient("rflo", eligibility="factorised"),
        "bptt": Gradient("bptt"),
    }.items():
        one = GradientLearner(network, rule._replace(lr=0.1, optimizer="sgd"), 3, dtype="float64", plain=True)
        one.learn(*series)
        ends[name] = one.weights
    weights, per_step = network.weights(3), 2 / series[2].sum()
    for name, diagonal in (("eprop", True), ("factorised", False)):
        found = forward(network, weights, series, diagonal=diagonal)[1]
        for w, w0, g in zip(ends[name], weights, found, strict=True):
            np.testing.assert_allclose(w, w0 - 0.1 * per_step * g, rtol=1e-12)
    np.testing.assert_equal(ends["rflo"], ends["again"])
    hidden = [ends[name][1] for name in ("eprop", "factorised", "rflo", "bptt")]
    assert all(not np.allclose(a, b) for k, a in enumerate(hidden) for b in hidden[:k])
    np.testing.assert_allclose(ends["rflo"][2], ends["bptt"][2], rtol=1e-9)  # readouts without membrane have the same gradient


def test_what_each_asks_for():
    assert [Gradient(name).needs for name in GRADIENTS] == [
        ("error", "transpose", "history"),
        ("error", "transpose", "history"),
        ("error", "transpose"),
        ("error",),
    ]
    assert [Gradient(name).name for name in GRADIENTS] == list(GRADIENTS)
