"""Weights of PyTorch's ``nn.RNN`` here, and ours there, as arrays: PyTorch itself is not needed.

One step is the same in both, ``h_l = f(W_ih h_(l-1)(t) + b_ih + W_hh h_l(t-1) + b_hh)``. Our network has a readout besides, as an ``nn.Linear``
behind the RNN is one; and one bias a neuron, the sum of PyTorch's two.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models.chip import Chip
from hw_models.parts import InputError, nearest
from neurosim.imported import Imported
from neurosim.network import Network
from neurosim.neurons import Linear, ReLU, Tanh

NONLINEARITIES = {"tanh": Tanh(), "relu": ReLU()}


def read(rnn, readout=None, nonlinearity: str | None = None) -> Imported:
    """The network of an ``nn.RNN``.

    Parameters
    ----------
    rnn : nn.RNN, or its state_dict with tensors or arrays
    readout : nn.Linear, or its state_dict, optional
        What stands behind it; without, the outputs are those of the last layer.
    nonlinearity : "tanh" or "relu"
        That of the RNN; a module knows its own.

    Raises
    ------
    InputError
        If it is no plain RNN (an LSTM, a GRU, bidirectional), or shapes do not fit.
    """
    nonlinearity = nonlinearity or getattr(rnn, "nonlinearity", "tanh")
    if nonlinearity not in NONLINEARITIES:
        raise InputError(f'nonlinearity "{nonlinearity}" is not known; {nearest(str(nonlinearity), NONLINEARITIES)}')
    state, layers, found = _arrays(rnn), 0, []
    while f"weight_ih_l{layers}" in state:
        below, back = (state.pop(f"weight_{kind}_l{layers}") for kind in ("ih", "hh"))
        biases = [state.pop(f"bias_{kind}_l{layers}") for kind in ("ih", "hh") if f"bias_{kind}_l{layers}" in state]
        if back.shape != (len(below), len(below)):
            raise InputError(
                f"weight_hh_l{layers} has shape {back.shape}, but an nn.RNN has {(len(below), len(below))} there; LSTM and GRU are not run here."
            )
        found.append((below.T, sum(biases, np.zeros(len(below))), back.T))
        layers += 1
    if not found or state:
        what = f"has {next(iter(state))}" if state else "has no weight_ih_l0"
        raise InputError(f"This state_dict {what}, which that of a plain nn.RNN is not like; one direction and no projection can be read.")
    n = found[-1][2].shape[0]
    top = _arrays(readout) if readout is not None else {"weight": np.eye(n)}
    if set(top) - {"bias"} != {"weight"} or top["weight"].ndim != 2 or top["weight"].shape[1] != n:
        raise InputError(f"The readout must be an nn.Linear from {n} neurons, with weight and perhaps bias.")
    rows = [*((below, b) for below, b, _ in found), (top["weight"].T, top.get("bias", np.zeros(len(top["weight"]))))]
    bias = any(np.any(b) for _, b in rows)
    weights = [np.vstack([w, b]) if bias else w for w, b in rows]
    hidden = tuple(len(back) for *_, back in found)
    network = Network(len(found[0][0]), hidden[0] if layers == 1 else hidden, len(top["weight"]), NONLINEARITIES[nonlinearity], bias=bias)
    recurrent = [back for *_, back in found]
    return Imported(network, [w for pair in zip(weights, recurrent) for w in pair] + weights[-1:], Chip())


def write(network: Network, weights) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The state_dict of an ``nn.RNN`` and of the ``nn.Linear`` behind it, as arrays.

    Load them with ``load_state_dict({name: torch.from_numpy(a) for name, a in state.items()})`` into ``nn.RNN(inputs, hidden, layers,
    nonlinearity, bias=network.bias)``. All of a bias goes into ``bias_ih``.

    Raises
    ------
    InputError
        If the network is not an RNN of tanh or relu neurons with dense wiring and a linear readout.
    """
    known = type(network.neuron) in (Tanh, ReLU) and type(network.readout) is Linear
    if not known or network.wiring.sparse or len(set(network.layers)) > 1:
        raise InputError("An nn.RNN has layers of one size, of tanh or relu neurons, wired densely, and here a linear readout behind it.")
    weights = [np.asarray(w) for w in weights]
    if [w.shape for w in weights] != network.shapes():
        raise InputError(f"The weights have shapes {[w.shape for w in weights]}, but the network has {network.shapes()}.")
    rnn: dict[str, np.ndarray] = {}
    for k in range(len(network.layers)):
        below, bias = _split(weights[2 * k], network.bias)
        rnn |= {f"weight_ih_l{k}": below, f"weight_hh_l{k}": weights[2 * k + 1].T.copy()}
        if bias is not None:
            rnn |= {f"bias_ih_l{k}": bias, f"bias_hh_l{k}": np.zeros_like(bias)}
    weight, bias = _split(weights[-1], network.bias)
    return rnn, {"weight": weight} | ({} if bias is None else {"bias": bias})


def _split(w, biased):
    """A matrix as PyTorch has it, and its bias."""
    return (w[:-1].T.copy(), w[-1].copy()) if biased else (w.T.copy(), None)


def _arrays(module: Any) -> dict[str, np.ndarray]:
    state = module.state_dict() if hasattr(module, "state_dict") else module
    if not isinstance(state, Mapping):
        raise InputError(f"Give a module or its state_dict, got {type(module).__name__}.")
    return {str(name): np.asarray(a.detach().cpu() if hasattr(a, "detach") else a, np.float64) for name, a in state.items()}
