"""Forward references: e-prop and RFLO in NumPy, which keep no history but an eligibility of every weight; openly not local all the same.

With the membrane and output of `neurosim.bptt`, ``v(t) = v(t-1) + r (i(t) - v(t-1)); x(t) = f(v(t))``, the eligibility of the weight from
j to i is what it did to v_i while all other neurons' outputs stayed as they were,

    ε_ji(t) = k_i(t) ε_ji(t-1) + r z_j(t)

with k_i = 1 - r + r R_ii f'(v_i(t-1)), the diagonal of the layer's own Jacobian, or k_i = 1 - r, which drops the neuron's own recurrent
weight and leaves a filtered input that all ε_ji of one j have in common (factorised). The gradient is then taken as

    dL/dW_ji = Σ_t s_i(t) f'(v_i(t)) ε_ji(t)

where s is the error of the present step, sent down through the transposed weights (e-prop) or straight from the outputs through fixed
random ones (RFLO). A readout with a membrane filters f' ε as it filters x. With one hidden layer this is the exact gradient if the neurons
are not connected to each other: with R = 0, and, with the diagonal, with any R that has nothing else.

Bellec et al. 2020, doi:10.1038/s41467-020-17236-y; Murray 2019, doi:10.7554/eLife.43299.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.cast import FloatArray


class Trace(NamedTuple):
    """What a layer carries from step to step, each array with the sequences in front."""

    v: FloatArray
    x: FloatArray
    below: FloatArray  #: eligibility of the weights from below, (sequence, pre, post)
    recurrent: FloatArray  #: of the recurrent ones; no pre in a readout
    seen_below: FloatArray  #: f' times eligibility, as the readout's membrane filters it
    seen_recurrent: FloatArray


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
    state = list(state or _start(layers, len(inputs), inputs.dtype))
    total = np.zeros(len(inputs))
    found = [np.zeros_like(w) for layer in layers for w in (layer.below, layer.recurrent) if w is not None]
    for t in range(inputs.shape[1]):
        z = inputs[:, t]
        for k, layer in enumerate(layers):
            state[k] = _step(layer, state[k], z, diagonal, layers[-1].rate if k + 1 < len(layers) else 1.0)
            z = state[k].x
        counts = counted[:, t, None]
        total += np.where(counts, loss.value(z, targets[:, t]), 0).sum(1, dtype=np.float64)
        error = np.where(counts, loss.slope(z, targets[:, t]), 0) / len(inputs)  # not local: error
        given = error * layers[-1].slope(z)  # what the readout's membranes should have been
        s = error
        for k in reversed(range(len(layers))):
            layer, trace = layers[k], state[k]
            found[2 * k] += np.einsum("bi,bji->ji", s, trace.seen_below)
            if layer.recurrent is not None:
                found[2 * k + 1] += np.einsum("bi,bji->ji", s, trace.seen_recurrent)
            if feedback is not None and k > 0:
                s = given @ feedback[k - 1]
            elif k == len(layers) - 1:  # the readout's rate is in the filter already
                s = given @ layer.below.T  # not local: transpose
            else:
                s = (s * layer.slope(trace.x) * layer.rate) @ layer.below.T  # not local: transpose
    return total, found, state


def _start(layers, sequences, dtype) -> list[Trace]:
    def zeros(*shape):
        return np.zeros((sequences, *shape), dtype)

    widths = [layer.below.shape for layer in layers]
    own = [0 if layer.recurrent is None else n for layer, (_, n) in zip(layers, widths, strict=True)]
    return [Trace(zeros(n), zeros(n), zeros(m, n), zeros(k, n), zeros(m, n), zeros(k, n)) for (m, n), k in zip(widths, own, strict=True)]


def _step(layer, trace: Trace, z: FloatArray, diagonal: bool, share: float) -> Trace:
    """One step of a layer and of its eligibilities; `share` is what the readout's membrane takes of the gap to its input."""
    r, current, keep = layer.rate, z @ layer.below, np.full_like(trace.v, 1 - layer.rate)
    if layer.recurrent is not None:
        current = current + trace.x @ layer.recurrent
        if diagonal:
            keep += r * np.diag(layer.recurrent) * layer.slope(trace.x)
    v = trace.v + r * (current - trace.v)
    x = layer.activation(v)
    below = keep[:, None] * trace.below + r * z[:, :, None]
    recurrent = keep[:, None] * trace.recurrent
    if layer.recurrent is not None:
        recurrent += r * trace.x[:, :, None]
    slope = layer.slope(x)[:, None]
    return Trace(
        v,
        x,
        below,
        recurrent,
        trace.seen_below + share * (slope * below - trace.seen_below),
        trace.seen_recurrent + share * (slope * recurrent - trace.seen_recurrent),
    )
