"""Sparse wiring, delays, and reading only where a spike arrives."""

import numpy as np
import pytest

from hw_models.chip import Chip, load
from hw_models.events import Event
from hw_models.parts import InputError
from neurosim.cost import epoch_of, estimate
from neurosim.cost.neurobench import neurobench
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.neurons import LI, LIF, ExcInhLIF, Tanh
from neurosim.neurons.spiking import DiscreteLIF
from neurosim.rules import Gradient, Perturbation
from neurosim.simulator import Simulator
from neurosim.tasks.dataset import Series
from neurosim.wiring import Dense, FeedForward, Sparse

SEED, N = 5, 14
NETWORK = Network(2, N, 2, neuron=ExcInhLIF(), readout=LI(), gain=3.0)


def on(network=NETWORK, chip=None, learning=None, plain=True, dtype="float64"):
    return Simulator(network, chip, SEED, learning, dtype=dtype, plain=plain)


def drive(steps=25, replicas=1, dtype="float64"):
    inputs = (1 + np.random.default_rng(3).standard_normal((replicas, steps, 2))).astype(dtype)
    return inputs, np.zeros((replicas, steps, 2), dtype), np.ones((replicas, steps), bool)


def same_weights(*simulators):
    """The first one's weights in all of them, those of dense recurrent wiring as wires."""
    weights = simulators[0].weights
    for one in simulators:
        one.program([w.reshape(there.shape) for w, there in zip(weights, one.weights, strict=True)])


def test_each_pair_is_wired_with_the_same_probability():
    """400 neurons at 0.03: 4,800 wires on average, with a standard deviation of 68; rows and columns have 12, with one of 3.4."""
    wires = Sparse(0.03).wires(400, np.random.default_rng(1))
    assert abs(len(wires.post) - 4800) < 4 * 68.3
    pairs = wires.pre * 400 + wires.post
    assert (np.diff(pairs) > 0).all() and wires.start[0] == 0 and wires.start[-1] == len(pairs)  # row by row, none twice
    for side in (wires.pre, wires.post):
        per_line = np.bincount(side, minlength=400)
        assert abs(per_line.mean() - 12) < 0.7 and 0.85 < per_line.var() / (12 * 0.97) < 1.15  # four standard errors are 0.28
    again, other = (Sparse(0.03).wires(400, np.random.default_rng(seed)) for seed in (1, 2))
    np.testing.assert_array_equal(again.post, wires.post)
    assert len(other.post) != len(wires.post) or (other.post != wires.post).any()
    assert len(Sparse(1.0).wires(7, np.random.default_rng(1)).post) == 49


def test_weights_of_wires_follow_from_the_seed_and_scale_with_their_number():
    network = Network(1, 300, 1, wiring=Sparse(0.1))
    weights = network.weights(SEED)[1]
    assert weights.shape == network.wires(SEED)[1].post.shape and abs(weights.std() - (2 / (0.1 * 600)) ** 0.5) < 0.01
    np.testing.assert_array_equal(weights, network.weights(SEED)[1])
    n = weights.size
    assert network.synapses(SEED) == [300, n, 300] and network.synapses(SEED + 1) != [300, n, 300]
    assert Network(1, 300, 1).synapses(SEED) == [300, 90_000, 300]
    found = memory_bits(network, load("digital-8bit"), Gradient("bptt"), seed=SEED)
    # 9 bits name one of 300 neurons, 14 one of some 9,000 synapses; 301 places where a row's list begins or the last one ends
    assert 8192 < n < 16384 and (found["weights"], found["wiring"]) == ((n + 600) * 8, n * 9 + 301 * 14)
    assert memory_bits(network, load("analog-noisy"), Gradient("bptt"), seed=SEED)["wiring"] == 0  # where a device stands says it


@pytest.mark.parametrize("delay", [0.0, 2e-3])
def test_all_wires_are_the_dense_network(delay):
    dense, sparse = on(NETWORK._replace(wiring=Dense(delay))), on(NETWORK._replace(wiring=Sparse(1.0, delay)))
    same_weights(dense, sparse)
    record = ("x", "h", "v", "y")
    expected, found = (one.run(drive()[0], record=record) for one in (dense, sparse))
    np.testing.assert_array_equal(found["x"], expected["x"])
    for name in record:  # wires add to a current one by one, an array its sum: in float64, some tens of additions in another order
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-13 * np.abs(expected[name]).max())
    assert expected["x"].sum() > 20


def test_all_wires_learn_as_the_dense_network():
    learning = Perturbation("anp", 0.01, 0.01, trace=0.5, update="sequence").learning()
    dense, sparse = (on(NETWORK._replace(wiring=wiring), learning=learning) for wiring in (Dense(), Sparse(1.0)))
    same_weights(dense, sparse)
    before = dense.weights
    for one in (dense, sparse):
        one.learn(*drive(replicas=2))
    for w, w0, found in zip(dense.weights, before, sparse.weights, strict=True):
        assert np.abs(w - w0).max() > 1e-6
        np.testing.assert_allclose(found.reshape(w.shape), w, rtol=1e-12, atol=1e-15)


def test_spikes_of_a_sparse_network_arrive_over_its_wires_late():
    one = on(NETWORK._replace(neuron=LIF(), wiring=Sparse(0.3, 2e-3)))
    found, u = one.run(drive(40)[0][0], record=("x", "h")), drive(40)[0][0]
    a, w, _ = one.weights
    full = np.zeros((N, N))
    full[one.wires[1].pre, one.wires[1].post] = w
    late = np.concatenate([np.zeros((3, N)), found["x"][:-3]])  # one step as ever and two more
    np.testing.assert_allclose(found["h"], u @ a + late @ full, atol=1e-12)
    assert found["x"].sum() > 20 and (full == 0).sum() > 80


class Listed(DiscreteLIF):
    spikes = False  # every row is read


class ReadInFull(LIF):
    spikes = False

    def discrete(self, step_s):
        return Listed(*super().discrete(step_s))


def test_reading_where_spikes_arrive_gives_the_bits_of_reading_everything():
    events, full = (on(NETWORK._replace(neuron=kind()), dtype="float32") for kind in (LIF, ReadInFull))
    data = drive(dtype="float32")[0]
    expected = full.run(data, record=("x", "h", "v", "y"))
    np.testing.assert_equal(events.run(data, record=("x", "h", "v", "y")), expected)
    assert expected["x"].sum() > 20


def biased(network, **options):
    """A simulator whose biases are drawn."""
    one, rng = on(network._replace(bias=True), **options), np.random.default_rng(8)
    weights = one.weights
    for w in weights[::2]:
        w[-1] = rng.uniform(0.1, 0.3, w.shape[1])
    one.program(weights)
    return one


@pytest.mark.parametrize("neuron", [Tanh(), LIF(v_threshold=0.4)], ids=["tanh", "lif"])
@pytest.mark.parametrize("wiring", [Dense(), FeedForward()], ids=["dense", "feed-forward"])
def test_biases_and_layers_without_recurrence(neuron, wiring):
    """Two layers by hand: below with its last row added, back or nothing back."""
    one = biased(Network(2, (5, 4), 2, neuron, wiring=wiring, gain=2.0))
    assert [w.shape for w in one.weights[::2]] == [(3, 5), (6, 4), (5, 2)]
    u = drive(40)[0][0]
    found, weights = one.run(u, record=("x", "h", "y")), one.weights
    x, h = (np.split(found[name], [5], axis=1) for name in ("x", "h"))
    below = u
    for layer in range(2):
        a, r = weights[2 * layer : 2 * layer + 2]
        back = np.concatenate([np.zeros_like(x[layer][:1]), x[layer][:-1]]) @ r if r.size else 0.0
        np.testing.assert_allclose(h[layer], below @ a[:-1] + a[-1] + back, atol=1e-12)
        below = x[layer]
    np.testing.assert_allclose(found["y"], below @ weights[-1][:-1] + weights[-1][-1], atol=1e-12)
    assert np.abs(below).sum() > 5


def test_without_recurrence_there_is_no_weight_to_draw_hold_or_learn():
    network = Network(2, (5, 4), 2, LIF(), wiring=FeedForward())
    assert [w.shape for w in network.weights(SEED)] == [(2, 5), (0,), (5, 4), (0,), (4, 2)] and network.synapses(SEED) == [10, 0, 20, 0, 8]
    learning, data = Perturbation("wp", 0.1, 0.1).learning(), drive(20)
    one = on(network, load("digital-8bit"), learning)
    before = one.weights
    assert one.learn(*data).finite and (one.weights[2] != before[2]).any() and one.weights[1].size == 0


def test_the_bill_of_layers_without_recurrence_and_with_biases():
    network, learning, chip = (
        Network(2, (5, 4), 2, LIF(), wiring=FeedForward(), bias=True),
        Perturbation("anp").learning(),
        load("digital-8bit"),
    )
    data = drive(20)
    series = Series(*(part[:1] for part in data))
    found = estimate(network, chip, learning, epoch_of(series, 1), 1)
    assert found.energy.total("incremental").typical > 0 and found.ledger.total(Event.WEIGHT_WRITE).high <= 20 * (15 + 24 + 10)
    assert neurobench(on(network), data[0])["ParameterCount"] == 15 + 24 + 10


def test_a_network_without_inputs_runs_by_itself():
    one = on(Network(0, N, 1, neuron=LIF(v_leak=0.2), wiring=Sparse(0.3)))
    assert one.run(np.zeros((40, 0)), record=["x"])["x"].sum() > N


@pytest.mark.parametrize(
    ("network", "rule", "message"),
    [
        (NETWORK._replace(wiring=Sparse(0.5)), Perturbation("wp"), r"WP perturbs every weight, which the loop does for dense wiring alone"),
        (NETWORK._replace(neuron=Tanh(), wiring=Dense(1e-3)), None, r"network\.wiring\.delay is 0\.001 s, but only spikes can be late and Tanh sends none"),
        (NETWORK._replace(wiring=Sparse(0.0)), None, r"Sparse\.probability must be a number above 0 up to 1, got 0\.0"),
        (NETWORK._replace(wiring="sparse"), None, r"Network\.wiring must be a wiring such as neurosim\.wiring\.Sparse\(0\.02\), got 'sparse'"),
        (
            NETWORK._replace(wiring=Dense(1e-3)),
            Perturbation("anp", decorrelation_lr=0.1, decorrelate="all"),
            r"only spikes can be late and what decorrelation makes of spikes is none",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_wired(network, rule, message):
    with pytest.raises(InputError, match=message):
        on(network, Chip(), rule.learning() if rule else None)


@pytest.mark.parametrize("name", ["ideal", "digital-8bit", "pcm"])
def test_changes_that_wait_for_the_end_of_a_sequence_are_those_of_its_last_step(name):
    """All wires of a projection are one row then, longer than any population."""
    network, found, counted = Network(3, (5, 6), 3, wiring=Sparse(0.6)), [], np.array([[False, True]])
    for update in ("step", "sequence"):
        one = Simulator(network, load(name), 3, Perturbation("anp", 0.5, 0.5, update=update).learning(), plain=True)
        before, rng = one.weights, np.random.default_rng(1)
        one.learn(rng.standard_normal((1, 2, 3)), rng.standard_normal((1, 2, 3)), counted)
        found.append(one.weights)
        assert all((w != w0).any() for w, w0 in zip(one.weights, before, strict=True))
    np.testing.assert_equal(found[0], found[1])
