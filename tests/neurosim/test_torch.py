"""Weights of ``nn.RNN`` in and out, as arrays."""

import numpy as np
import pytest

import neurosim as ns
from hw_models.parts import InputError
from neurosim.network import Network
from neurosim.neurons import LIF, ReLU, Sigmoid
from neurosim.wiring import Sparse


def state(layers=2, inputs=3, hidden=4, bias=True):
    rng, found = np.random.default_rng(0), {}
    for k in range(layers):
        found[f"weight_ih_l{k}"] = rng.normal(size=(hidden, hidden if k else inputs))
        found[f"weight_hh_l{k}"] = 0.3 * rng.normal(size=(hidden, hidden))
        if bias:
            found |= {f"bias_{kind}_l{k}": rng.normal(size=hidden) for kind in ("ih", "hh")}
    return found


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("nonlinearity", "f"), [("tanh", np.tanh), ("relu", lambda h: np.maximum(h, 0))])
def test_an_rnn_computes_what_its_formula_says(nonlinearity, f, bias):
    rnn, readout = state(bias=bias), {"weight": np.array([[1.0, 2.0, 3.0, 4.0]])} | ({"bias": np.array([0.5])} if bias else {})
    x, h, expected = np.random.default_rng(1).normal(size=(20, 3)), np.zeros((2, 4)), []
    for below in x:
        for k in range(2):
            biases = rnn[f"bias_ih_l{k}"] + rnn[f"bias_hh_l{k}"] if bias else 0.0
            below = h[k] = f(rnn[f"weight_ih_l{k}"] @ below + rnn[f"weight_hh_l{k}"] @ h[k] + biases)
        expected.append(readout["weight"] @ below + readout.get("bias", 0.0))
    one = ns.torch.read(rnn, readout, nonlinearity)
    assert one.network.bias == bias
    found = one.on(dtype="float64", plain=True).run(x)["y"]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_without_a_readout_the_last_layer_comes_out():
    one = ns.torch.read(state(1))
    found = one.on(dtype="float64", plain=True).run(np.ones((5, 3)), ("x", "y"))
    np.testing.assert_array_equal(found["x"], found["y"])


@pytest.mark.parametrize("bias", [True, False])
def test_out_and_in_again(bias):
    network = Network(3, (4, 4), 2, ReLU(), bias=bias)
    weights = [w + 0.25 for w in network.weights(1)]
    rnn, readout = ns.torch.write(network, weights)
    assert {name: a.shape for name, a in rnn.items() if name.endswith("1")} == {
        "weight_ih_l1": (4, 4), "weight_hh_l1": (4, 4), **({"bias_ih_l1": (4,), "bias_hh_l1": (4,)} if bias else {}),
    }  # fmt: skip
    one = ns.torch.read(rnn, readout, "relu")
    assert one.network == network
    for w, found in zip(weights, one.weights, strict=True):
        np.testing.assert_array_equal(found, w)


def test_a_module_knows_its_nonlinearity():
    class Module:
        nonlinearity = "relu"

        def state_dict(self):
            return state(1)

    assert ns.torch.read(Module()).network.neuron == ReLU()


@pytest.mark.parametrize(
    ("rnn", "readout", "message"),
    [
        ({"weight_ih_l0": np.ones((8, 3)), "weight_hh_l0": np.ones((8, 2))}, None, r"weight_hh_l0 has shape \(8, 2\), .* LSTM and GRU"),
        (state(1) | {"weight_ih_l0_reverse": np.ones((4, 3))}, None, r"has weight_ih_l0_reverse, .* one direction"),
        ({}, None, r"has no weight_ih_l0"),
        (state(1), {"weight": np.ones((2, 5))}, r"must be an nn\.Linear from 4 neurons"),
        (3, None, r"Give a module or its state_dict, got int"),
    ],
)
def test_what_is_no_plain_rnn(rnn, readout, message):
    with pytest.raises(InputError, match=message):
        ns.torch.read(rnn, readout)


def test_what_an_rnn_cannot_be():
    for network in (Network(1, 2, 1, LIF()), Network(1, (2, 3), 1), Network(1, 2, 1, Sigmoid()), Network(1, 2, 1, wiring=Sparse())):
        with pytest.raises(InputError, match=r"An nn\.RNN has layers of one size"):
            ns.torch.write(network, network.weights(0))
    with pytest.raises(InputError, match=r"The weights have shapes"):
        ns.torch.write(Network(1, 2, 1), [])
    with pytest.raises(InputError, match=r'nonlinearity "gelu" is not known'):
        ns.torch.read(state(1), None, "gelu")
