import numpy as np
import pytest

from hw_models.cells import ALL_CELLS
from hw_models.chip import Chip
from hw_models.parts import InputError
from neurosim.bptt import GradientLearner, adam, gradients, layers
from neurosim.losses import SquaredError
from neurosim.network import Network
from neurosim.neurons import ALL_NEURONS, Leaky, Linear, Tanh
from neurosim.rules.reference import Gradient
from neurosim.simulator import Simulator
from neurosim.wiring import FeedForward

LOSS = SquaredError()
NETWORK = Network(2, 4, 1)

RATES = [name for name, kind in ALL_NEURONS.items() if kind.__module__.endswith(".rate")]  # spikes have no slope


def data(network, sequences=2, steps=7, seed=1):
    rng = np.random.default_rng(seed)
    counted = rng.random((sequences, steps)) < 0.7
    counted[:, -1] = True
    return rng.standard_normal((sequences, steps, network.inputs)), rng.standard_normal((sequences, steps, network.outputs)), counted


def learner(rule, network=NETWORK, dtype="float64", **options):
    return GradientLearner(network, rule, 3, dtype=dtype, plain=True, **options)


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("readout", [Linear(), Leaky(0.3)], ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("kind", RATES)
def test_gradients_against_finite_differences(kind, readout):
    network = Network(2, (4, 3), 2, ALL_NEURONS[kind](), readout)
    weights, (inputs, targets, counted) = network.weights(5), data(network)
    _, _, state = gradients(layers(network, weights), *data(network, steps=3, seed=2), LOSS)  # a window in the middle of a sequence
    _, found, _ = gradients(layers(network, weights), inputs, targets, counted, LOSS, state)
    assert [g.shape for g in found] == network.shapes()
    eps = 1e-6
    for w, g in zip(weights, found, strict=True):
        expected = np.empty_like(g)
        for at in np.ndindex(w.shape):
            sides = []
            for sign in (1, -1):
                w[at] += sign * eps
                sides.append(gradients(layers(network, weights), inputs, targets, counted, LOSS, state)[0].mean())
                w[at] -= sign * eps
            expected[at] = (sides[0] - sides[1]) / (2 * eps)
        assert relative(g, expected) < 1e-6


def test_steps_that_do_not_count_say_nothing():
    network = Network(2, 4, 1)
    inputs, targets, counted = data(network)
    strange = np.where(counted[..., None], targets, 1e6)
    first, second = (gradients(layers(network, network.weights(5)), inputs, y, counted, LOSS) for y in (targets, strange))
    np.testing.assert_equal(first[:2], second[:2])


@pytest.mark.parametrize("kind", RATES)
def test_forward_pass_and_loss_are_the_simulators(kind):
    network = Network(2, (4, 3), 2, ALL_NEURONS[kind](), ALL_NEURONS[kind]())
    inputs, targets, counted = data(network)
    simulator = Simulator(network, seed=5, dtype="float64", plain=True)
    loss, _, state = gradients(layers(network, network.weights(5)), inputs, targets, counted, LOSS)
    expected = simulator.evaluate(inputs, targets, counted, record=("x", "y"))
    last = np.concatenate([expected.records[name][:, -1] for name in ("x", "y")], axis=1)
    np.testing.assert_allclose(np.concatenate([s.x for s in state], axis=1), last, rtol=0, atol=1e-12)
    np.testing.assert_allclose(loss, expected.loss, rtol=1e-12)


def test_two_windows_carry_the_state():
    network = Network(2, (4, 3), 2, Leaky(0.4), Leaky(0.7))
    inputs, targets, counted = data(network)
    weights = network.weights(5)
    whole, _, end = gradients(layers(network, weights), inputs, targets, counted, LOSS)
    first, _, state = gradients(layers(network, weights), inputs[:, :3], targets[:, :3], counted[:, :3], LOSS)
    second, _, state = gradients(layers(network, weights), inputs[:, 3:], targets[:, 3:], counted[:, 3:], LOSS, state)
    np.testing.assert_allclose(first + second, whole, rtol=1e-13)
    for carried, expected in zip(sum(state, ()), sum(end, ()), strict=True):
        np.testing.assert_allclose(carried, expected, rtol=1e-12)


def test_a_window_as_long_as_the_sequence_is_bptt():
    a, b = learner(Gradient("bptt")), learner(Gradient("tbptt", k=7))
    for one in (a, b):
        assert one.learn(*data(one.network)).steps == 7
    np.testing.assert_equal(a.state(), b.state())


def test_windows_update_by_the_mean_loss_of_their_counted_steps():
    rule = Gradient("tbptt", lr=0.1, k=3, optimizer="sgd")
    one = learner(rule)
    inputs, targets, counted = data(one.network)
    counted[:, 3:6] = False  # the second window changes nothing
    weights, state = one.weights, None
    for part in (np.s_[:, 0:3], np.s_[:, 3:6], np.s_[:, 6:]):
        _, found, state = gradients(layers(one.network, weights), inputs[part], targets[part], counted[part], LOSS, state)
        per_step = max(counted[part].sum() / 2, 1)
        weights = [w - 0.1 * g / per_step for w, g in zip(weights, found, strict=True)]
    one.learn(inputs, targets, counted)
    for w, expected in zip(one.weights, weights, strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-12)
    assert one.state()["updates"] == 2 and one.clock[0] == 7


@pytest.mark.parametrize("method", ["bptt", "tbptt"])
def test_a_readout_that_learns_alone_takes_its_own_part_of_the_gradient(method):
    """In the first window, in which the layers below have not moved, it is changed as where all learns."""
    network = Network(2, (4, 3), 2, Leaky(0.4), Leaky(0.7))
    alone, whole = (learner(Gradient(method, lr=0.1, k=7, optimizer="sgd", learns=learns), network) for learns in ("readout", "all"))
    before, outcome = alone.weights, alone.learn(*data(network))
    whole.learn(*data(network))
    for w, same in list(zip(alone.weights, before, strict=True))[:-1]:
        np.testing.assert_array_equal(w, same)
    np.testing.assert_allclose(alone.weights[-1], whole.weights[-1], rtol=1e-12)
    assert not np.allclose(alone.weights[-1], before[-1])
    assert [w.visited for w in outcome.account.writes.values()] == [0, 0, 0, 0, 3 * 2]


@pytest.mark.parametrize("method", ["eprop", "rflo"])
def test_a_readout_alone_needs_no_way_down(method):
    with pytest.raises(InputError, match=rf'rule\.learns is "readout", but {method} is a way'):
        learner(Gradient(method, learns="readout"))


def test_adam_by_hand():
    w, g, mean, square = (np.array([x]) for x in (1.0, 0.5, 0.0, 0.0))
    adam(w, g, mean, square, 0.1, 1)  # m = 0.05, s = 0.00025; corrected 0.5 and 0.25: a step of lr against the sign
    np.testing.assert_allclose([w, mean, square], [[0.9], [0.05], [0.00025]], rtol=1e-7)
    adam(w, -g, mean, square, 0.1, 2)  # m = -0.005 over 0.19, s = 0.00049975 over 0.001999
    np.testing.assert_allclose(w, 0.9 + 0.1 * (0.005 / 0.19) / (0.00049975 / 0.001999) ** 0.5, rtol=1e-7)


def test_restored_run_gives_the_same_bits():
    rule = Gradient("tbptt", lr=0.01, k=2)
    whole, first, second = (learner(rule, dtype="float32") for _ in range(3))
    series = data(whole.network)
    whole.learn(*series)
    whole.learn(*series)
    first.learn(*series)
    second.restore({name: a.copy() for name, a in first.state().items()})
    second.learn(*series)
    np.testing.assert_equal(second.state(), whole.state())
    assert {a.dtype for name, a in whole.state().items() if "." in name} == {np.dtype("float32")}
    with pytest.raises(InputError, match="another network"):
        learner(rule, Network(2, 5, 1)).restore(first.state())


def test_learning_lowers_the_loss_that_the_simulator_evaluates():
    one = learner(Gradient("bptt", lr=0.02))
    series = data(one.network)
    before = one.evaluate(*series).loss
    expected = one.learn(*series).loss
    np.testing.assert_allclose(before, expected, rtol=1e-12)
    for _ in range(50):
        one.learn(*series)
    assert one.evaluate(*series).loss.sum() < 0.5 * before.sum()
    assert one.run(series[0][0]).keys() == {"y"}


def test_another_rate_for_one_call():
    one = learner(Gradient())
    before = one.weights
    one.learn(*data(one.network), learning=Gradient(lr=0.0))
    np.testing.assert_equal(one.weights, before)


def test_a_loss_that_is_not_finite_stops_before_the_weights():
    one = learner(Gradient("tbptt", lr=1e200, k=2, optimizer="sgd"), Network(2, 4, 1, Linear()))
    outcome = one.learn(*data(one.network, steps=20))
    assert not outcome.finite and outcome.steps < 20
    assert all(np.isfinite(w).all() for w in one.weights)


def test_what_is_refused():
    with pytest.raises(InputError, match=r"ideal chip only, but chip\.cell of mine"):
        learner(Gradient(), chip=Chip("mine", cell=ALL_CELLS["fixed-point"]()))
    for more in ({"bias": True}, {"wiring": FeedForward()}):
        with pytest.raises(InputError, match=r"dense wiring alone, without biases"):
            GradientLearner(Network(1, 2, 1, **more), Gradient())
    with pytest.raises(InputError, match=r"Gradient\.k must be"):
        learner(Gradient(k=0))

    class Cubic(Tanh):
        pass

    with pytest.raises(InputError, match=r"neuron Cubic; .*Tanh, ReLU"):
        layers(NETWORK._replace(neuron=Cubic()), NETWORK.weights(0))


def test_names():
    assert [Gradient(m).name for m in ("bptt", "tbptt")] == ["bptt", "tbptt"]
