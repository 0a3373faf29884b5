"""Spiking neurons as gradients see them: the loop's spikes, derivatives by hand and against finite differences, e-prop where it is exact."""

import numpy as np
import pytest

from hw_models.chip import Chip
from hw_models.parts import InputError
from neurosim import bptt, eprop
from neurosim.bptt import GradientLearner, layers
from neurosim.losses import SquaredError
from neurosim.network import Network
from neurosim.neurons import ALIF, LI, LIF, ExcInhLIF, Leaky, Tanh
from neurosim.partials import B, I, Spiking, V, dynamics
from neurosim.rules import Gradient
from neurosim.simulator import Simulator
from neurosim.wiring import Dense

LOSS, MS = SquaredError(), 1e-3
NEURONS = {
    "lif": LIF(),
    "no synapse, rest": LIF(tau_syn=0.0, refractory=2 * MS, v_reset=-0.05),
    "subtract, euler": LIF(reset="subtract", integration="euler", v_leak=0.02),
    "alif": ALIF(beta_adaptation=0.1, refractory=MS),
    "alif, subtract": ALIF(tau_syn=0.0, beta_adaptation=0.1, reset="subtract"),
}
READOUTS = {"li": LI(), "li with a synapse": LI(5 * MS, 3 * MS), "leaky": Leaky(0.3)}


@pytest.fixture(params=NEURONS)
def neuron(request):
    return NEURONS[request.param]


def data(network, sequences=2, steps=9, seed=1):
    rng = np.random.default_rng(seed)
    counted = rng.random((sequences, steps)) < 0.7
    counted[:, -1] = True
    return 6 * rng.standard_normal((sequences, steps, network.inputs)), rng.standard_normal((sequences, steps, network.outputs)), counted


def smooth(self, u):
    """What the surrogate is the derivative of."""
    r = np.clip(u / self.width, -1, 1)
    return self.height * np.where(r < 0, (1 + r) ** 2 / 2, 1 - (1 - r) ** 2 / 2)


@pytest.mark.parametrize("kind, readout", [*zip(NEURONS, [*READOUTS, *READOUTS])])
def test_spikes_and_outputs_are_the_loops(kind, readout):
    network = Network(2, (5, 4), 2, NEURONS[kind], READOUTS[readout], gain=4.0)
    inputs, targets, counted = data(network, steps=20)
    loop = Simulator(network, seed=5, dtype="float64", plain=True).evaluate(inputs, targets, counted, record=("x", "y"))
    x = np.swapaxes(inputs, 0, 1)
    for k, layer in enumerate(layers(network, network.weights(5))):
        x = layer.forward(x, layer.neuron.start((2, layer.below.shape[1]), np.float64)).x[1:]
        if k < 2:
            assert x.any()
            assert np.array_equal(x, np.swapaxes(loop.records["x"], 0, 1)[:, :, 5 * k : 5 + 4 * k])
    np.testing.assert_allclose(x, np.swapaxes(loop.records["y"], 0, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("readout", [LI(5 * MS, 3 * MS), LIF(v_threshold=0.05)], ids=lambda part: type(part).__name__)
def test_gradients_against_finite_differences(neuron, readout, monkeypatch):
    """Where a neuron sends the integral of the surrogate; it is reset when it would have fired."""
    monkeypatch.setattr(Spiking, "spike", smooth)
    network = Network(2, (4, 3), 2, neuron, readout, gain=1.5)
    weights, series = network.weights(5), data(network)
    see = lambda: layers(network, weights, surrogate=0.8)  # noqa: E731
    _, _, state = bptt.gradients(see(), *data(network, steps=6, seed=2), LOSS)  # a window in the middle of a sequence
    _, found, _ = bptt.gradients(see(), *series, LOSS, state)
    assert see()[0].forward(np.swapaxes(series[0], 0, 1), state[0]).fired[1:].any()
    for w, g in zip(weights, found, strict=True):
        expected, eps = np.empty_like(g), 1e-7
        for at in np.ndindex(w.shape):
            sides = []
            for sign in (1, -1):
                w[at] += sign * eps
                sides.append(bptt.gradients(see(), *series, LOSS, state)[0].mean())
                w[at] -= sign * eps
            expected[at] = (sides[0] - sides[1]) / (2 * eps)
        assert np.linalg.norm(g - expected) < 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("readout", READOUTS)
def test_eprop_is_exact_where_neurons_are_not_connected_to_each_other(neuron, readout):
    network = Network(2, 4, 2, neuron, READOUTS[readout], gain=1.5)
    weights, series = network.weights(5), data(network, steps=15)
    for recurrent, diagonal in ((np.diag(np.diag(weights[1]) + 0.2), True), (np.zeros((4, 4)), True), (np.zeros((4, 4)), False)):
        weights[1] = recurrent
        loss, exact, _ = bptt.gradients(layers(network, weights), *series, LOSS)
        found = eprop.gradients(layers(network, weights), *series, LOSS, diagonal=diagonal)
        np.testing.assert_allclose(found[0], loss, rtol=1e-12)
        assert all(g.any() for g in exact)
        for g, expected in zip(found[1], exact, strict=True):
            np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-12)


def test_windows_carry_states_and_eligibilities(neuron):
    network = Network(2, (4, 3), 2, neuron, LI(5 * MS, 3 * MS), gain=1.5)
    weights, (inputs, targets, counted) = network.weights(5), data(network, steps=12)
    for gradients in (bptt.gradients, eprop.gradients):
        given = layers(network, weights)
        whole = gradients(given, inputs, targets, counted, LOSS)
        first = gradients(given, inputs[:, :5], targets[:, :5], counted[:, :5], LOSS)
        second = gradients(given, inputs[:, 5:], targets[:, 5:], counted[:, 5:], LOSS, first[2])
        np.testing.assert_allclose(first[0] + second[0], whole[0], rtol=1e-12)
        if gradients is eprop.gradients:
            for a, b, both in zip(first[1], second[1], whole[1], strict=True):
                np.testing.assert_allclose(a + b, both, rtol=1e-9, atol=1e-13)


def test_derivatives_by_hand():
    """Steps of one half; a threshold of 0.4 and 0.3 a spike of which half is left, reset to 0, a width of 0.4, surrogates of height 0.8.

    A current of 1 gives v = 0.5, which is 0.1 above: a spike, with a slope of 0.8 / 0.4 * (1 - 0.1 / 0.4) = 1.5. After the reset a
    current of 0.8 gives v = 0.4, 0.15 below the threshold of 0.55: none, with a slope of 2 * (1 - 0.15 / 0.4) = 1.25.
    """
    half = MS / np.log(2)
    neuron = dynamics(ALIF(half, 0.0, 0.3, half, v_threshold=0.4), MS, 0.8)
    start = neuron.start((1,), np.float64)
    one = neuron.step(start, np.array([1.0]))
    two = neuron.step(one, np.array([0.8]))
    assert (one.fired, two.fired) == (True, False)
    np.testing.assert_allclose([one.v, one.x, two.v, two.x, two.adaptation], [[0.5], [1], [0.4], [0], [0.5]], rtol=1e-14)
    past, current, sent = neuron.partials(one, two)
    np.testing.assert_allclose(past[V, V], [0.0])  # forgotten in the reset
    np.testing.assert_allclose([past[B, V], past[B, B]], [[0.5 * 1.5], [0.5 * (1 - 0.3 * 1.5)]], rtol=1e-14)
    np.testing.assert_allclose([current[V], sent[V], sent[B]], [[0.5], [1.25], [-0.3 * 1.25]], rtol=1e-14)
    past, _, _ = neuron.partials(start, one)
    assert past[V, V] == pytest.approx(0.5) and (I, I) not in past
    remembers = dynamics(LIF(half, 0.0, 0.4, reset="subtract", refractory=MS), MS, 0.8)
    one = remembers.step(remembers.start((1,), np.float64), np.array([1.0]))
    two = remembers.step(one, np.array([5.0]))
    past, current, sent = remembers.partials(one, two)
    assert two.v == pytest.approx(0.1) and (past[V, V], current[V], sent[V]) == (1.0, 0.0, 0.0)  # held while it rests


def test_a_learner_lowers_the_loss_of_spikes():
    network, inputs = Network(3, 12, 1, ALIF(), LI(20 * MS)), (np.random.default_rng(3).random((4, 40, 3)) < 0.3).astype(float)
    targets = 0.2 * np.cumsum(inputs[:, :, :1] - inputs[:, :, 1:2], axis=1)
    for method in ("tbptt", "eprop", "rflo"):
        one = GradientLearner(network, Gradient(method, lr=0.01, k=20), 3, dtype="float64", plain=True)
        losses = [one.learn(inputs, targets, np.ones((4, 40), bool)).loss.sum() for _ in range(40)]
        assert losses[-1] < 0.5 * losses[0]


def test_a_surrogate_of_no_height_leaves_the_layers_alone():
    network = Network(2, 4, 1, LIF(), LI())
    for method in ("bptt", "eprop"):
        one = GradientLearner(network, Gradient(method, lr=0.1, surrogate=0.0, optimizer="sgd"), 3, dtype="float64", plain=True)
        one.learn(*data(network, steps=30))
        before = network.weights(3)
        assert np.array_equal(one.weights[0], before[0]) and np.array_equal(one.weights[1], before[1])
        assert not np.array_equal(one.weights[2], before[2])


def test_the_chips_step_is_the_gradients():
    network = Network(2, 4, 1, LIF(), LI())
    series = data(network, steps=30)
    one = GradientLearner(network, Gradient("bptt", lr=0.0), 3, dtype="float64", chip=Chip(step_s=3e-3), plain=True)
    np.testing.assert_allclose(one.learn(*series).loss, one.evaluate(*series).loss, rtol=1e-12)


@pytest.mark.parametrize(
    "network, rule, message",
    [
        (Network(1, 2, 1, ExcInhLIF(), LI()), Gradient(), r"neuron ExcInhLIF; use another rule or one of .*LIF, ALIF, LI"),
        (Network(1, 2, 1, LIF(scatter=0.5), LI()), Gradient(), r"LIF\.scatter is 0\.5; set network\.neuron\.scatter to 0"),
        (Network(1, 2, 1, LIF(v_reset=0.2), LI()), Gradient(), r"LIF\.v_threshold lies above v_reset"),
        (Network(1, 2, 1, LIF(), LIF()), Gradient("eprop"), r"eprop filters .* readout LIF does more than filter; use one such as LI"),
        (Network(1, 2, 1, LIF(), LI(), wiring=Dense(delay=2e-3)), Gradient(), r"dense wiring alone, without biases and delays"),
    ],
)
def test_what_is_refused(network, rule, message):
    with pytest.raises(InputError, match=message):
        GradientLearner(network, rule, plain=True)


def test_rate_and_spikes_are_told_apart():
    assert dynamics(Tanh(), MS, 0.3).linear and dynamics(LI(), MS, 0.3).linear and not dynamics(LIF(), MS, 0.3).linear
