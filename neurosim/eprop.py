"""E-prop and RFLO in NumPy: references that carry no history from window to window but an eligibility of every weight; openly not local all the same.

With the partial derivatives of a neuron's step as `neurosim.partials` gives them (`past` J, `current` b, `sent` c), the eligibility of the
weight from j to i is what it did to the state of i while all other neurons' outputs stayed as they were,

    ε_ji(t) = J_i(t) ε_ji(t-1) + b_i(t) (z_j(t) + R_ii c_i(t-1)·ε_ji(t-1))

with the neuron's own recurrent weight R_ii or without it, which leaves rate neurons a filtered input that all ε_ji of one j have in common
(factorised). The gradient is then taken as

    dL/dW_ji = Σ_t s_i(t) c_i(t)·ε_ji(t)

where s is the error of the present step, sent down through the transposed weights (e-prop) or straight from the outputs through fixed
random ones (RFLO). A readout with a membrane filters c·ε as it filters x. With one hidden layer this is the exact gradient if the neurons
are not connected to each other: with R = 0, and, with the diagonal, with any R that has nothing else.

A chip would carry ε from step to step. Here a window is summed up from its end, which is the same sum: ε is linear in what enters it, with
factors that the neuron i alone determines. So what the gradient, and each word of the ε that the window leaves, owe to an input z_j(t) and to
a word of the ε that it began with is computed for neurons, and only its product with z is one of synapses, once a window.

Bellec et al. 2020, doi:10.1038/s41467-020-17236-y; Murray 2019, doi:10.7554/eLife.43299.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.cast import FloatArray
from neurosim.partials import Partials, V, at_each_step

Vector = dict[int, FloatArray]  #: by fields of a state that derivatives are told of


class Trace(NamedTuple):
    """What a layer carries from window to window."""

    state: Any
    sent: Vector  #: what its outputs made of its state in the last step
    words: list[dict[tuple[bool, int], FloatArray]]  #: of the weights from below and of the recurrent ones, (sequence, pre, post) each: of
    #: ε by field, (False, field); and of c·ε as the readout's membrane filters it, (True, field)


class Share(NamedTuple):
    """What the gradient (0), and the words that a window leaves (from 1 on, in this order), owe to what."""

    left: list[tuple[bool, int]]
    inputs: FloatArray  #: (step, which, sequence, post): to an input of a step
    begun: dict[tuple[bool, int], FloatArray]  #: (which, sequence, post) each: to a word that the window began with


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
        state = [Trace(layer.neuron.start((len(inputs), layer.below.shape[1]), inputs.dtype), {}, [{}, {}]) for layer in layers]
    x, target = (np.ascontiguousarray(np.swapaxes(a, 0, 1)) for a in (inputs, targets))
    counts, seen = counted.T[..., None], []
    for layer, trace in zip(layers, state, strict=True):
        states = layer.forward(x, trace.state)
        seen.append((x, states, at_each_step(layer.neuron, states)))
        x = states.x[1:]
    total = np.where(counts, loss.value(x, target), 0).sum(axis=(0, 2), dtype=np.float64)
    error = np.where(counts, loss.slope(x, target), 0) / len(inputs)  # not local: error
    given = error * seen[-1][2].sent[V]  # what the readout's membranes should have been
    membrane, found, after, s = _membrane(layers[-1].neuron), [], [], error
    for k in reversed(range(len(layers))):
        layer, (x, states, partials) = layers[k], seen[k]
        own = np.diag(layer.recurrent) if diagonal and layer.recurrent is not None else None
        share = _shares(partials, state[k].sent, own, membrane if k + 1 < len(layers) else None, s)
        sources = [x] if layer.recurrent is None else [x, states.x[:-1]]
        owed = [_owed(share, z, words) for z, words in zip(sources, state[k].words, strict=False)]
        found += [gradient for gradient, _ in reversed(owed)]
        last = type(states)(*(a[-1].copy() for a in states))  # not a view, which would keep the whole window alive
        after.append(Trace(last, {b: c[-1].copy() for b, c in partials.sent.items()}, [words for _, words in owed]))
        if k > 0 and feedback is not None:
            s = given @ feedback[k - 1]
        elif k == len(layers) - 1:  # the readout's membrane is in the filter already
            s = given @ layer.below.T  # not local: transpose
        else:
            reaches = sum(b * partials.sent[a] for a, b in partials.current.items() if a in partials.sent)
            s = (s * reaches) @ layer.below.T  # not local: transpose
    return total, found[::-1], after[::-1]


def _membrane(neuron) -> Partials:
    """How a readout's membrane filters, the same for every output."""
    s = neuron.start((1,), np.float64)
    return neuron.partials(s, s)


def _shares(partials: Partials, sent_before: Vector, own: FloatArray | None, membrane: Partials | None, s: FloatArray) -> Share:
    """What is owed to what, from the end of a window to its beginning; s is (step, sequence, post)."""
    past, current, sent = partials
    if own is not None:
        before = {b: np.concatenate([sent_before[b][None] if sent_before else np.zeros_like(c[:1]), c[:-1]]) for b, c in sent.items()}
        past = past | {(a, b): past.get((a, b), 0) + e * own * c for a, e in current.items() for b, c in before.items()}
    filters, enters = (membrane.past, membrane.current) if membrane else ({}, {V: 1.0})
    left = [*((False, b) for b in sorted({b for _, b in past})), *((True, m) for m in sorted({m for _, m in filters}))]
    shape = (1 + len(left), *s.shape[1:])
    later = {key: np.zeros(shape, s.dtype) for key in left}  # owed by steps that follow, and by what the window leaves
    for k, key in enumerate(left):
        later[key][1 + k] = 1
    inputs = np.zeros((len(s), *shape), s.dtype)
    for t in reversed(range(len(s))):
        filtered = {m: later[True, m] for seen, m in later if seen}
        shown = filtered.get(V)
        filtered[V] = shown = np.zeros(shape, s.dtype) if shown is None else shown.copy()
        shown[0] += s[t]
        through: Any = sum(e * filtered[m] for m, e in enters.items() if m in filtered)
        here = {b: later[False, b] for seen, b in later if not seen}
        for b, c in sent.items():
            here[b] = here[b] + c[t] * through if b in here else c[t] * through
        inputs[t] = sum(e[t] * here[a] for a, e in current.items() if a in here)
        later = _earlier(False, {place: j[t] for place, j in past.items()}, here) | _earlier(True, filters, filtered)
    least = np.finfo(s.dtype).tiny / np.finfo(s.dtype).eps
    for owed in (inputs, *later.values()):
        owed[abs(owed) < least] = 0  # nothing to what it is added to, but subnormal numbers make products 30 times as slow
    return Share(left, inputs, later)


def _earlier(seen: bool, past: dict[tuple[int, int], Any], here: Vector) -> dict[tuple[bool, int], FloatArray]:
    """What is owed to the words of the step before."""
    found: dict[tuple[bool, int], FloatArray] = {}
    for (a, b), j in past.items():
        if a in here:
            found[seen, b] = found[seen, b] + j * here[a] if (seen, b) in found else j * here[a]
    return found


def _owed(share: Share, z: FloatArray, words: dict[tuple[bool, int], FloatArray]) -> tuple[FloatArray, dict[tuple[bool, int], FloatArray]]:
    """The gradient of the weights that z (step, sequence, pre) comes through, and the words that the window leaves."""
    steps, which, sequences, post = share.inputs.shape
    z, d = z.transpose(1, 2, 0), share.inputs.transpose(2, 0, 1, 3).reshape(sequences, steps, which * post)
    product = z * d if steps == 1 else z @ d  # BLAS takes several times as long over a single row
    total = product.reshape(sequences, -1, which, post).transpose(2, 0, 1, 3)
    for key, owed in share.begun.items():
        if key in words:
            for k in range(which):
                if k == 0 or share.left[k - 1][0] >= key[0]:  # ε owes nothing to what is seen of it
                    total[k] += owed[k][:, None] * words[key]
    return total[0].sum(axis=0), dict(zip(share.left, total[1:], strict=True))
