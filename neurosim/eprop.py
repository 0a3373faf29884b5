"""Forward references: e-prop and RFLO in NumPy, which keep no history but an eligibility of every weight; openly not local all the same.

With the partial derivatives of a neuron's step as `neurosim.partials` gives them (`past` J, `current` b, `sent` c), the eligibility of the
weight from j to i is what it did to the state of i while all other neurons' outputs stayed as they were,

    ε_ji(t) = J_i(t) ε_ji(t-1) + b_i(t) (z_j(t) + R_ii c_i(t-1)·ε_ji(t-1))

with the neuron's own recurrent weight R_ii or without it, which leaves rate neurons a filtered input that all ε_ji of one j have in common
(factorised). The gradient is then taken as

    dL/dW_ji = Σ_t s_i(t) c_i(t)·ε_ji(t)

where s is the error of the present step, sent down through the transposed weights (e-prop) or straight from the outputs through fixed
random ones (RFLO). A readout with a membrane filters c·ε as it filters x. With one hidden layer this is the exact gradient if the neurons
are not connected to each other: with R = 0, and, with the diagonal, with any R that has nothing else.

Bellec et al. 2020, doi:10.1038/s41467-020-17236-y; Murray 2019, doi:10.7554/eLife.43299.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.cast import FloatArray
from neurosim.partials import Partials, V

Vector = dict[int, FloatArray]  #: by fields of a state that derivatives are told of, each (sequence, pre, post)


class Trace(NamedTuple):
    """What a layer carries from step to step."""

    state: Any
    sent: dict[int, Any]  #: what its outputs made of its state in the step before
    below: Vector  #: eligibility of the weights from below
    recurrent: Vector
    seen_below: Vector  #: of what is sent, as the readout's membrane filters it
    seen_recurrent: Vector


def gradients(
    layers: list[Any],
    inputs: FloatArray,
    targets: FloatArray,
    counted: NDArray[np.bool_],
    loss: Any,
    state: list[Trace] | None = None,
    diagonal: bool = True,
    feedback: list[FloatArray] | None = None,
) -> tuple[FloatArray, list[FloatArray], list[Trace]]:
    """Loss of one window and what forward eligibility takes for its gradient.

    Parameters
    ----------
    layers : list of neurosim.bptt.Layer
        The hidden ones from below, then the readout.
    inputs, targets : (sequence, step, neuron)
    counted : (sequence, step) bool
    loss : part
        Its ``value`` and ``slope`` must take arrays.
    state : list of Trace, optional
        What the window before gave; the start of a sequence if not given.
    diagonal : bool
        Whether eligibility passes through a neuron's own recurrent weight.
    feedback : list of (output, neuron) arrays, optional
        One for each hidden layer, through which the error reaches it in place of the transposed weights.

    Returns
    -------
    loss, gradients, state
        As `neurosim.bptt.gradients` gives them.
    """
    if state is None:
        state = [Trace(layer.neuron.start((len(inputs), layer.below.shape[1]), inputs.dtype), {}, {}, {}, {}, {}) for layer in layers]
    state, membrane, total = list(state), _membrane(layers[-1].neuron), np.zeros(len(inputs))
    found = [np.zeros_like(w) for layer in layers for w in (layer.below, layer.recurrent) if w is not None]
    for t in range(inputs.shape[1]):
        z, partials = inputs[:, t], []
        for k, layer in enumerate(layers):
            state[k], derivatives = _step(layer, state[k], z, diagonal, membrane if k + 1 < len(layers) else None)
            partials.append(derivatives)
            z = state[k].state.x
        counts = counted[:, t, None]
        if not counts.any():
            continue
        total += np.where(counts, loss.value(z, targets[:, t]), 0).sum(1, dtype=np.float64)
        error = np.where(counts, loss.slope(z, targets[:, t]), 0) / len(inputs)  # not local: error
        given = error * partials[-1].sent[V]  # what the readout's membranes should have been
        s = error
        for k in reversed(range(len(layers))):
            layer, trace = layers[k], state[k]
            _add(found[2 * k], s, trace.seen_below)
            if layer.recurrent is not None:
                _add(found[2 * k + 1], s, trace.seen_recurrent)
            if feedback is not None and k > 0:
                s = given @ feedback[k - 1]
            elif k == len(layers) - 1:  # the readout's membrane is in the filter already
                s = given @ layer.below.T  # not local: transpose
            else:
                _, current, sent = partials[k]
                s = sum(s * sent[a] * b for a, b in current.items() if a in sent) @ layer.below.T  # not local: transpose
    return total, found, state


def _membrane(neuron) -> Partials:
    """How a readout's membrane filters, the same for every output."""
    s = neuron.start((1,), np.float64)
    return neuron.partials(s, s)


def _step(layer, trace: Trace, z: FloatArray, diagonal: bool, membrane: Partials | None) -> tuple[Trace, Partials]:
    """One step of a layer and of its eligibilities, seen through the readout's membrane if there is one above."""
    current = z @ layer.below
    if layer.recurrent is not None:
        current = current + trace.state.x @ layer.recurrent
    state = layer.neuron.step(trace.state, current)
    past, enters, sent = partials = layer.neuron.partials(trace.state, state)
    if layer.recurrent is not None and diagonal:
        own = np.diag(layer.recurrent)
        past = past | {(a, b): past.get((a, b), 0) + e * own * c for a, e in enters.items() for b, c in trace.sent.items()}
    grown = [_filtered(past, enters, trace.below, z[:, :, None]), {}]
    if layer.recurrent is not None:
        grown[1] = _filtered(past, enters, trace.recurrent, trace.state.x[:, :, None])
    seen = [{}, {}]
    for k, (eligibility, before) in enumerate(zip(grown, (trace.seen_below, trace.seen_recurrent), strict=True)):
        if eligibility:
            x: Any = sum(_each(c) * eligibility[b] for b, c in sent.items() if b in eligibility)
            seen[k] = {V: x} if membrane is None else _filtered(membrane.past, membrane.current, before, x)
    return Trace(state, sent, *grown, *seen), partials


def _filtered(past, enters, before: Vector, x: FloatArray) -> Vector:
    """What fields of a state become with what enters them."""
    found = {a: _each(e) * x for a, e in enters.items()}
    for (a, b), j in past.items():
        if b in before:
            found[a] = found[a] + _each(j) * before[b] if a in found else _each(j) * before[b]
    return found


def _each(numbers):
    """A number of every neuron for each of the synapses that lead to it."""
    return numbers[:, None, :] if np.ndim(numbers) == 2 else numbers


def _add(gradient: FloatArray, s: FloatArray, seen: Vector) -> None:
    """Σ s_i times what is seen of ε_ji over the sequences."""
    gradient += np.einsum("bi,bji->ji", s, np.broadcast_to(seen[V], (len(s), *gradient.shape)))
