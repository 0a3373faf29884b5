"""Events of the forward references against a walk: e-prop and RFLO in plain loops, number by number, as a chip would carry them out."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from hw_models.chip import Chip
from hw_models.events import Event, Phase
from neurosim import eprop
from neurosim.account import Account
from neurosim.bptt import layers as layers_of
from neurosim.cost import events
from neurosim.losses import SquaredError
from neurosim.network import Network
from neurosim.neurons import Leaky, Linear, ReLU, Tanh
from neurosim.rules import Gradient

SLOPES = {Tanh: lambda x: 1 - x * x, Leaky: lambda x: 1 - x * x, ReLU: lambda x: float(x > 0)}


class Walk:
    """Walks through one window and counts what it does beyond the forward pass, whose outputs it is given."""

    def __init__(self, layers, kinds, rule, feedback):
        self.layers, self.kinds, self.rule, self.feedback, self.done = layers, kinds, rule, feedback, Counter()
        self.top, self.filtered = len(layers) - 1, layers[-1].neuron.rate != 1
        self.diagonal = rule.method == "eprop" and rule.eligibility == "diagonal"

    def times(self, a, b):
        self.done[Event.MULTIPLY] += 1
        return a * b

    def plus(self, a, b):
        self.done[Event.ADD] += 1
        return a + b

    def kept(self, store, key, new):
        """A word of a register read, made anew, and written back."""
        self.done[Event.STATE_READ] += 1
        self.done[Event.STATE_WRITE] += 1
        store[key] = new(store[key])
        return store[key]

    def window(self, inputs, outputs, targets, counted):
        """Gradients of one sequence; `outputs` of each layer with the step before the first in front."""
        found = [np.zeros_like(w) for layer in self.layers for w in (layer.below, layer.recurrent) if w is not None]
        eligibility, seen, steps = Counter(), Counter(), len(inputs)
        for t in range(steps):
            traces = [self.advance(k, inputs, outputs, t, eligibility, seen) for k in range(self.top + 1)]
            if counted[t]:
                self.learn(found, traces, outputs, targets, t)
        return found

    def advance(self, k, inputs, outputs, t, eligibility, seen):
        """Eligibilities of one layer after a step: what an error that comes now must be multiplied with, by synapse; and the derivatives."""
        layer, r, kind = self.layers[k], self.layers[k].neuron.rate, type(self.kinds[k])
        n, now = layer.below.shape[1], {}
        own = self.diagonal and layer.recurrent is not None
        slopes = []
        for i in range(n):
            if kind is Linear:
                slopes.append(None)
                continue
            self.done[Event.NONLINEARITY] += 1
            slopes.append(SLOPES[kind](outputs[k][t + 1][i]))
        past = [1 - r] * n
        if own:
            for i in range(n):
                past[i] = layer.recurrent[i, i]
                if kind is not Linear:
                    past[i] = self.times(past[i], SLOPES[kind](outputs[k][t][i]))  # the derivative of the step before
                if r != 1:
                    past[i] = self.plus(self.times(r, past[i]), 1 - r)
        sources = [("below", j, z) for j, z in enumerate(inputs[t] if k == 0 else outputs[k - 1][t + 1])]
        sources += [("recurrent", j, z) for j, z in enumerate(outputs[k][t] if layer.recurrent is not None else ())]
        for side, j, z in sources:
            given = self.times(r, z) if r != 1 else z
            row = given
            if not own and r != 1:  # a filtered input, equal for all neurons that it goes to
                row = self.kept(eligibility, (k, side, j), lambda old, given=given: self.plus(self.times(1 - r, old), given))
            for i in range(n):
                e = row
                if own:
                    e = self.kept(eligibility, (k, side, j, i), lambda old, i=i, given=given: self.plus(self.times(past[i], old), given))
                if k < self.top and self.filtered:
                    share = self.layers[-1].neuron.rate

                    def filtered(old, e=e, i=i, share=share):
                        new = e if slopes[i] is None else self.times(slopes[i], e)
                        return self.plus(old, self.times(share, self.plus(new, -old)))

                    e = self.kept(seen, (k, side, j, i), filtered)
                now[side, j, i] = e
        return now, slopes

    def learn(self, found, traces, outputs, targets, t):
        """Errors come down, and meet the eligibility of every synapse."""
        error = [self.times(2.0, self.plus(y, -target)) for y, target in zip(outputs[self.top][t + 1], targets[t])]
        given = None
        for k in reversed(range(self.top + 1)):
            layer, (now, slopes) = self.layers[k], traces[k]
            meets_slope = k == self.top or not self.filtered  # else the derivative is in the eligibility already
            sends = k > 0 and self.rule.method == "eprop"
            bent = [e if s is None or not (meets_slope or sends) else self.times(e, s) for e, s in zip(error, slopes)]
            signal = bent if meets_slope else error
            for (side, j, i), e in now.items():
                self.done[Event.MAC] += 1
                self.kept(found[2 * k + (side == "recurrent")], (j, i), lambda old, change=signal[i] * e: old + change)
            given = bent if k == self.top else given
            if k == 0:
                break
            weights = layer.below.T
            if self.rule.method == "rflo":
                weights, bent = self.feedback[k - 1], given
                self.done[Event.STATE_READ] += weights.size  # words beside the arrays
            else:
                bent = [self.times(layer.neuron.rate, b) for b in bent] if k < self.top and layer.neuron.rate != 1 else bent
                self.done[Event.WEIGHT_READ] += weights.size
            error = [0.0] * weights.shape[1]
            for o, j in product(range(weights.shape[0]), range(weights.shape[1])):
                self.done[Event.MAC] += 1
                error[j] += bent[o] * weights[o, j]


RULES = {"diagonal": Gradient("eprop"), "factorised": Gradient("eprop", eligibility="factorised"), "rflo": Gradient("rflo")}


@pytest.mark.parametrize("readout", [Linear(), Leaky(0.3), Tanh()], ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("neuron", [Tanh(), Leaky(0.4), Linear(), ReLU()], ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hidden", [3, (3, 4)], ids=["one", "deep"])
def test_events_of_a_forward_reference_are_those_of_a_walk(hidden, rule, neuron, readout):
    rule, network, steps = RULES[rule], Network(2, hidden, 2, neuron, readout), 5
    rng, weights = np.random.default_rng(1), network.weights(3)
    inputs, targets, counted = (
        rng.standard_normal((1, steps, 2)),
        rng.standard_normal((1, steps, 2)),
        np.array([[True, False, True, True, False]]),
    )
    layers = layers_of(network, weights)
    feedback = [rng.standard_normal((2, n)) for n in network.layers] if rule.method == "rflo" else None
    diagonal = rule.method == "eprop" and rule.eligibility == "diagonal"
    _, gradients, _ = eprop.gradients(layers, inputs, targets, counted, SquaredError(), None, diagonal, feedback)
    outputs, x = [], inputs.swapaxes(0, 1)
    for layer in layers:
        out = layer.forward(x, layer.neuron.start((1, layer.below.shape[1]), np.float64)).x
        outputs.append(out[:, 0])
        x = out[1:]
    walk = Walk(layers, [*[neuron] * len(network.layers), readout], rule, feedback)
    for g, expected in zip(walk.window(inputs[0], outputs, targets[0], counted[0]), gradients, strict=True):
        np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-12)
    account = Account(steps, clean=steps, compared=int(counted.sum()))
    ledger = events(network, Chip(), rule, account)
    found = {event: n.typical for (phase, event), n in ledger.items() if phase == Phase.UPDATE}
    assert found == pytest.approx(dict(walk.done))
