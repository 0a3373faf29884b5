"""Reference gradients: backpropagation through time in NumPy, openly not local, for the networks that `Simulator` runs.

With the weights pre-major, A from below and R recurrent (the readout has none), and the partial derivatives of a neuron's step as
`neurosim.partials` gives them (`past` J, `current` b, `sent` c), forward and backward in a layer are

    i(t) = x_below(t) A + x(t-1) R;  s(t), x(t) of the neuron
    g(t) = c(t) e(t) + J(t+1)ᵀ g(t+1);  d(t) = b(t)·g(t);  e(t) = e_above(t) + d(t+1) Rᵀ
    dL/dA = Σ x_below(t)ᵀ d(t);  dL/dR = Σ x(t-1)ᵀ d(t);  e_below(t) = d(t) Aᵀ

so that only the products with R go step by step. Werbos, Proc. IEEE 78:1550 (1990), doi:10.1109/5.58337.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw_models.chip import Chip
from hw_models.parts import InputError, check
from neurosim import eprop, random
from neurosim.account import Account, Writes
from neurosim.admission import check_dense
from neurosim.batch import Outcome, joined, side_by_side
from neurosim.cast import FloatArray, float_type, lower
from neurosim.losses import SquaredError
from neurosim.network import Network
from neurosim.partials import Dynamics, at_each_step, dynamics
from neurosim.rules.reference import Gradient
from neurosim.simulator import Simulator

State = list[Any]  #: of the neurons of each layer and of the readout, arrays of (sequence, neuron)

#: What stands between a weight and what it does; with any other part there the gradient would be of another network.
IDEAL = ("cell", "tile", "dac", "adc", "neuron", "wire", "memory")


class Layer(NamedTuple):
    """One population with the weights that lead to it."""

    neuron: Dynamics
    below: FloatArray
    recurrent: FloatArray | None

    def forward(self, x: FloatArray, state: Any) -> Any:
        """States of a window, with that of the step before it in front."""
        states = [state]
        for i in _times(x, self.below):
            if self.recurrent is not None:
                i += states[-1].x @ self.recurrent
            states.append(self.neuron.step(states[-1], i))
        return type(state)(*map(np.stack, zip(*states, strict=True)))

    def backward(self, states: Any, error: FloatArray) -> FloatArray:
        """dL/di from dL/dx as the layer above gives it, in place."""
        past, current, sent = at_each_step(self.neuron, states)
        later: dict[int, FloatArray] = {}  # dL/ds of the step that follows
        for t in reversed(range(len(error))):  # not local: history
            d = error[t]
            if self.recurrent is not None and t + 1 < len(error):
                d += error[t + 1] @ self.recurrent.T  # not local: transpose
            here = {b: c[t] * d for b, c in sent.items()}
            for (a, b), j in past.items():
                if a in later:
                    here[b] = here[b] + j[t + 1] * later[a] if b in here else j[t + 1] * later[a]
            d[:] = sum(c[t] * here[a] for a, c in current.items() if a in here)
            later = here
        return error


def gradients(
    layers: list[Layer],
    inputs: FloatArray,
    targets: FloatArray,
    counted: NDArray[np.bool_],
    loss: Any,
    state: State | None = None,
    depth: int | None = None,
) -> tuple[FloatArray, list[FloatArray], State]:
    """Loss of one window and its exact gradient, the state in which the window begins taken as a constant.

    Parameters
    ----------
    layers : list of Layer
        The hidden ones from below, then the readout.
    inputs, targets : (sequence, step, neuron), of the weights' float type
    counted : (sequence, step) bool
    loss : part
        Its ``value`` and ``slope`` must take arrays.
    state : State, optional
        What the window before gave; the start of a sequence if not given.
    depth : int, optional
        How many layers the error goes down through, the readout being the first; all if not said.

    Returns
    -------
    loss : (sequence,) float64
        Summed over counted steps and outputs.
    gradients : list of arrays
        Of the mean of that over the sequences, one for each of the weights of these layers.
    state : State
        Where the next window begins.
    """
    if state is None:
        state = [layer.neuron.start((len(inputs), layer.below.shape[1]), inputs.dtype) for layer in layers]
    x, target = (np.ascontiguousarray(np.swapaxes(a, 0, 1)) for a in (inputs, targets))
    counts = counted.T[..., None]
    seen, after = [], []
    for layer, begun in zip(layers, state, strict=True):
        states = layer.forward(x, begun)
        seen.append((x, states))
        after.append(type(states)(*(a[-1].copy() for a in states)))  # not a view, which would keep the whole window alive
        x = states.x[1:]
    total = np.where(counts, loss.value(x, target), 0).sum(axis=(0, 2), dtype=np.float64)
    error = np.where(counts, loss.slope(x, target), 0) / len(inputs)  # not local: error
    found = []
    for k, layer, (below, states) in list(zip(range(len(layers)), layers, seen, strict=True))[::-1][:depth]:
        d = layer.backward(states, error)
        if layer.recurrent is not None:
            found.append(_outer(states.x[:-1], d))
        found.append(_outer(below, d))
        if k > 0:
            error = _times(d, layer.below.T)  # not local: transpose
    return total, found[::-1], after


class GradientLearner:
    """A network that learns by reference gradients, used like a `Simulator`, which evaluates it.

    With "eprop" and "rflo" the gradient is one that a chip could run forward: eligibilities are carried from window to window, and RFLO's feedback weights are
    drawn once like those of the readout. With "tbptt" a sequence is cut into windows of k steps that do not overlap; the state is carried from window to window, and each
    ends in one update with the gradient of its loss per counted step (summed over outputs, mean over sequences). A window in which no
    step counts changes nothing. "bptt" is one window.

    Parameters
    ----------
    network : Network
    rule : Gradient
    seed : int
        The initial weights are `Network.weights` of it, the same as under every other rule.
    loss : part, optional
        What is minimised; squared error if not given.
    dtype : "float32" or "float64"
        The run's arithmetic, Adam's moments included.
    chip : hw_models.Chip, optional
        Must compute exactly: gradients of what a device does are not known here.
    plain : bool
        Evaluate with the plain Python loop.

    Raises
    ------
    InputError
        If the chip is not ideal, or no derivative of a neuron is known.
    """

    def __init__(self, network, rule, seed=0, loss=None, dtype="float32", chip=None, plain=False):
        self.chip = chip if chip is not None else Chip()
        for name in IDEAL:
            part, ideal = getattr(self.chip, name), getattr(Chip(), name)
            if part != ideal:
                kind = type(part).__name__ if type(part) is not type(ideal) else repr(part)
                raise InputError(
                    f"Reference gradients ({rule.name}) run on the ideal chip only, but chip.{name} of {self.chip.name} is {kind}; "
                    'choose the chip "ideal" or a rule of the perturbation family.'
                )
        check_dense(network, rule)
        self.network, self.learning, self.seed, self.dtype = network, check(rule), seed, dtype
        self._simulator = Simulator(network, self.chip, seed, None, loss, dtype, plain)
        self._number = float_type(dtype)
        self._loss = lower(loss if loss is not None else SquaredError(), self._number)
        self._weights = [w.astype(self._number) for w in network.weights(seed)]
        self._check_readout(self._layers(rule), rule)  # now rather than in the first step
        self._feedback = self._random_feedback() if rule.method == "rflo" else None
        self._means, self._squares = ([np.zeros_like(w) for w in self._weights] for _ in range(2))
        self._updates = np.zeros(1, np.int64)
        self.clock = np.zeros(2, np.int64)

    def run(self, inputs, record=("y",), noise=0, first=0) -> dict[str, FloatArray]:
        """As `Simulator.run`."""
        return self._programmed().run(inputs, record, noise, first)

    def evaluate(self, inputs, targets, counted, record=(), noise=0, first=0) -> Outcome:
        """As `Simulator.evaluate`."""
        return self._programmed().evaluate(inputs, targets, counted, record, noise, first)

    def prepare(self, batch=1) -> None:
        """Compile what `evaluate` needs; `learn` needs nothing compiled."""
        self._programmed().prepare(batch)

    def learn(self, inputs, targets, counted, learning: Gradient | None = None, *, batch: int | None = None) -> Outcome:
        """Run sequences, a batch of them side by side (all, if not said) that shares the weights, and update after every window.

        `learning` may be the rule with another rate, as a schedule gives it. A loss or gradient that is not finite ends the run
        before it reaches the weights.
        """
        inputs, targets = (np.asarray(a, self._number) for a in (inputs, targets))
        if not len(inputs):
            raise InputError(f"inputs has shape {inputs.shape}: there is no sequence in it; give at least one.")
        together, outcomes = side_by_side(len(inputs), batch), []
        for begun in range(0, len(inputs), together):
            here = slice(begun, begun + together)
            outcomes.append(self._learn(inputs[here], targets[here], counted[here], learning or self.learning))
            if not outcomes[-1].finite:
                break
        return joined(outcomes)

    def _learn(self, inputs, targets, counted, rule: Gradient) -> Outcome:
        sequences, steps, _ = inputs.shape
        window = steps if rule.method == "bptt" else rule.k
        loss, state, finite, account, found = np.zeros(sequences), None, True, Account(), self._layers(rule)
        slopes = [None] * len(self._weights)
        with np.errstate(over="ignore", invalid="ignore"):  # said in the outcome
            while finite and account.steps < steps:
                here = slice(account.steps, account.steps + window)
                u, target, counts = (a[:, here] for a in (inputs, targets, counted))
                added, slopes, state = self._gradients(rule, found, u, target, counts, state)
                loss += added
                finite = all(np.isfinite(a).all() for a in (added, *slopes))
                judged, seen = int(np.count_nonzero(counts)), counts.shape[1]
                slopes = [None] * (len(self._weights) - len(slopes)) + slopes  # of layers that do not learn
                if updates := finite and judged > 0:
                    self._update([g if g is None else g * (sequences / judged) for g in slopes], rule)
                account = account.plus(Account(seen, clean=seen * sequences, compared=judged, windows=sequences, written=int(updates)))
        self.clock[0] += account.steps
        sizes = zip(self.network.projections, self._weights, strict=True)
        writes = {name: Writes(n := account.written * w.size * (g is not None), hits=n) for (name, w), g in zip(sizes, slopes, strict=True)}
        return Outcome(loss, {}, finite, account._replace(writes=writes))

    @property
    def weights(self) -> list[FloatArray]:
        """Weights, as `Simulator.weights`."""
        return [w.copy() for w in self._weights]

    def program(self, weights, fit=False) -> None:
        """Start from given weights; what Adam remembers stays. There is nothing to fit them to."""
        self._simulator.program(weights)  # refuses other shapes
        self._weights = [np.array(w, self._number) for w in weights]

    def state(self) -> dict[str, np.ndarray]:
        """A copy of weights, moments and clock: everything that a pause must keep."""
        return {name: np.array(array) for name, array in self._live().items()}

    def _live(self) -> dict[str, np.ndarray]:
        groups = {"weights": self._weights, "means": self._means, "squares": self._squares}
        kept = {f"{group}.{k}": a for group, arrays in groups.items() for k, a in enumerate(arrays)}
        return {"clock": self.clock, "updates": self._updates, **kept}

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Put back what `state` gave; a state of another network is refused."""
        mine = self._live()
        if {name: array.shape for name, array in mine.items()} != {name: np.shape(array) for name, array in kept.items()}:
            raise InputError("This checkpoint belongs to another network or rule: its arrays have other names or shapes.")
        for name, array in mine.items():
            array[...] = kept[name]

    def _programmed(self) -> Simulator:
        self._simulator.program(self._weights)
        self._simulator.clock[:] = self.clock
        return self._simulator

    def _layers(self, rule):
        return layers(self.network, self._weights, self.chip.step_s, rule.surrogate)

    def _check_readout(self, found, rule):
        if rule.method in ("eprop", "rflo") and not found[-1].neuron.linear:
            raise InputError(
                f"{rule.name} filters eligibilities as the readout's membrane filters what reaches it, but the readout "
                f"{type(self.network.readout).__name__} does more than filter; use one such as LI (network.readout li), or bptt."
            )

    def _gradients(self, rule, found, inputs, targets, counted, state):
        if rule.method in ("bptt", "tbptt"):
            return gradients(found, inputs, targets, counted, self._loss, state, 1 if rule.learns == "readout" else None)
        diagonal = rule.method == "eprop" and rule.eligibility == "diagonal"
        return eprop.gradients(found, inputs, targets, counted, self._loss, state, diagonal, self._feedback)

    def _random_feedback(self) -> list[FloatArray]:
        """From the outputs to every hidden layer, normal with the standard deviation of Xavier's weights between the two."""
        draw, outputs = random.generator(self.seed, random.FEEDBACK), self.network.outputs
        return [((2 / (outputs + n)) ** 0.5 * draw.standard_normal((outputs, n))).astype(self._number) for n in self.network.layers]

    def _update(self, found, rule):
        self._updates += 1
        n = int(self._updates[0])
        for w, g, mean, square in zip(self._weights, found, self._means, self._squares, strict=True):
            if g is None:
                continue
            if rule.optimizer == "adam":
                adam(w, g, mean, square, rule.lr, n)
            else:
                w -= rule.lr * g


def adam(w: FloatArray, g: FloatArray, mean: FloatArray, square: FloatArray, lr: float, n: int) -> None:
    """Update number n (from 1) of Adam with the usual constants, in place.

    ``m <- 0.9 m + 0.1 g; s <- 0.999 s + 0.001 g²; w <- w - lr m̂ / (sqrt(ŝ) + 1e-8)``, m̂ and ŝ over 1 - 0.9ⁿ and 1 - 0.999ⁿ.

    References
    ----------
    Kingma, Ba 2015, arXiv:1412.6980, algorithm 1.
    """
    mean += 0.1 * (g - mean)
    square += 0.001 * (g * g - square)
    root = (1 - 0.999**n) ** 0.5  # taken out of the fraction: one division a weight less
    step = np.sqrt(square)
    step += 1e-8 * root
    np.divide(mean, step, out=step)
    step *= lr * root / (1 - 0.9**n)
    w -= step


def layers(network: Network, weights: list[FloatArray], step_s: float = 1e-3, surrogate: float = 0.3) -> list[Layer]:
    """The network with given weights as gradients see it, for steps of so many seconds and surrogates of that height.

    Raises
    ------
    InputError
        If the derivatives of a neuron are not known.
    """
    depth, dtype = len(network.layers), str(weights[0].dtype)
    neurons = [*[dynamics(network.neuron, step_s, surrogate, dtype)] * depth, dynamics(network.readout, step_s, surrogate, dtype)]
    return [Layer(neuron, weights[2 * k], weights[2 * k + 1] if k < depth else None) for k, neuron in enumerate(neurons)]


def _rows(x: FloatArray) -> FloatArray:
    return x.reshape(-1, x.shape[-1])


def _times(x: FloatArray, w: FloatArray) -> FloatArray:
    """One product for all steps; on three axes NumPy would make one a step."""
    return (_rows(x) @ w).reshape(*x.shape[:-1], -1)


def _outer(x: FloatArray, d: FloatArray) -> FloatArray:
    """Σ x dᵀ over all steps and sequences."""
    x, d = _rows(x), _rows(d)
    return x.T * d if len(x) == 1 else x.T @ d  # BLAS takes seven times as long over a single row
