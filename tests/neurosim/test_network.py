"""The description of a network, and the weights it starts with."""

import numpy as np
import pytest

from hw_models.chip import load
from hw_models.parts import InputError
from neurosim.network import Network
from neurosim.neurons import Leaky, Linear, Tanh
from neurosim.simulator import Simulator


def test_projections_go_layer_by_layer_from_below_and_round_then_to_the_readout():
    assert Network(2, 5, 1).shapes() == [(2, 5), (5, 5), (5, 1)]
    assert Network(2, (5, 6), 3).shapes() == [(2, 5), (5, 5), (5, 6), (6, 6), (6, 3)]
    assert Network(2, 5, 1).layers == Network(2, (5,), 1).layers == (5,)
    assert Network(1, 2, 1).neuron == Tanh() and Network(1, 2, 1).readout == Linear()


def test_initial_weights_are_xavier_normal():
    """20,000 numbers at least: the standard deviation is within 5 / sqrt(2 n) of what it should be, the mean within 5 sigma / sqrt(n)."""
    network = Network(100, (200, 300), 150, gain=0.5, readout_gain=2.0)
    for (pre, post), gain, w, sigma in zip(network.shapes(), [0.5] * 4 + [2.0], network.weights(3), network.sigmas(), strict=True):
        assert w.shape == (pre, post) and w.size >= 20_000
        assert sigma == np.sqrt(2 / (pre + post))
        assert abs(w.std() / (gain * sigma) - 1) < 5 / np.sqrt(2 * w.size)
        assert abs(w.mean()) < 5 * gain * sigma / np.sqrt(w.size)
        assert abs((np.abs(w) < gain * sigma).mean() - 0.6827) < 5 * np.sqrt(0.6827 * 0.3173 / w.size)


def test_weights_follow_from_the_seed_alone():
    network = Network(3, (4, 5), 2)
    first, again, other = (network.weights(seed) for seed in (1, 1, 2))
    np.testing.assert_equal(first, again)
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    same = Network(3, (4, 5), 2, Leaky(0.3), gain=2.0).weights(1)  # neither neuron nor gain moves the numbers
    for w, doubled in zip(first[:-1], same[:-1], strict=True):
        np.testing.assert_array_equal(2 * w, doubled)
    assert len({float(w[0, 0]) for w in first}) == len(first)


def test_an_input_may_drive_harder_and_its_scale_on_a_chip_follows():
    plain, driven = Network(3, (40, 5), 2, bias=True), Network(3, (40, 5), 2, bias=True, input_gain=8.0)
    first, *others = zip(plain.weights(1), driven.weights(1), strict=True)
    np.testing.assert_allclose(first[1], 8 * first[0])
    assert first[1][:-1].all() and not first[1][-1].any()  # the bias still starts at zero
    for before, after in others:
        np.testing.assert_array_equal(before, after)
    one, other = (Simulator(network, load("digital-8bit"), 1) for network in (plain, driven))
    np.testing.assert_allclose(other.scales / one.scales, [8, 1, 1, 1, 1])
    np.testing.assert_allclose(other.weights[0], 8 * one.weights[0])  # the same words, of a larger unit


def test_a_readout_may_start_at_zero():
    *hidden, readout = Network(3, 4, 2, readout_gain=0.0).weights(1)
    assert not readout.any() and all(w.all() for w in hidden)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Network(-1, 4, 1), r"Network\.inputs must be .* at least 0.*got -1"),
        (Network(1, 4, 0), r"Network\.outputs must be .* at least 1.*got 0"),
        (Network(1, 0, 1), r"Network\.hidden must be a whole number of neurons.*got 0"),
        (Network(1, (), 1), r"Network\.hidden must be .*got \(\)"),
        (Network(1, (4, -1), 1), r"Network\.hidden must be .*got \(4, -1\)"),
        (Network(1, True, 1), r"Network\.hidden must be .*got True"),
        (Network(1, (4, 2.5), 1), r"Network\.hidden must be .*got \(4, 2\.5\)"),
        (Network(1, 4, 1, gain=0.0), r"Network\.gain must be .*greater than 0.*got 0\.0"),
        (Network(1, 4, 1, readout_gain=-1.0), r"Network\.readout_gain must be .*got -1\.0"),
        (Network(1, 4, 1, gain=np.nan), r"Network\.gain must be .*got nan"),
        (Network(1, 4, 1, "tanh"), r"Network\.neuron must be a neuron such as neurosim\.neurons\.Tanh\(\), got 'tanh'\. Kinds: Tanh, ReLU"),
        (Network(1, 4, 1, readout=Linear), r"Network\.readout must be a neuron"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, str) else "",
)
def test_what_is_refused(network, message):
    with pytest.raises(InputError, match=message):
        network.weights(0)


def test_hidden_layers_may_come_as_a_list_or_a_numpy_number():
    assert Network(1, np.int64(4), 1).layers == (4,)
    assert Network(1, [4, 5], 1).shapes() == Network(1, (4, 5), 1).shapes()


@pytest.mark.parametrize("hidden", ["12", 2.5, None])
def test_hidden_of_another_type_is_refused_in_one_sentence(hidden):
    with pytest.raises(InputError, match=r"Network\.hidden must be"):
        Network(1, hidden, 1).weights(0)
